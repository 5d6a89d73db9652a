/*
 * Every message between the processes, and the channel that carries them: a
 * SOCK_SEQPACKET socketpair. A message is a header and a payload in one
 * datagram; the table in ipc_table.c says of each type who may send it to
 * whom, in which state, how large it is and whether a descriptor rides on it.
 * Whatever does not fit the table means that the peer is broken into.
 */
#ifndef DOTPROXY_IPC_H
#define DOTPROXY_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "counter.h"
#include "netaddr.h"
#include "siphash.h"

/* A child finds its end of the channel to the parent here. */
#define IPC_PARENT_FD 3

/* Who is at an end of a channel. Bits, so that the table can hold sets. */
enum ipc_role { IPC_PARENT = 1, IPC_WORKER = 2, IPC_TLS = 4, IPC_SOCKS = 8 };

/*
 * The state of a child, which both ends of its channel to the parent keep: it
 * begins as NEW, CONFINED makes it CONFIG, READY makes it RUN; a channel
 * between worker and tls is always RUN.
 */
enum ipc_state { IPC_NEW = 1, IPC_CONFIG = 2, IPC_RUN = 4 };

enum ipc_type {
	/* child -> parent */
	IPC_LOG = 1, /* struct ipc_log, text */
	IPC_CONFINED, /* struct ipc_confined: NEW -> CONFIG */
	IPC_READY, /* struct ipc_generation: config taken; -> RUN */
	IPC_COUNTERS, /* struct ipc_counters */
	IPC_REFUSED, /* struct ipc_refused: about to die of SIGSYS */
	IPC_BROKEN, /* struct ipc_peer: that peer broke a rule */
	/* worker -> parent */
	IPC_STOPPED, /* nothing in flight any more, after IPC_STOP */
	IPC_BLOCK, /* struct ipc_block: block this client */
	/* tls -> parent */
	IPC_CONNECT, /* struct ipc_connect: asks for a connection */
	IPC_TRIAL, /* struct ipc_trial: how an address did, each in its turn */
	IPC_TRIED, /* that was the last */
	/* socks -> parent */
	IPC_PROXIED, /* struct ipc_proxied: what became of IPC_PROXY */
	/* parent -> child */
	IPC_CONF_WORKER, /* struct ipc_conf_worker: begins a config */
	IPC_CONF_TLS, /* struct ipc_conf_tls: begins a config */
	IPC_ALLOW, /* struct netaddr[1 .. IPC_ALLOW_BATCH] */
	IPC_LIMIT, /* struct conf_limit */
	IPC_PREFIXES, /* struct ipc_prefixes, and struct netaddr[1 .. ] */
	IPC_FORWARD, /* struct ipc_forward */
	IPC_LISTEN, /* struct ipc_listen, with the socket */
	IPC_UPSTREAM, /* struct ipc_upstream, with the CA memfd unless plain */
	IPC_ADDRESS, /* struct ipc_address */
	IPC_PIN, /* struct ipc_pin */
	IPC_ZONE, /* struct ipc_zone */
	IPC_COMMIT, /* struct ipc_generation: the config is whole */
	IPC_CACHE, /* struct ipc_cache, with the memory, in the place of any other */
	IPC_LOCAL, /* struct conf_local, with the memfd that holds it */
	IPC_COOKIE, /* struct ipc_cookie */
	IPC_BLOCKED, /* struct ipc_blocked[1 .. IPC_BLOCKED_BATCH] */
	IPC_PEER, /* struct ipc_peer, with the channel to it */
	IPC_SOCKET, /* struct ipc_socket, with the socket if error is 0 */
	IPC_NETWORK, /* struct ipc_network: the way to it is another now */
	IPC_PROXY, /* struct ipc_proxy, with the socket to the proxy */
	IPC_COUNT, /* asks for IPC_COUNTERS */
	IPC_STOP, /* worker: answer what is in flight, then IPC_STOPPED; the
		     TLS process is told by an end of file */
	/* worker -> tls */
	IPC_QUERIES, /* struct ipc_query and its name, one or more */
	/* tls -> worker */
	IPC_ANSWERS, /* struct ipc_answer and its bytes, one or more */
	IPC_TYPES /* how many there are, and one */
};

struct ipc_header {
	uint32_t type;
	uint32_t len; /* of the payload; must agree with the datagram */
};

#define IPC_LOG_TEXT 1000
struct ipc_log {
	uint32_t priority; /* syslog's, LOG_CRIT .. LOG_DEBUG; text follows */
};

struct ipc_confined {
	uint32_t layers; /* SANDBOX_* */
};

struct ipc_generation {
	uint32_t generation; /* of the config; 1 is the first */
};

struct ipc_counters {
	uint64_t value[COUNTERS];
};

struct ipc_refused {
	uint32_t nr; /* of the system call */
};

/* worker: its index, for tls to know it by; in a worker's messages 0. */
struct ipc_peer {
	uint32_t worker;
};

struct ipc_connect {
	uint32_t serial; /* comes back in IPC_SOCKET */
	uint32_t generation; /* of the config that the indices are of */
	uint32_t upstream;
	uint32_t address;
	uint32_t transport; /* enum ipc_proto; IPC_UDP for a plain one only */
};

struct ipc_socket {
	uint32_t serial;
	uint32_t error; /* an errno, or what a proxy did (ipc_proxy_error);
			   0: the socket rides along, connecting */
};

/*
 * The kernel takes another way to this address than before, or has one again,
 * or none any more: connections to it are dead without a sign.
 */
struct ipc_network {
	uint32_t generation; /* of the config that the indices are of */
	uint32_t upstream;
	uint32_t address;
};

/* To ask a SOCKS5 proxy for a connection to target, over the socket that rides
 * along, which is connecting to it. Texts are NUL-terminated, zeroes behind. */
struct ipc_proxy {
	uint32_t serial; /* comes back in IPC_PROXIED */
	struct netaddr target; /* with its port */
	char user[CONF_SOCKS_MAX]; /* "": none */
	char password[CONF_SOCKS_MAX];
};

/* So many may be under way at once. */
#define IPC_PROXY_MAX 64

struct ipc_proxied {
	uint32_t serial;
	uint32_t error; /* enum ipc_proxy_error; 0: connected */
};

/* Greater than any errno, so that both fit into one field. */
enum ipc_proxy_error {
	IPC_PROXY_REPLY = 0x10000, /* + the reply, RFC 1928 6; 1 .. 255 */
	IPC_PROXY_METHOD = 0x10100, /* it takes no way to log in of ours */
	IPC_PROXY_AUTH, /* user or password refused */
	IPC_PROXY_GARBAGE, /* it does not speak SOCKS5 */
	IPC_PROXY_CLOSED, /* it closed the connection */
	IPC_PROXY_SILENT, /* it did not answer in time */
	IPC_PROXY_ERRNO = 0x20000 /* + errno: there is no connection to it */
};
#define IPC_PROXY_ERRNO_MAX 4095
bool ipc_proxy_error_is_valid(uint32_t error); /* 0 is not */

#define IPC_TRIAL_CERTS	  8
#define IPC_TRIAL_TEXT	  256
#define IPC_TRIAL_SUBJECT 128
#define IPC_TRIAL_NONE	  UINT32_MAX

/* Of a chain that was verified. Texts are printable, zeroes behind. */
struct ipc_trial_cert {
	int64_t ends; /* seconds since 1970 */
	uint32_t pinned; /* 0 or 1: the config has this pin */
	uint8_t pin[CONF_PIN_LEN];
	char subject[IPC_TRIAL_SUBJECT];
	uint32_t zero; /* must be 0 */
};

/* How an address did: each of the config once, in its order. */
struct ipc_trial {
	uint32_t upstream;
	uint32_t address;
	/* Microseconds; IPC_TRIAL_NONE: it did not come to that. */
	uint32_t connect, handshake, answer;
	uint32_t ncert; /* leaf first, root last; 0: none was verified */
	char version[16], cipher[64]; /* "": it did not come to that */
	char failure[IPC_TRIAL_TEXT]; /* "": all is well */
	struct ipc_trial_cert cert[IPC_TRIAL_CERTS];
};
#define IPC_TRIAL_ENDS_MAX 253402300799 /* the year 9999 */
bool ipc_trial_is_valid(const struct ipc_trial *trial); /* but its indices */

struct ipc_conf_worker {
	uint32_t generation;
	uint32_t index; /* this worker, 0 .. workers - 1 */
	uint32_t workers;
	uint32_t nallow; /* what follows until IPC_COMMIT */
	uint32_t nlisten; /* sockets */
	uint32_t nforward; /* domains */
	uint32_t udp_size;
	uint32_t tcp_max;
	uint32_t tcp_each;
	uint32_t ttl_min, ttl_max, ttl_negative; /* seconds */
	uint32_t stale; /* seconds; 0: never */
	uint32_t special; /* set of what is answered there (special.h) */
	uint32_t cookies; /* 0 or 1 */
	uint32_t ncookies_for; /* of IPC_PREFIXES */
	uint32_t nblocked; /* of these, too */
	struct conf_block block;
	uint32_t verbose; /* 0 or 1 */
};

/* A list of prefixes, whole: none is sent if it is empty. */
enum ipc_list {
	IPC_COOKIES_FOR, /* who needs a cookie */
	IPC_ALWAYS_BLOCKED,
	IPC_LISTS
};
struct ipc_prefixes {
	uint32_t list; /* enum ipc_list */
	uint32_t zero; /* must be 0 */
};
#define IPC_PREFIXES_MAX 256

/* The memory that all workers share; without the message there is no cache. */
struct ipc_cache {
	uint64_t size; /* bytes, as the memfd is sealed to */
	struct siphash_key key; /* the same for all workers */
};

/* What servers' cookies are made with, the same for all workers. */
struct ipc_cookie {
	struct siphash_key now, before; /* before is still good */
	uint32_t epoch; /* seconds to add to the clock: since 1970, about */
	uint32_t zero; /* must be 0 */
};

/* For how long and how often the parent knows, and nobody else. */
struct ipc_block {
	struct netaddr client; /* a prefix, as the config makes clients */
	uint32_t proven; /* 0 or 1: the address is not forged */
};

#define IPC_BLOCKED_BATCH 256

struct ipc_blocked {
	struct netaddr client;
	uint32_t left; /* ms from now */
	uint32_t times; /* in a row */
	uint32_t proven; /* 0 or 1 */
};

#define IPC_ALLOW_BATCH 256

/* A domain with upstreams of its own: what is special in it is left to them. */
struct ipc_forward {
	uint32_t name_len;
	uint8_t name[CONF_ZONE_NAME_MAX + 1]; /* as conf_zone's; zeroes */
};

enum ipc_proto { IPC_UDP = 1, IPC_TCP = 2 };
struct ipc_listen {
	struct netaddr address; /* with its port */
	uint32_t proto; /* enum ipc_proto */
};

struct ipc_conf_tls {
	uint32_t generation;
	uint32_t nupstream; /* what follows until IPC_COMMIT: first these, */
	uint32_t nzone; /* then these, of which the first is the root */
	uint32_t verbose; /* 0 or 1 */
	uint32_t trial; /* 1: try each address once, and answer nobody */
};

struct ipc_upstream {
	uint32_t index; /* they come in order */
	uint32_t naddress;
	uint32_t npin;
	uint32_t plain; /* 1: without TLS, and so without pin and host */
	uint32_t way; /* another one for another proxy, interface, source */
	char name[CONF_NAME_MAX]; /* NUL-terminated, zeroes behind */
	char host[CONF_HOST_MAX]; /* "": by pin alone */
};

struct ipc_address {
	uint32_t upstream;
	uint32_t index;
	struct netaddr address;
};

struct ipc_pin {
	uint32_t upstream;
	uint32_t index;
	uint8_t pin[CONF_PIN_LEN];
};

struct ipc_zone {
	uint32_t index; /* they come in order */
	uint32_t policy; /* enum conf_policy */
	uint32_t nupstream;
	uint32_t name_len;
	uint8_t upstream[CONF_UPSTREAMS_MAX]; /* zeroes behind */
	uint8_t name[CONF_ZONE_NAME_MAX + 1]; /* as conf_zone's; zeroes */
};

/*
 * One question of a batch; name_len bytes of name (wire format) follow. The
 * id is the worker's and comes back as it is.
 */
struct ipc_query {
	uint64_t id;
	uint16_t type;
	uint16_t class;
	uint8_t ask; /* DNS_ASK_* */
	uint8_t name_len;
	uint16_t zero; /* must be 0 */
};

/*
 * One answer of a batch; len bytes follow: the upstream's message, or for a
 * failure a text that says why (printable ASCII, for an EDE).
 */
enum ipc_answer_kind { IPC_ANSWERED = 1, IPC_FAILED = 2 };
struct ipc_answer {
	uint64_t id;
	uint16_t len;
	uint16_t ede; /* of a failure: the RFC 8914 code */
	uint8_t kind; /* enum ipc_answer_kind */
	uint8_t zero[3]; /* must be 0 */
};

#define IPC_FAILURE_TEXT_MAX 128
/* The longest payload: one answer of 65535 bytes fits. */
#define IPC_PAYLOAD_MAX (65535 + sizeof(struct ipc_answer))
#define IPC_MESSAGE_MAX (IPC_PAYLOAD_MAX + sizeof(struct ipc_header))
/* A batch is sent when it has grown to this. */
#define IPC_BATCH_LEN 32768

_Static_assert(sizeof(struct ipc_header) == 8, "no padding");
_Static_assert(sizeof(struct ipc_query) == 16, "no padding");
_Static_assert(sizeof(struct ipc_answer) == 16, "no padding");
_Static_assert(sizeof(struct ipc_listen) == 28, "no padding");
_Static_assert(sizeof(struct ipc_address) == 32, "no padding");
_Static_assert(sizeof(struct ipc_cookie) == 40, "no padding");
_Static_assert(sizeof(struct ipc_block) == 28, "no padding");
_Static_assert(sizeof(struct ipc_blocked) == 36, "no padding");
_Static_assert(sizeof(struct ipc_forward) == 260, "no padding");
_Static_assert(sizeof(struct ipc_zone) == 288, "no padding");
_Static_assert(sizeof(struct ipc_proxy) == 540, "no padding");
_Static_assert(sizeof(struct ipc_trial_cert) == 176, "no padding");
_Static_assert(sizeof(struct ipc_trial) == 360 + 8 * 176, "no padding");

/* One row of the table. */
struct ipc_rule {
	const char *name;
	uint8_t from, to; /* sets of enum ipc_role */
	uint8_t states; /* set of enum ipc_state */
	bool fd_may, fd_must;
	uint32_t min, max; /* bytes of payload */
	uint32_t unit; /* (len - min) is a multiple of it; 0: any */
};
const struct ipc_rule *ipc_rule(uint32_t type); /* NULL: there is none */

/*
 * Whether a datagram of len bytes with nfd descriptors may come from peer to
 * self in this state; NULL if so, else what is wrong with it. Pure.
 */
const char *ipc_check(enum ipc_role peer, enum ipc_role self,
    enum ipc_state state, const void *datagram, size_t len, size_t nfd);

/* An end of a channel. The descriptor is owned, non-blocking and CLOEXEC. */
struct ipc {
	int fd; /* -1: closed */
	enum ipc_role self, peer;
	enum ipc_state state;
};

/* A received message. payload is valid until the next ipc_recv with the same
 * buffer; fd is the receiver's to close, -1 if none rode along. */
struct ipc_message {
	enum ipc_type type;
	const void *payload;
	size_t len;
	int fd;
};

/* Room for a datagram; aligned, so that a payload can be read in place. */
struct ipc_buffer {
	_Alignas(8) uint8_t bytes[IPC_MESSAGE_MAX];
};

/* Two connected descriptors, non-blocking and CLOEXEC; 0, or -1 with errno. */
int ipc_socketpair(int fd[2]);
/* Takes the descriptor over. */
void ipc_init(struct ipc *ipc, int fd, enum ipc_role self, enum ipc_role peer,
    enum ipc_state state);
void ipc_close(struct ipc *ipc);

/*
 * Sends one message; payload may be NULL with 0. fd is sent along unless -1,
 * and stays the caller's. 0; or -1 with errno, EAGAIN when the peer does not
 * keep up: nothing was sent, and the caller decides. A message that the table
 * forbids is a bug of ours: fatal.
 */
int ipc_send(struct ipc *ipc, enum ipc_type type, const void *payload,
    size_t len, int fd);

/*
 * Receives one message. 1: it is in *m. 0: there is none now. -1: the peer is
 * gone, *wrong is NULL. -2: the peer broke a rule, *wrong says which (any
 * descriptor was closed); the caller must close the channel.
 */
int ipc_recv(struct ipc *ipc, struct ipc_buffer *buffer, struct ipc_message *m,
    const char **wrong);

/*
 * A batch being written: a whole datagram of type IPC_QUERIES or IPC_ANSWERS.
 * batch_add_* return false when the entry does not fit (or the batch has
 * IPC_BATCH_LEN already): flush, and add again; an empty batch takes any.
 */
struct ipc_batch {
	struct ipc_buffer buffer;
	size_t len; /* of the payload so far */
	uint32_t entries;
	enum ipc_type type;
};
void ipc_batch_init(struct ipc_batch *batch, enum ipc_type type);
bool ipc_batch_add(struct ipc_batch *batch, const void *head, size_t head_len,
    const void *body, size_t body_len);
/* Sends what is there, if anything, and empties it on success; as ipc_send. */
int ipc_batch_flush(struct ipc *ipc, struct ipc_batch *batch);

/*
 * Walks a received batch: *offset begins at 0. 1: *q (or *a) and *body are
 * the next entry; 0: no more; -1: malformed, the peer broke a rule. Checked
 * are bounds, the zero fields, ask, kind, name_len 1..255 and the failure
 * text's length; the name itself is the caller's to check.
 */
int ipc_query_next(const struct ipc_message *m, size_t *offset,
    struct ipc_query *q, const uint8_t **body);
int ipc_answer_next(const struct ipc_message *m, size_t *offset,
    struct ipc_answer *a, const uint8_t **body);

/*
 * The sink of a child's log: each line becomes an IPC_LOG to the parent over
 * the channel named with ipc_log_to; dropped when the parent does not keep up.
 */
void ipc_log_to(struct ipc *ipc);
void ipc_log_sink(int priority, const char *line);

/* A string field of a message: NUL-terminated within size, zeroes behind. */
bool ipc_string_is_valid(const char *s, size_t size);

#endif
