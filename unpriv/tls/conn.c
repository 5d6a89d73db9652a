/*
 * A connection: asked of the parent, connecting, in its handshake, verified,
 * up. No byte of a question may go out before the chain, the name and the pins
 * were found good, unless its upstream is a plain one; a connection that
 * diagnoses a refusal can never be up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tls.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "unpriv/dns/query.h"

#include "carry.h"
#include "conn_state.h"
#include "handshake.h"
#include "report.h"
#include "turn.h"

#define PADDING_BLOCK 128 /* RFC 8467 4.1 */
#define OUT_MAX	      65536 /* questions waiting to be written */

static void connected(struct conn *);
static void let_go(struct conn *, bool);
static void on_event(evutil_socket_t, short, void *);

static struct event_base *base;
static const struct conn_owner *owner;
static struct ipc *parent;
static const struct upstreams *upstreams;
static struct conn conns[POOL_CONNS];
static struct conn *dirty[POOL_CONNS];
static size_t ndirty;
static uint32_t last_serial;

void
conns_init(struct event_base *b, struct ipc *to_parent)
{
	base = b;
	parent = to_parent;
}

void
conns_set_owner(const struct conn_owner *o)
{
	owner = o;
}

void
conns_configure(const struct upstreams *all)
{
	upstreams = all;
	handshake_reset();
}

bool
conn_open(uint32_t n, uint32_t upstream, uint32_t address)
{
	const struct upstream *u = &upstreams->one[upstream];
	struct conn *c = &conns[n];

	*c = (struct conn){ .fd = -1, .upstream = upstream };
	c->plain = u->plain;
	c->udp = u->plain && address < u->naddress;
	c->address = address % u->naddress;
	return conn_ask_parent(c);
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
	    DNS_UPSTREAM_QUERY_MAX, id, question, ask,
	    c->plain ? 0 : PADDING_BLOCK);
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
	enum reason reason;
	const char *detail;
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
		reason = reason_from_socket(error, &detail);
		conn_ended(c, reason, detail);
		return;
	}
	c->fd = fd;
	c->state = CONN_CONNECTING;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_event, c);
	c->writable = event_new(base, fd, EV_WRITE, on_event, c);
	if (c->readable == NULL || c->writable == NULL)
		fatalx("libevent: cannot watch a connection");
	/* A datagram needs no connection that somebody else agrees to. */
	if (c->udp)
		conn_go_up(c);
	else
		conn_watch(c, false, true);
}

void
conns_flush(void)
{
	struct conn *c;
	size_t i;

	/* carry_out may end a connection, but adds none to the list. */
	for (i = 0; i < ndirty; i++) {
		c = dirty[i];
		c->dirty = false;
		if (c->state == CONN_UP && !c->blocked)
			carry_out(c);
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

bool
conn_ask_parent(struct conn *c)
{
	struct ipc_connect want;

	c->serial = ++last_serial;
	want.serial = c->serial;
	want.generation = upstreams->generation;
	want.upstream = c->upstream;
	want.address = c->address;
	want.transport = c->udp ? IPC_UDP : IPC_TCP;
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
	c->taken = 0;
	switch (c->state) {
	case CONN_CONNECTING:
		connected(c);
		break;
	case CONN_HANDSHAKE:
		handshake_continue(c);
		break;
	case CONN_UP:
		/* TLS may have waited for either. */
		c->blocked = false;
		if (c->out_len > 0)
			carry_out(c);
		if (c->state == CONN_UP)
			carry_in(c);
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
		conn_ended(c, reason_from_errno(error), NULL);
		return;
	}
	if (!c->diagnose)
		owner->connected(conn_index(c), turn_now());
	if (c->plain)
		conn_go_up(c);
	else
		handshake_begin(c);
}

void
conn_go_up(struct conn *c)
{
	uint8_t *in;

	if (c->diagnose ||
	    c->state != (c->plain ? CONN_CONNECTING : CONN_HANDSHAKE))
		fatalx("a connection that was not verified would be up");
	if ((in = malloc(STREAM_BUFFER)) == NULL ||
	    (c->out = malloc(OUT_MAX)) == NULL)
		fatal("malloc");
	stream_init(&c->in, in);
	c->state = CONN_UP;
	conn_watch(c, true, false);
	owner->up(conn_index(c), turn_now());
}

void
conn_ended(struct conn *c, enum reason reason, const char *detail)
{
	if (detail != NULL)
		report_detail(detail, NULL);
	let_go(c, false);
	owner->ended(conn_index(c), reason, detail, turn_now());
	report_detail(NULL, NULL);
}

void
conn_watch(struct conn *c, bool in, bool out)
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
	conn_drop_socket(c, polite);
	free(c->in.buf);
	free(c->out);
	c->in.buf = c->out = NULL;
	c->out_len = 0;
	c->state = CONN_FREE;
}

void
conn_drop_socket(struct conn *c, bool polite)
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

uint32_t
conn_index(const struct conn *c)
{
	return (uint32_t)(c - conns);
}

uint64_t
conn_began(uint32_t n)
{
	return conns[n].began;
}

const struct conn_owner *
conn_owner(void)
{
	return owner;
}

const struct upstreams *
conn_upstreams(void)
{
	return upstreams;
}
