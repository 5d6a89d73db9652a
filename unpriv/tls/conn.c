/*
 * A connection: asked of the parent, connecting, in its handshake, verified,
 * up. No byte of a question may go out before the chain, the name and the pins
 * were found good; a connection that diagnoses a refusal can never be up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "unpriv/dns/query.h"

#include "conn.h"
#include "report.h"
#include "stream.h"
#include "turn.h"

#define PADDING_BLOCK 128 /* RFC 8467 4.1 */
#define RECORD_MAX    16384 /* bytes in one TLS record */
#define OUT_MAX	      65536 /* questions waiting to be written */
/* Pieces read in a turn, so that no connection waits for another. */
#define READS_TURN 32

enum conn_state {
	CONN_FREE,
	CONN_ASKED, /* the parent, for a socket */
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_UP
};

struct conn {
	enum conn_state state;
	uint32_t upstream, address; /* of the config it was opened under */
	uint32_t serial;
	int fd;
	struct tls *tls;
	/* Opened without verification, only to learn why another failed: it
	 * ends when its handshake does. */
	bool diagnose;
	bool dirty; /* on the list of those to flush */
	bool blocked; /* a write waits for the socket */
	bool eof; /* the socket's, not TLS's */
	int error; /* errno of the socket's end; 0: none */
	struct event *readable, *writable;
	struct stream in;
	uint8_t *out;
	size_t out_len;
};

struct diagnosis {
	uint64_t when; /* 0: never */
	enum reason reason;
};

static bool ask_parent(struct conn *);
static void connected(struct conn *);
static void start_tls(struct conn *);
static void handshake(struct conn *);
static void handshake_done(struct conn *);
static void handshake_failed(struct conn *);
static void diagnose(struct conn *, const char *);
static void go_up(struct conn *);
static void verify(struct conn *, struct verify_result *);
static void receive(struct conn *);
static bool take_messages(struct conn *);
static void flush(struct conn *);
static ssize_t read_socket(struct tls *, void *, size_t, void *);
static ssize_t write_socket(struct tls *, const void *, size_t, void *);
static enum reason why_ended(const struct conn *);
static void ended(struct conn *, enum reason, const char *);
static void watch(struct conn *, bool, bool);
static void let_go(struct conn *, bool);
static void drop_socket(struct conn *, bool);
static void on_event(evutil_socket_t, short, void *);
static uint32_t index_of(const struct conn *);

static struct event_base *base;
static struct pool *pool;
static struct ipc *parent;
static const struct upstreams *upstreams;
static struct conn conns[POOL_CONNS];
static struct conn *dirty[POOL_CONNS];
static size_t ndirty;
static struct diagnosis diagnoses[CONF_UPSTREAMS_MAX][CONF_ADDRESSES_MAX];
static uint32_t last_serial;

void
conns_init(struct event_base *b, struct pool *p, struct ipc *to_parent)
{
	base = b;
	pool = p;
	parent = to_parent;
}

void
conns_configure(const struct upstreams *all)
{
	upstreams = all;
	memset(diagnoses, 0, sizeof(diagnoses));
}

bool
conn_open(uint32_t n, uint32_t upstream, uint32_t address)
{
	struct conn *c = &conns[n];

	*c =
	    (struct conn){ .fd = -1, .upstream = upstream, .address = address };
	return ask_parent(c);
}

void
conn_close(uint32_t n)
{
	let_go(&conns[n], true);
}

bool
conn_write(
    uint32_t n, uint16_t id, const struct dns_question *question, uint8_t ask)
{
	struct conn *c = &conns[n];
	size_t len;

	if (c->state != CONN_UP ||
	    OUT_MAX - c->out_len < 2 + DNS_UPSTREAM_QUERY_MAX)
		return false;
	len = dns_upstream_query_write(&c->out[c->out_len + 2],
	    DNS_UPSTREAM_QUERY_MAX, id, question, ask, PADDING_BLOCK);
	if (len == 0)
		return false;
	c->out[c->out_len] = (uint8_t)(len >> 8);
	c->out[c->out_len + 1] = (uint8_t)len;
	c->out_len += 2 + len;
	if (!c->dirty)
		dirty[ndirty++] = c;
	c->dirty = true;
	return true;
}

void
conns_socket(uint32_t serial, uint32_t error, int fd)
{
	struct conn *c = NULL;
	uint32_t i;

	for (i = 0; i < POOL_CONNS; i++)
		if (conns[i].state == CONN_ASKED && conns[i].serial == serial)
			c = &conns[i];
	if (c == NULL) {
		/* Given up in the meantime. */
		if (fd != -1)
			(void)close(fd);
		return;
	}
	if (fd == -1) {
		ended(c, reason_from_errno((int)error), strerror((int)error));
		return;
	}
	c->fd = fd;
	c->state = CONN_CONNECTING;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_event, c);
	c->writable = event_new(base, fd, EV_WRITE, on_event, c);
	if (c->readable == NULL || c->writable == NULL)
		fatalx("libevent: cannot watch a connection");
	watch(c, false, true);
}

void
conns_flush(void)
{
	struct conn *c;
	size_t i;

	/* flush may end a connection, but adds none to the list. */
	for (i = 0; i < ndirty; i++) {
		c = dirty[i];
		c->dirty = false;
		if (c->state == CONN_UP && !c->blocked)
			flush(c);
	}
	ndirty = 0;
}

void
conns_close(void)
{
	uint32_t i;

	for (i = 0; i < POOL_CONNS; i++)
		let_go(&conns[i], true);
}

static bool
ask_parent(struct conn *c)
{
	struct ipc_connect want;

	c->serial = ++last_serial;
	want.serial = c->serial;
	want.generation = upstreams->generation;
	want.upstream = c->upstream;
	want.address = c->address;
	if (ipc_send(parent, IPC_CONNECT, &want, sizeof(want), -1) == -1)
		return false;
	c->state = CONN_ASKED;
	return true;
}

/* Events of the socket, whatever it waits for. */
static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	switch (c->state) {
	case CONN_CONNECTING:
		connected(c);
		break;
	case CONN_HANDSHAKE:
		handshake(c);
		break;
	case CONN_UP:
		/* TLS may have waited for either. */
		c->blocked = false;
		if (c->out_len > 0)
			flush(c);
		if (c->state == CONN_UP)
			receive(c);
		break;
	default:
		break;
	}
}

static void
connected(struct conn *c)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		ended(c, reason_from_errno(error), NULL);
		return;
	}
	if (!c->diagnose)
		pool_conn_connected(pool, index_of(c), turn_now());
	start_tls(c);
}

static void
start_tls(struct conn *c)
{
	const struct upstream *u = &upstreams->one[c->upstream];

	if (u->anchors == NULL) {
		ended(c, REASON_UNKNOWN_CA, "no certificate in the CA bundle");
		return;
	}
	if ((c->tls = tls_client()) == NULL)
		fatalx("tls_client: no memory");
	if (tls_configure(c->tls, c->diagnose ? u->diagnose : u->tls) == -1 ||
	    tls_connect_cbs(c->tls, read_socket, write_socket, c,
		u->host[0] == '\0' ? NULL : u->host) == -1) {
		ended(c, REASON_TLS, tls_error(c->tls));
		return;
	}
	c->state = CONN_HANDSHAKE;
	handshake(c);
}

static void
handshake(struct conn *c)
{
	switch (tls_handshake(c->tls)) {
	case 0:
		handshake_done(c);
		break;
	case TLS_WANT_POLLIN:
		watch(c, true, false);
		break;
	case TLS_WANT_POLLOUT:
		watch(c, false, true);
		break;
	default:
		handshake_failed(c);
	}
}

/*
 * libtls is content with chain and name; now the chain is verified again, and
 * the pins are held against it. A diagnosing connection ends here in all
 * cases: libtls verified nothing on it.
 */
static void
handshake_done(struct conn *c)
{
	struct verify_result result;

	verify(c, &result);
	if (result.reason != VERIFY_OK) {
		report_detail(result.detail, &result);
		diagnoses[c->upstream][c->address].reason =
		    reason_from_verify(result.reason);
		ended(c, reason_from_verify(result.reason), NULL);
	} else if (c->diagnose)
		ended(c, REASON_TLS, "verified only the second time");
	else
		go_up(c);
}

static void
verify(struct conn *c, struct verify_result *result)
{
	const struct upstream *u = &upstreams->one[c->upstream];
	const uint8_t *chain;
	size_t len = 0;

	if ((chain = tls_peer_cert_chain_pem(c->tls, &len)) == NULL)
		len = 0;
	verify_chain(result, u->anchors, chain, len,
	    u->host[0] == '\0' ? NULL : u->host, u->pin, u->npin, time(NULL));
}

static void
handshake_failed(struct conn *c)
{
	char text[128];
	enum reason reason = why_ended(c);

	(void)snprintf(text, sizeof(text), "%s",
	    tls_error(c->tls) == NULL ? "" : tls_error(c->tls));
	if (c->diagnose)
		ended(c, REASON_TLS, text);
	else if (reason != REASON_TLS)
		ended(c, reason, "in the handshake");
	else
		diagnose(c, text);
}

/*
 * libtls refused the upstream. Its words are not to be relied on, so the chain
 * is fetched once more on a connection of its own that never takes a question,
 * and held against verify_chain, which says what is wrong.
 */
static void
diagnose(struct conn *c, const char *text)
{
	struct diagnosis *d = &diagnoses[c->upstream][c->address];
	uint64_t now = turn_now();

	if (d->when != 0 && now - d->when < CONN_DIAGNOSE_AGAIN) {
		ended(c, d->reason, NULL);
		return;
	}
	d->when = now;
	d->reason = REASON_TLS;
	drop_socket(c, false);
	c->eof = false;
	c->diagnose = true;
	if (!ask_parent(c)) {
		ended(c, REASON_TLS, text);
		return;
	}
	pool_conn_doomed(pool, index_of(c), now);
}

static void
go_up(struct conn *c)
{
	uint8_t *in;

	if ((in = malloc(STREAM_BUFFER)) == NULL ||
	    (c->out = malloc(OUT_MAX)) == NULL)
		fatal("malloc");
	stream_init(&c->in, in);
	c->state = CONN_UP;
	diagnoses[c->upstream][c->address].when = 0;
	watch(c, true, false);
	pool_conn_up(pool, index_of(c), turn_now());
}

static void
receive(struct conn *c)
{
	uint8_t *at;
	size_t room;
	ssize_t n;
	int i;

	for (i = 0; i < READS_TURN; i++) {
		at = stream_room(&c->in, &room);
		n = tls_read(c->tls, at, room);
		if (n == TLS_WANT_POLLIN)
			return;
		if (n == TLS_WANT_POLLOUT) {
			watch(c, true, true);
			return;
		}
		if (n <= 0) {
			ended(c, why_ended(c), NULL);
			return;
		}
		stream_added(&c->in, (size_t)n);
		if (!take_messages(c))
			return;
	}
	/* There may be more within libtls that no poll would tell of. */
	event_active(c->readable, EV_READ, 0);
}

/* False: the connection is no more. */
static bool
take_messages(struct conn *c)
{
	uint8_t *msg;
	size_t len;

	while (stream_next(&c->in, &msg, &len))
		if (!pool_conn_message(pool, index_of(c), msg, len, turn_now()))
			return false;
	return true;
}

/* Each tls_write is one record; what did not go has to go first, from the
 * same length on. */
static void
flush(struct conn *c)
{
	size_t done = 0, len;
	ssize_t n = 0;

	while (done < c->out_len) {
		len = c->out_len - done;
		if (len > RECORD_MAX)
			len = RECORD_MAX;
		n = tls_write(c->tls, &c->out[done], len);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	memmove(c->out, &c->out[done], c->out_len - done);
	c->out_len -= done;
	if (c->out_len == 0 || n == TLS_WANT_POLLIN) {
		c->blocked = c->out_len > 0;
	} else if (n == TLS_WANT_POLLOUT) {
		c->blocked = true;
		watch(c, true, true);
	} else {
		ended(c, why_ended(c), NULL);
		return;
	}
	if (done > 0)
		pool_conn_room(pool, index_of(c));
}

/*
 * The socket, for libtls. Its own words for an end differ between libraries,
 * and errno does not outlive it: so both are seen here.
 */
static ssize_t
read_socket(struct tls *tls, void *buf, size_t len, void *arg)
{
	struct conn *c = arg;
	ssize_t n;

	(void)tls;
	do
		n = read(c->fd, buf, len);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_WANT_POLLIN;
	if (n == -1)
		c->error = errno;
	if (n == 0)
		c->eof = true;
	return n;
}

static ssize_t
write_socket(struct tls *tls, const void *buf, size_t len, void *arg)
{
	struct conn *c = arg;
	ssize_t n;

	(void)tls;
	do
		n = write(c->fd, buf, len);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_WANT_POLLOUT;
	if (n == -1)
		c->error = errno;
	return n;
}

/* With close_notify or without is one case. */
static enum reason
why_ended(const struct conn *c)
{
	if (c->error != 0)
		return reason_from_errno(c->error);
	return c->eof || c->state == CONN_UP ? REASON_CLOSED : REASON_TLS;
}

static void
ended(struct conn *c, enum reason reason, const char *detail)
{
	if (detail != NULL)
		report_detail(detail, NULL);
	let_go(c, false);
	pool_conn_ended(pool, index_of(c), reason, turn_now());
	report_detail(NULL, NULL);
}

static void
watch(struct conn *c, bool in, bool out)
{
	if ((in ? event_add(c->readable, NULL) : event_del(c->readable)) ==
		-1 ||
	    (out ? event_add(c->writable, NULL) : event_del(c->writable)) == -1)
		fatalx("libevent: cannot watch a connection");
}

static void
let_go(struct conn *c, bool polite)
{
	if (c->state == CONN_FREE)
		return;
	drop_socket(c, polite);
	free(c->in.buf);
	free(c->out);
	c->in.buf = c->out = NULL;
	c->out_len = 0;
	c->state = CONN_FREE;
}

static void
drop_socket(struct conn *c, bool polite)
{
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	c->readable = c->writable = NULL;
	if (c->tls != NULL) {
		/* Polite, but not waited for. */
		if (polite && c->state == CONN_UP)
			(void)tls_close(c->tls);
		tls_free(c->tls);
	}
	c->tls = NULL;
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

static uint32_t
index_of(const struct conn *c)
{
	return (uint32_t)(c - conns);
}
