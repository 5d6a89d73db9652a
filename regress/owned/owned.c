/*
 * A worker that an attacker owns: it confines itself and takes its config as
 * the real one does, and then does the one bad thing that it was told to. It
 * is told by a number in the config, `tcp connections each N`: attack N of the
 * list below. With -l it prints the list: number, what the parent must say.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/start.h"
#include "unpriv/worker/answers.h"

#include "calls.h"

enum to { TO_PARENT, TO_TLS };

struct attack {
	const char *name;
	const char *says; /* a part of the parent's line */
	void (*go)(void);
};

static void be_configured(void);
static void take_cache(const struct ipc_message *);
static void until_asked_for_counters(void);
static void raw(int, uint32_t, uint32_t, size_t, int);
static void bytes(int, size_t, int);

/* No poll(2) is in a worker's table: one waits for the parent, one never
 * ends. */
static int epoll, nothing;
static struct ipc parent = { .fd = IPC_PARENT_FD };
static struct ipc tls = { .fd = -1 };
static struct ipc_conf_worker conf;
static struct ipc_buffer buffer;
static uint8_t junk[IPC_MESSAGE_MAX + 64];
static struct answers answers;

#define REFUSED(call) "seccomp filter: it called " call

/* --- what the parent must refuse --- */

#define BROKEN "taken for broken into and killed: "

static void
unknown_type(void)
{
	raw(TO_PARENT, 4711, 0, 0, -1);
}

static void
unknown_type_0(void)
{
	raw(TO_PARENT, 0, 0, 0, -1);
}

static void
half_a_header(void)
{
	bytes(TO_PARENT, 5, -1);
}

static void
length_lies(void)
{
	raw(TO_PARENT, IPC_REFUSED, 400, 4, -1);
}

static void
too_long(void)
{
	bytes(TO_PARENT, sizeof(junk), -1);
}

static void
log_too_long(void)
{
	raw(TO_PARENT, IPC_LOG, 4000, 4000, -1);
}

static void
log_without_priority(void)
{
	struct ipc_log head = { 99 };

	(void)ipc_send(&parent, IPC_LOG, &head, sizeof(head), -1);
}

static void
confined_twice(void)
{
	raw(TO_PARENT, IPC_CONFINED, 4, 4, -1);
}

static void
ready_for_the_future(void)
{
	struct ipc_generation ready = { 99 };

	(void)ipc_send(&parent, IPC_READY, &ready, sizeof(ready), -1);
}

static void
ready_for_nothing(void)
{
	struct ipc_generation ready = { 0 };

	(void)ipc_send(&parent, IPC_READY, &ready, sizeof(ready), -1);
}

static void
wants_a_connection(void)
{
	raw(TO_PARENT, IPC_CONNECT, sizeof(struct ipc_connect),
	    sizeof(struct ipc_connect), -1);
}

static void
commands_the_parent(void)
{
	raw(TO_PARENT, IPC_STOP, 0, 0, -1);
}

static void
configures_the_parent(void)
{
	raw(TO_PARENT, IPC_COMMIT, 4, 4, -1);
}

static void
gives_a_descriptor(void)
{
	raw(TO_PARENT, IPC_STOPPED, 0, 0, IPC_PARENT_FD);
}

static void
asks_upstreams_of_the_parent(void)
{
	raw(TO_PARENT, IPC_QUERIES, 64, 64, -1);
}

static void
accuses_tls(void)
{
	struct ipc_peer peer = { 0 };

	(void)ipc_send(&parent, IPC_BROKEN, &peer, sizeof(peer), -1);
}

static void
floods_the_log(void)
{
	struct epoll_event event;
	int i;

	for (i = 0; i < 20000; i++) {
		ipc_log_sink(LOG_ERR, "nothing to see here");
		if (i % 64 == 0)
			(void)epoll_wait(nothing, &event, 1, 1);
	}
}

/* Each is dozens of lines. */
static void
tells_what_nobody_asked(void)
{
	uint8_t payload[sizeof(struct ipc_counters)];

	memset(payload, 7, sizeof(payload));
	(void)ipc_send(&parent, IPC_COUNTERS, payload, sizeof(payload), -1);
}

/* And lives on, out of reach of any reload. */
static void
leaves_the_parent(void)
{
	struct epoll_event event;

	(void)close(IPC_PARENT_FD);
	for (;;)
		(void)epoll_wait(nothing, &event, 1, 1000);
}

static void
block(const char *prefix)
{
	struct ipc_block want = { .proven = 1 };

	if (!netaddr_parse_prefix(&want.client, prefix))
		fatalx("no prefix");
	(void)ipc_send(&parent, IPC_BLOCK, &want, sizeof(want), -1);
}

/* Those that everything runs on, all there are, and one after the other. */
static void
blocks_whom_it_likes(void)
{
	struct epoll_event event;
	char text[NETADDR_TEXT];
	int i;

	block("127.0.0.1");
	block("::1");
	block("0.0.0.0/0");
	block("::/0");
	block("198.51.100.0/24");
	for (i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "203.%d.113.%d",
		    (i >> 8) & 255, i & 255);
		block(text);
		if (i % 64 == 0)
			(void)epoll_wait(nothing, &event, 1, 1);
	}
	ipc_log_sink(LOG_ERR, "blocked whom it could");
}

static void
blocks_nobody(void)
{
	const struct ipc_block want = {
		.client = { .family = 4, .bits = 33 },
	};

	(void)ipc_send(&parent, IPC_BLOCK, &want, sizeof(want), -1);
}

/* To the other end it looks as if this one were closed. */
static void
plays_dead(void)
{
	bytes(TO_PARENT, 0, -1);
}

static void
writes_to_the_terminal(void)
{
	static const char text[] = "\0\0\0\0\033[2Jforged\nline";
	uint8_t payload[sizeof(text)];
	struct ipc_log head = { LOG_ERR };

	memcpy(payload, text, sizeof(text));
	memcpy(payload, &head, sizeof(head));
	(void)ipc_send(&parent, IPC_LOG, payload, sizeof(payload) - 1, -1);
}

/* --- what the TLS process must refuse --- */

#define ACCUSED "accused by its sibling"

static void
answers_tls(void)
{
	raw(TO_TLS, IPC_ANSWERS, 64, 64, -1);
}

static void
stops_tls(void)
{
	raw(TO_TLS, IPC_STOP, 0, 0, -1);
}

static void
configures_tls(void)
{
	raw(TO_TLS, IPC_PIN, sizeof(struct ipc_pin), sizeof(struct ipc_pin),
	    -1);
}

static void
gives_tls_a_descriptor(void)
{
	raw(TO_TLS, IPC_QUERIES, 17, 17, IPC_PARENT_FD);
}

static void
asks_a_name_that_is_none(void)
{
	struct ipc_query q = { .id = 1, .type = 1, .class = 1 };
	static struct ipc_batch batch;

	/* Says that a label of 200 bytes follows. */
	memset(junk, 200, sizeof(junk));
	q.name_len = 255;
	ipc_batch_init(&batch, IPC_QUERIES);
	(void)ipc_batch_add(&batch, &q, sizeof(q), junk, 255);
	(void)ipc_batch_flush(&tls, &batch);
}

static void
asks_with_unknown_flags(void)
{
	struct ipc_query q = { .id = 1, .type = 1, .class = 1, .ask = 0x80 };
	static struct ipc_batch batch;

	q.name_len = 1;
	ipc_batch_init(&batch, IPC_QUERIES);
	(void)ipc_batch_add(&batch, &q, sizeof(q), "", 1);
	(void)ipc_batch_flush(&tls, &batch);
}

static void
asks_with_a_cut_entry(void)
{
	struct ipc_query q = { .id = 1, .type = 1, .class = 1 };
	static struct ipc_batch batch;

	q.name_len = 40;
	ipc_batch_init(&batch, IPC_QUERIES);
	(void)ipc_batch_add(&batch, &q, sizeof(q), junk, 20);
	(void)ipc_batch_flush(&tls, &batch);
}

/* --- what a poisoned cache is worth afterwards --- */

/* That forged.example is 192.0.2.66; and so on until SIGUSR1. */
static void
poison(void)
{
	static const uint8_t msg[] = { 0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0,
		0, /* one answer */
		6, 'f', 'o', 'r', 'g', 'e', 'd', 7, 'e', 'x', 'a', 'm', 'p',
		'l', 'e', 0, 0, 1, 0, 1, /* the question */
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0xe, 0x10, 0, 4, 192, 0, 2, 66 };
	struct settings settings = { .ttl_max = 86400 };
	struct dns_query query = { .flags = DNS_RD };
	struct dns_answer answer;

	if (!answers.on || !dns_answer_read(&answer, msg, sizeof(msg)))
		fatalx("nothing to poison");
	query.question = answer.question;
	answers_keep(&answers, &settings, &query, msg, &answer, clock_ms());
	ipc_log_sink(LOG_ERR, "poisoned");
	until_asked_for_counters();
}

static void
poison_and_break_a_rule(void)
{
	poison();
	unknown_type();
}

static void
poison_and_be_refused(void)
{
	poison();
	try_open();
}

static void
poison_and_be_refused_silently(void)
{
	poison();
	try_raw_socket();
}

static void
poison_and_accuse(void)
{
	poison();
	accuses_tls();
}

static void
poison_and_exit(void)
{
	poison();
	_exit(1);
}

static const struct attack attacks[] = {
	{ "open", REFUSED("openat"), try_open },
	{ "socket", REFUSED("socket"), try_socket },
	{ "raw_socket", "killed by its seccomp filter", try_raw_socket },
	{ "connect", REFUSED("connect"), try_connect },
	{ "bind", REFUSED("bind"), try_bind },
	{ "fork", REFUSED("clone"), try_fork },
	{ "exec", REFUSED("execve"), try_exec },
	{ "ptrace", REFUSED("ptrace"), try_ptrace },
	{ "kill", REFUSED("kill"), try_kill },
	{ "read_memory", REFUSED("process_vm_readv"), try_read_memory },
	{ "exec_memory", "killed by its seccomp filter", try_exec_memory },
	{ "uring", REFUSED("io_uring_setup"), try_uring },
	{ "unknown_type", BROKEN "unknown type", unknown_type },
	{ "unknown_type_0", BROKEN "unknown type", unknown_type_0 },
	{ "half_a_header", BROKEN "shorter than a header", half_a_header },
	{ "length_lies", BROKEN "length and datagram", length_lies },
	{ "too_long", BROKEN "longer than any message", too_long },
	{ "log_too_long", BROKEN "wrong size", log_too_long },
	{ "log_without_priority", BROKEN "a log line without",
	    log_without_priority },
	{ "confined_twice", BROKEN "wrong state", confined_twice },
	{ "ready_for_the_future", BROKEN "a config that it was never",
	    ready_for_the_future },
	{ "ready_for_nothing", BROKEN "a config that it was never",
	    ready_for_nothing },
	{ "wants_a_connection", BROKEN "wrong direction", wants_a_connection },
	{ "commands_the_parent", BROKEN "wrong direction",
	    commands_the_parent },
	{ "configures_the_parent", BROKEN "wrong direction",
	    configures_the_parent },
	{ "gives_a_descriptor", BROKEN "a descriptor that nobody",
	    gives_a_descriptor },
	{ "asks_upstreams_of_the_parent", BROKEN "wrong direction",
	    asks_upstreams_of_the_parent },
	{ "accuses_tls", BROKEN "accused its sibling", accuses_tls },
	{ "floods_the_log", "log lines dropped", floods_the_log },
	{ "tells_what_nobody_asked", BROKEN "counters that nobody",
	    tells_what_nobody_asked },
	{ "blocks_whom_it_likes", "worker 0: blocked whom it could",
	    blocks_whom_it_likes },
	{ "blocks_nobody", BROKEN "a block of nobody", blocks_nobody },
	{ "leaves_the_parent", "worker 0: killed by signal 9",
	    leaves_the_parent },
	{ "plays_dead", "worker 0: killed by signal 9", plays_dead },
	{ "writes_to_the_terminal", "worker 0: ?[2Jforged?line",
	    writes_to_the_terminal },
	{ "answers_tls", ACCUSED, answers_tls },
	{ "stops_tls", ACCUSED, stops_tls },
	{ "configures_tls", ACCUSED, configures_tls },
	{ "gives_tls_a_descriptor", ACCUSED, gives_tls_a_descriptor },
	{ "asks_a_name_that_is_none", ACCUSED, asks_a_name_that_is_none },
	{ "asks_with_unknown_flags", ACCUSED, asks_with_unknown_flags },
	{ "asks_with_a_cut_entry", ACCUSED, asks_with_a_cut_entry },
	{ "poison_and_break_a_rule", BROKEN "unknown type",
	    poison_and_break_a_rule },
	{ "poison_and_be_refused", REFUSED("openat"), poison_and_be_refused },
	{ "poison_and_be_refused_silently", "killed by its seccomp filter",
	    poison_and_be_refused_silently },
	{ "poison_and_accuse", BROKEN "accused its sibling",
	    poison_and_accuse },
	{ "poison_and_exit", "exited with status 1", poison_and_exit },
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

int
main(int argc, char *argv[])
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sandbox_params params;
	size_t i;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		for (i = 0; i < ATTACKS; i++)
			(void)printf("%zu\t%s\t%s\n", i + 1, attacks[i].name,
			    attacks[i].says);
		return 0;
	}
	start_child(&parent, IPC_WORKER, argc, argv, &params);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	nothing = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, IPC_PARENT_FD, &event) == -1)
		fatal("epoll_ctl");
	start_confined(&parent, &params);
	be_configured();
	i = conf.tcp_each;
	if (i >= 1 && i <= ATTACKS)
		attacks[i - 1].go();
	/* Lives on, if it may: until the parent has had enough. */
	for (;;)
		be_configured();
}

/* The parent's messages until the config is whole and the peer is there; or,
 * for good, once they are. */
static void
be_configured(void)
{
	struct ipc_generation ready;
	struct epoll_event event;
	struct ipc_message m;
	const char *wrong;
	bool committed = false;
	int n;

	while (!committed || tls.fd == -1 || parent.state == IPC_RUN) {
		n = ipc_recv(&parent, &buffer, &m, &wrong);
		if (n < 0)
			_exit(0);
		if (n == 0) {
			(void)epoll_wait(epoll, &event, 1, 1000);
			continue;
		}
		if (m.type == IPC_CONF_WORKER)
			memcpy(&conf, m.payload, sizeof(conf));
		if (m.type == IPC_CACHE)
			take_cache(&m);
		if (m.type == IPC_PEER)
			ipc_init(&tls, m.fd, IPC_WORKER, IPC_TLS, IPC_RUN);
		if (m.type == IPC_COMMIT) {
			memcpy(&ready, m.payload, sizeof(ready));
			(void)ipc_send(
			    &parent, IPC_READY, &ready, sizeof(ready), -1);
			committed = true;
		}
		if (committed && tls.fd != -1 && parent.state != IPC_RUN) {
			parent.state = IPC_RUN;
			return;
		}
	}
}

static void
take_cache(const struct ipc_message *m)
{
	struct ipc_cache cache;
	void *memory;

	memcpy(&cache, m->payload, sizeof(cache));
	memory = mmap(NULL, (size_t)cache.size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, m->fd, 0);
	answers.on = memory != MAP_FAILED &&
	    cache_attach(
		&answers.cache, memory, (size_t)cache.size, &cache.key, 1) == 0;
}

static void
until_asked_for_counters(void)
{
	struct epoll_event event;
	struct ipc_message m;
	const char *wrong;
	int n;

	do {
		(void)epoll_wait(epoll, &event, 1, 1000);
		n = ipc_recv(&parent, &buffer, &m, &wrong);
		if (n < 0)
			_exit(0);
	} while (n == 0 || m.type != IPC_COUNT);
}

/* A datagram that our own ipc_send would refuse to send. */
static void
raw(int to, uint32_t type, uint32_t says, size_t len, int fd)
{
	struct ipc_header header = { type, says };

	memcpy(junk, &header, sizeof(header));
	bytes(to, sizeof(header) + len, fd);
}

/* The first len bytes of junk. */
static void
bytes(int to, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { junk, len };
	struct msghdr msg;
	struct cmsghdr *cmsg;

	memset(&msg, 0, sizeof(msg));
	memset(&control, 0, sizeof(control));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (fd != -1) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	(void)sendmsg(to == TO_TLS ? tls.fd : parent.fd, &msg, 0);
}
