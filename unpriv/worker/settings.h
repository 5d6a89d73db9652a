/*
 * What the parent's config says to a worker. It arrives in pieces, is checked
 * field by field while it is staged, and is taken whole or not at all. Pure.
 */
#ifndef UNPRIV_WORKER_SETTINGS_H
#define UNPRIV_WORKER_SETTINGS_H

#include "dotproxy/conf.h"
#include "dotproxy/ipc.h"

/* A socket for UDP and one for TCP on each address. */
#define SETTINGS_SOCKETS (2 * CONF_LISTEN_MAX)

struct local;

/* A domain that has upstreams of its own: folded, on the wire. */
struct forward {
	uint8_t name[CONF_ZONE_NAME_MAX];
	uint8_t name_len;
};

struct settings {
	uint32_t generation; /* 0: none taken yet */
	uint32_t index; /* this worker */
	uint32_t workers;
	uint32_t udp_size; /* bytes */
	uint32_t tcp_max; /* connections */
	uint32_t tcp_each; /* connections of one client */
	uint32_t ttl_min, ttl_max, ttl_negative; /* seconds */
	uint32_t stale; /* seconds after its end; 0: never */
	uint32_t special; /* set of what is answered here (special.h) */
	struct local *local; /* owned; NULL: none (local.h) */
	struct conf_limit limit;
	struct forward forward[CONF_ZONES_MAX]; /* but the root */
	uint32_t nforward;
	bool verbose;
	bool cookies;
	struct conf_block block;
	struct netaddr cookies_for[CONF_COOKIES_MAX]; /* who needs one */
	uint32_t ncookies_for;
	struct netaddr blocked[CONF_BLOCKED_MAX]; /* always */
	uint32_t nblocked;
	uint32_t nallow;
	struct netaddr allow[CONF_ALLOW_MAX];
};

struct staged_socket {
	struct ipc_listen listen;
	int fd; /* owned; -1 once taken */
};

struct staged {
	bool open; /* between IPC_CONF_WORKER and IPC_COMMIT */
	bool has_limit;
	uint32_t want_allow, want_sockets; /* how many must follow */
	uint32_t want_forwards;
	uint32_t want_list[IPC_LISTS];
	struct settings settings;
	struct staged_socket socket[SETTINGS_SOCKETS];
	uint32_t nsockets;
};

/*
 * Each takes one message into what is staged; NULL, or what is wrong with it
 * (then the parent is not to be trusted). stage_socket owns fd from then on,
 * also when it fails. taken is the generation in force, 0 if none.
 */
const char *stage_begin(
    struct staged *staged, const struct ipc_conf_worker *m, uint32_t taken);
const char *stage_limit(struct staged *staged, const struct conf_limit *m);
const char *stage_allow(struct staged *staged, const void *prefixes, size_t n);
/* A whole list: n prefixes behind head. */
const char *stage_prefixes(struct staged *staged,
    const struct ipc_prefixes *head, const void *prefixes, size_t n);
const char *stage_forward(struct staged *staged, const struct ipc_forward *m);
const char *
stage_socket(struct staged *staged, const struct ipc_listen *m, int fd);
/* local is owned from then on, also when it fails. */
const char *stage_local(struct staged *staged, struct local *local);
/* The config is whole: staged->settings, with its prefixes in order
 * (prefixes.h), and its sockets may be taken. */
const char *stage_commit(struct staged *staged, const struct ipc_generation *m);

/* Whether this client needs a cookie over UDP. */
bool
settings_need_cookie(const struct settings *settings, const struct netaddr *a);

/* The longest domain with upstreams of its own that a folded name is in: its
 * length in bytes, 0: none. */
size_t settings_forwarded(
    const struct settings *settings, const uint8_t *name, size_t len);

/* Whether a client with this address is answered. */
bool
settings_allow(const struct settings *settings, const struct netaddr *client);

#endif
