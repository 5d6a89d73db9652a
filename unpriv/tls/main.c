/*
 * dotproxy-tls: speaks DNS over TLS with the upstreams for the workers. It has
 * no socket of its own making and no file: it must never do anything for
 * anybody before it is confined.
 */
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "dotproxy/counter.h"
#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/nofile.h"
#include "dotproxy/siphash.h"
#include "dotproxy/start.h"

#include "conn.h"
#include "peer.h"
#include "pool_owner.h"
#include "report.h"
#include "trial.h"
#include "turn.h"
#include "upstream.h"

_Static_assert(NOFILE_TLS_TRIAL - NOFILE_TLS_OTHER >= POOL_CONNS &&
	NOFILE_TLS >= NOFILE_TLS_TRIAL,
    "all connections have descriptors");

static void warm_libraries(void);
static void loop(void);
static uint64_t end_turn(uint64_t, uint64_t);
static void on_timer(evutil_socket_t, short, void *);
static void on_parent(evutil_socket_t, short, void *);
static void take(const struct ipc_message *);
static void take_config(const struct ipc_message *);
static void use(struct upstreams *);
static void take_peer(const struct ipc_message *);
static void take_network(const struct ipc_network *);
static void send_or_die(enum ipc_type, const void *, size_t);
static void broken(uint32_t, const char *);

static bool op_open(void *, uint32_t, uint32_t, uint32_t);
static void op_close(void *, uint32_t);
static bool
op_write(void *, uint32_t, uint16_t, const struct dns_question *, uint8_t);
static void op_answer(void *, uint32_t, uint64_t, const uint8_t *, size_t);
static void op_fail(void *, uint32_t, uint64_t, uint16_t, const char *);
static void op_report(void *, uint32_t, uint32_t, enum reason);
static void op_health(void *, uint32_t, uint32_t, bool, enum reason);
static uint16_t op_random(void *);

static const struct pool_ops ops = {
	.open = op_open,
	.close = op_close,
	.write = op_write,
	.answer = op_answer,
	.fail = op_fail,
	.report = op_report,
	.health = op_health,
	.random = op_random,
};

static struct event_base *base;
static struct ipc parent;
static struct pool *pool;
static struct upstreams *upstreams;
static struct intake intake;

int
main(int argc, char *argv[])
{
	struct sandbox_params params;
	struct siphash_key key;
	struct event_config *config;

	start_child(&parent, IPC_TLS, argc, argv, &params);
	if (params.nofile <= NOFILE_TLS_OTHER)
		fatalx("%u descriptors are too few", params.nofile);
	if ((config = event_config_new()) == NULL ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == -1 ||
	    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME) ==
		-1 ||
	    (base = event_base_new_with_config(config)) == NULL)
		fatalx("libevent: cannot make an event base");
	event_config_free(config);
	warm_libraries();
	siphash_key_random(&key);
	pool = pool_new(&ops, NULL, &key, params.nofile - NOFILE_TLS_OTHER);
	if (pool == NULL)
		fatal("pool");

	start_confined(&parent, &params);
	conns_init(base, &parent);
	conns_set_owner(pool_owner(pool));
	peers_init(base, pool, broken);
	loop();
	return 0;
}

/*
 * What libcrypto and libtls load, seed or build at their first use happens
 * here, before there is no file to be opened any more.
 */
static void
warm_libraries(void)
{
	struct tls_config *config;
	struct tls *tls;
	X509_STORE *store;
	uint8_t random[32];

	/* A certificate's time is read with timegm(3), which would read
	 * /etc/localtime first. */
	if (setenv("TZ", "UTC0", 1) == -1)
		fatal("setenv");
	tzset();
#ifdef OPENSSL_INIT_NO_LOAD_CONFIG
	if (OPENSSL_init_crypto(
		OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		NULL) != 1)
		fatalx("libcrypto: cannot start");
#endif
	if (tls_init() == -1 || RAND_bytes(random, sizeof(random)) != 1)
		fatalx("libtls: cannot start");
	if ((config = tls_config_new()) == NULL ||
	    (tls = tls_client()) == NULL || (store = X509_STORE_new()) == NULL)
		fatalx("libtls: no memory");
	tls_config_insecure_noverifycert(config);
	if (tls_configure(tls, config) == -1)
		fatalx("libtls: %s", tls_error(tls));
	X509_STORE_free(store);
	tls_free(tls);
	tls_config_free(config);
	(void)ERR_error_string(1, NULL);
	ERR_clear_error();
}

static void
loop(void)
{
	struct event *from_parent, *timer;
	struct timeval wait;
	uint64_t now, due, ms;

	from_parent =
	    event_new(base, parent.fd, EV_READ | EV_PERSIST, on_parent, NULL);
	timer = evtimer_new(base, on_timer, NULL);
	if (timer == NULL || from_parent == NULL ||
	    event_add(from_parent, NULL) == -1)
		fatalx("libevent: cannot watch the parent");
	for (due = UINT64_MAX;;) {
		now = turn_now();
		turn_end();
		if (due != UINT64_MAX) {
			ms = due > now ? due - now : 0;
			due = now + ms;
			wait.tv_sec = (time_t)(ms / 1000);
			wait.tv_usec = (suseconds_t)(ms % 1000 * 1000);
			(void)evtimer_add(timer, &wait);
		} else
			(void)evtimer_del(timer);
		if (event_base_loop(base, EVLOOP_ONCE) == -1)
			fatalx("libevent: the loop failed");
		now = turn_now();
		due = end_turn(now, now > due ? now - due : 0);
	}
}

/* What is due, and how late; returns when there is more of it. */
static uint64_t
end_turn(uint64_t now, uint64_t late)
{
	uint64_t due;

	if (upstreams != NULL && upstreams->trial) {
		conns_flush();
		return trial_turn(now);
	}
	pool_late(pool, late, now);
	due = pool_turn(pool, now);
	conns_flush();
	if (pool_has_changed(pool))
		due = 0; /* one ended in being written to */
	peers_flush();
	return due;
}

/* It only ends the wait. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
on_parent(evutil_socket_t fd, short what, void *arg)
{
	static struct ipc_buffer buffer;
	struct ipc_message m;
	const char *wrong;
	int n;

	(void)fd;
	(void)what;
	(void)arg;
	while ((n = ipc_recv(&parent, &buffer, &m, &wrong)) == 1)
		take(&m);
	if (n == -1) {
		/* dotproxy stops, when no worker waits any more; or the parent
		 * is dead. */
		conns_close();
		exit(0);
	}
	if (n == -2)
		fatalx("the parent broke a rule: %s", wrong);
}

static void
take(const struct ipc_message *m)
{
	const struct ipc_socket *socket;

	switch (m->type) {
	case IPC_PEER:
		take_peer(m);
		break;
	case IPC_SOCKET:
		socket = m->payload;
		if ((socket->error == 0) != (m->fd != -1))
			fatalx("the parent broke a rule: a socket or an error");
		conns_socket(socket->serial, socket->error, m->fd);
		break;
	case IPC_NETWORK:
		take_network(m->payload);
		break;
	case IPC_COUNT:
		/* It asks again; a figure missed does not matter. */
		(void)ipc_send(&parent, IPC_COUNTERS, counter_value,
		    sizeof(struct ipc_counters), -1);
		break;
	default:
		take_config(m);
	}
}

static void
take_config(const struct ipc_message *m)
{
	struct upstreams *done;
	const char *wrong;

	if ((wrong = intake_message(&intake, m, &done)) != NULL)
		fatalx("the parent broke a rule: %s", wrong);
	if (done != NULL)
		use(done);
}

/* The config is whole: it takes the place of the one before at once. */
static void
use(struct upstreams *all)
{
	struct pool_upstream for_pool[CONF_UPSTREAMS_MAX];
	struct ipc_generation ready = { all->generation };

	log_set_verbose(all->verbose);
	if (upstreams != NULL && (all->trial || upstreams->trial))
		fatalx("the parent broke a rule: a trial is all there is");
	if (all->trial) {
		conns_set_owner(trial_owner());
		trial_begin(all, &parent, op_random);
	} else {
		upstreams_for_pool(all, upstreams, for_pool);
		pool_configure(
		    pool, for_pool, all->n, all->zone, all->nzone, turn_now());
	}
	conns_configure(all);
	report_reset();
	upstreams_free(upstreams);
	upstreams = all;
	parent.state = IPC_RUN;
	send_or_die(IPC_READY, &ready, sizeof(ready));
}

static void
take_peer(const struct ipc_message *m)
{
	const struct ipc_peer *peer = m->payload;

	if (peer->worker >= CONF_WORKERS_MAX)
		fatalx("the parent broke a rule: a worker out of bounds");
	peers_set(peer->worker, m->fd);
}

static void
take_network(const struct ipc_network *news)
{
	if (news->generation != upstreams->generation ||
	    news->upstream >= upstreams->n ||
	    news->address >= upstreams->one[news->upstream].naddress)
		fatalx("the parent broke a rule: news of an address that is "
		       "none");
	pool_network_changed(pool, news->upstream, news->address, turn_now());
	if (upstreams->one[news->upstream].plain)
		pool_network_changed(pool, news->upstream,
		    upstreams->one[news->upstream].naddress + news->address,
		    turn_now());
}

static void
send_or_die(enum ipc_type type, const void *payload, size_t len)
{
	if (ipc_send(&parent, type, payload, len, -1) == -1)
		fatal("sending to the parent");
}

static void
broken(uint32_t worker, const char *wrong)
{
	struct ipc_peer peer = { worker };

	log_warnx("worker %u broke a rule: %s", worker, wrong);
	send_or_die(IPC_BROKEN, &peer, sizeof(peer));
}

static bool
op_open(void *ctx, uint32_t conn, uint32_t upstream, uint32_t address)
{
	(void)ctx;
	return conn_open(conn, upstream, address);
}

static void
op_close(void *ctx, uint32_t conn)
{
	(void)ctx;
	conn_close(conn);
}

static bool
op_write(void *ctx, uint32_t conn, uint16_t id,
    const struct dns_question *question, uint8_t ask)
{
	(void)ctx;
	return conn_write(conn, id, question, ask);
}

static void
op_answer(
    void *ctx, uint32_t worker, uint64_t id, const uint8_t *msg, size_t len)
{
	(void)ctx;
	peers_answer(worker, id, msg, len);
}

static void
op_fail(void *ctx, uint32_t worker, uint64_t id, uint16_t ede, const char *text)
{
	(void)ctx;
	peers_fail(worker, id, ede, text);
}

static void
op_report(void *ctx, uint32_t upstream, uint32_t address, enum reason reason)
{
	(void)ctx;
	report_address(upstreams, upstream, address, reason, turn_now());
}

static void
op_health(void *ctx, uint32_t upstream, uint32_t address, bool suspect,
    enum reason reason)
{
	(void)ctx;
	report_health(
	    upstreams, upstream, address, suspect, reason, turn_now());
}

/* Of the library's generator, a page at a time. */
static uint16_t
op_random(void *ctx)
{
	static uint16_t batch[2048];
	static size_t left;

	(void)ctx;
	if (left == 0) {
		if (RAND_bytes((unsigned char *)batch, sizeof(batch)) != 1)
			fatalx("no randomness");
		left = sizeof(batch) / sizeof(batch[0]);
	}
	return batch[--left];
}
