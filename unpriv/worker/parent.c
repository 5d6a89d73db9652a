/*
 * Dispatches what the parent says. The parent is trusted with the orders, not
 * with the form: a message that breaks a rule ends this process.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/start.h"

#include "channel.h"
#include "listener.h"
#include "local.h"
#include "loop.h"
#include "parent.h"
#include "tcp.h"

static void readable(evutil_socket_t, short, void *);
static void dispatch(const struct ipc_message *);
static void check(const char *);
static void take_cache(const struct ipc_message *);
static void take_local(const struct ipc_message *);
static void take_peer(const struct ipc_message *);
static void take_cookie(const struct ipc_cookie *);
static void take_blocked(const struct ipc_message *);
static void commit(const struct ipc_message *);
static void set_guard(const struct conf_limit *);
static void tell_counters(void);
static void tell(enum ipc_type, const void *, size_t);

static struct ipc parent = { .fd = -1 };
static struct event reading;
static struct ipc_buffer buffer;
static struct staged staged;

void
parent_init(int argc, char *argv[], struct sandbox_params *params)
{
	start_child(&parent, IPC_WORKER, argc, argv, params);
}

void
parent_start(const struct sandbox_params *params)
{
	start_confined(&parent, params);
	(void)event_assign(&reading, loop_base, parent.fd, EV_READ | EV_PERSIST,
	    readable, NULL);
	if (event_add(&reading, NULL) == -1)
		fatal("event_add");
}

void
parent_tell_broken(void)
{
	struct ipc_peer m = { 0 };

	tell(IPC_BROKEN, &m, sizeof(m));
}

void
parent_tell_stopped(void)
{
	tell(IPC_STOPPED, NULL, 0);
}

/* One that does not get there is asked for again, if it goes on. */
void
parent_tell_block(const struct ipc_block *block)
{
	(void)ipc_send(&parent, IPC_BLOCK, block, sizeof(*block), -1);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_message m;
	const char *wrong;

	(void)fd;
	(void)what;
	(void)arg;
	for (;;) {
		switch (ipc_recv(&parent, &buffer, &m, &wrong)) {
		case 1:
			dispatch(&m);
			break;
		case 0:
			return;
		case -1:
			/* The parent is dead, and so is dotproxy. */
			_exit(0);
		default:
			fatalx("the parent broke a rule: %s", wrong);
		}
	}
}

/* The table of messages has checked type, size, state and descriptor. */
static void
dispatch(const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_CONF_WORKER:
		check(
		    stage_begin(&staged, m->payload, loop_settings.generation));
		break;
	case IPC_ALLOW:
		check(stage_allow(
		    &staged, m->payload, m->len / sizeof(struct netaddr)));
		break;
	case IPC_LIMIT:
		check(stage_limit(&staged, m->payload));
		break;
	case IPC_PREFIXES:
		check(stage_prefixes(&staged, m->payload,
		    (const struct ipc_prefixes *)m->payload + 1,
		    (m->len - sizeof(struct ipc_prefixes)) /
			sizeof(struct netaddr)));
		break;
	case IPC_COOKIE:
		take_cookie(m->payload);
		break;
	case IPC_BLOCKED:
		take_blocked(m);
		break;
	case IPC_FORWARD:
		check(stage_forward(&staged, m->payload));
		break;
	case IPC_LISTEN:
		check(stage_socket(&staged, m->payload, m->fd));
		break;
	case IPC_CACHE:
		take_cache(m);
		break;
	case IPC_LOCAL:
		take_local(m);
		break;
	case IPC_COMMIT:
		commit(m);
		break;
	case IPC_PEER:
		take_peer(m);
		break;
	case IPC_COUNT:
		tell_counters();
		break;
	case IPC_STOP:
		loop_stop();
		break;
	default:
		check("a message without a meaning");
	}
}

static void
check(const char *wrong)
{
	if (wrong != NULL)
		fatalx("the parent sent a config with %s", wrong);
}

/* With the first config; from then on only in the place of the memory before,
 * which somebody else may have written to that is no longer trusted. */
static void
take_cache(const struct ipc_message *m)
{
	struct answers *answers = &loop_queries.answers;
	bool again = parent.state == IPC_RUN;
	const struct ipc_cache *cache = m->payload;
	void *memory;

	check(again || !answers->on ? NULL : "a second cache");
	check(!again || answers->on ? NULL : "a cache after all");
	check(again || staged.open ? NULL : "a cache before the config");
	check(cache->size >= CONF_CACHE_SIZE_MIN &&
		    cache->size <= CONF_CACHE_SIZE_MAX
		? NULL
		: "a cache out of bounds");
	if (again && munmap(answers->cache.base, answers->cache.size) == -1)
		fatal("the cache from before");
	memory = mmap(NULL, (size_t)cache->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, m->fd, 0);
	if (memory == MAP_FAILED)
		fatal(
		    "the cache's %llu bytes", (unsigned long long)cache->size);
	(void)close(m->fd);
	if (cache_attach(&answers->cache, memory, (size_t)cache->size,
		&cache->key,
		(again ? &loop_settings : &staged.settings)->index + 1) == -1)
		fatalx("the cache cannot be used");
	answers->on = true;
	query_distrust(&loop_queries);
}

static void
take_local(const struct ipc_message *m)
{
	struct local *table;
	const struct conf_local *head = m->payload;
	uint8_t *records;

	check(head->size <= LOCAL_SIZE_MAX ? NULL : "too much local data");
	if ((records = malloc(head->size + 1)) == NULL)
		fatal("local data");
	if (pread(m->fd, records, head->size, 0) != (ssize_t)head->size)
		fatalx("local data cannot be read");
	(void)close(m->fd);
	check(local_build(&table, head, records));
	free(records);
	check(stage_local(&staged, table));
}

static void
take_peer(const struct ipc_message *m)
{
	const struct ipc_peer *peer = m->payload;

	check(peer->worker == 0 ? NULL : "a peer that is no TLS process");
	channel_set(m->fd);
}

static void
take_cookie(const struct ipc_cookie *m)
{
	check(m->zero == 0 ? NULL : "cookies that are not zero");
	loop_queries.cookies =
	    (struct cookie_secrets){ true, m->now, m->before, m->epoch };
}

static void
take_blocked(const struct ipc_message *m)
{
	const struct ipc_blocked *b = m->payload;
	size_t i;

	for (i = 0; i < m->len / sizeof(*b); i++) {
		check(blocks_check(&b[i].client, b[i].proven));
		block_take(&loop_blocker, &b[i], loop_now());
	}
}

static void
commit(const struct ipc_message *m)
{
	const struct ipc_generation *generation = m->payload;

	check(stage_commit(&staged, generation));
	local_free(loop_settings.local);
	loop_settings = staged.settings;
	log_set_verbose(loop_settings.verbose);
	tcp_set_limits(loop_settings.tcp_max, loop_settings.tcp_each);
	set_guard(&loop_settings.limit);
	block_set(&loop_blocker, &loop_settings.block,
	    loop_settings.limit.prefix, loop_settings.limit.prefix6,
	    loop_settings.blocked, loop_settings.nblocked);
	limit_set_window(
	    &loop_queries.guard.limit, loop_settings.block.over * 1000);
	listener_apply(&staged);
	tell(IPC_READY, generation, sizeof(*generation));
	parent.state = IPC_RUN;
}

/* The memory is had once: it stays with this process. */
static void
set_guard(const struct conf_limit *conf)
{
	struct guard *guard = &loop_queries.guard;
	void *memory;

	if (guard->on) {
		guard_set(guard, conf);
		return;
	}
	memory = mmap(NULL, conf->memory, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fatal("the limits' %u bytes", conf->memory);
	guard_init(guard, conf, memory);
}

static void
tell_counters(void)
{
	struct ipc_counters m;

	listener_count_drops();
	memcpy(m.value, counter_value, sizeof(m.value));
	/* A parent that does not keep up misses some, and asks again. */
	(void)ipc_send(&parent, IPC_COUNTERS, &m, sizeof(m), -1);
}

/* What the parent waits for must not get lost: rather be started anew than
 * be taken for one that is still at it. */
static void
tell(enum ipc_type type, const void *payload, size_t len)
{
	if (ipc_send(&parent, type, payload, len, -1) == -1)
		fatal("message %d to the parent", (int)type);
}
