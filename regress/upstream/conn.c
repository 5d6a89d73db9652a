/*
 * One connection of the upstream: its TLS, the frames that come in and the
 * bytes that go out, and how it ends.
 */
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "conn.h"

/* No question is read while so much waits to be written. */
#define OUT_MAX (4 * 1024 * 1024)

/* In one turn; the others want theirs too. */
#define RECORDS_A_TURN 8
#define BYTES_A_TURN   (256 * 1024)
#define DRIPS_A_TURN   256

static void conn_free(struct conn *);
static void turn(evutil_socket_t, short, void *);
static void swallow(struct conn *);
static bool handshake(struct conn *);
static bool read_some(struct conn *);
static unsigned take_questions(struct conn *);
static void write_some(struct conn *);
static bool write_out(struct conn *);
static void end(struct conn *);
static void idle_out(evutil_socket_t, short, void *);

void
conn_new(struct server *server, int fd)
{
	struct event_base *base = server->base;
	struct conn *c;
	int one = 1;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "calloc");
	c->server = server;
	c->fd = fd;
	c->id = ++server->totals.connections;
	server->open++;
	TAILQ_INIT(&c->pending);
	TAILQ_INIT(&c->held);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->readable = event_new(base, fd, EV_READ, turn, c);
	c->writable = event_new(base, fd, EV_WRITE, turn, c);
	c->idle = evtimer_new(base, idle_out, c);
	c->batch = evtimer_new(base, reply_batch, c);
	c->out = evbuffer_new();
	if (c->readable == NULL || c->writable == NULL || c->idle == NULL ||
	    c->batch == NULL || c->out == NULL)
		errx(1, "libevent: out of memory");
	if (!server->faults.handshake_stall &&
	    tls_accept_socket(server->tls, &c->tls, fd) == -1) {
		warnx("accept: %s", tls_error(server->tls));
		conn_free(c);
		return;
	}
	event_add(c->readable, NULL);
}

static void
conn_free(struct conn *c)
{
	reply_forget(c);
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->idle);
	event_free(c->batch);
	evbuffer_free(c->out);
	tls_free(c->tls);
	close(c->fd);
	c->server->open--;
	free(c);
}

void
conn_kick(struct conn *c)
{
	event_active(c->writable, EV_WRITE, 0);
}

void
conn_after(struct event *timer, unsigned ms)
{
	const struct timeval tv = { ms / 1000, (ms % 1000) * 1000 };

	if (ms != 0)
		evtimer_add(timer, &tv);
}

/* Everything that can be done now; the events are armed for the rest. */
static void
turn(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	unsigned records;

	(void)fd;
	(void)what;
	if (c->tls == NULL)
		swallow(c);
	else if (c->shaken || handshake(c)) {
		for (records = 0; records < RECORDS_A_TURN && read_some(c);)
			records++;
		write_some(c);
		if (records == RECORDS_A_TURN)
			event_active(c->readable, EV_READ, 0);
	}
	if (c->dead)
		conn_free(c);
}

/* Reads what comes and never says a word, not even hello. */
static void
swallow(struct conn *c)
{
	if (read(c->fd, c->in, sizeof(c->in)) <= 0)
		c->dead = true;
	else
		event_add(c->readable, NULL);
}

static bool
handshake(struct conn *c)
{
	switch (tls_handshake(c->tls)) {
	case 0:
		c->shaken = true;
		c->server->totals.handshakes++;
		conn_after(c->idle, c->server->faults.close_idle);
		return true;
	case TLS_WANT_POLLIN:
		event_add(c->readable, NULL);
		return false;
	case TLS_WANT_POLLOUT:
		event_add(c->writable, NULL);
		return false;
	default:
		if (c->server->log != NULL)
			fprintf(c->server->log, "refused conn=%ju: %s\n",
			    (uintmax_t)c->id, tls_error(c->tls));
		c->dead = true;
		return false;
	}
}

/* One record at most, which is what tls_read gives; true if there was one. */
static bool
read_some(struct conn *c)
{
	struct server *s = c->server;
	unsigned questions;
	ssize_t n;

	c->choked = evbuffer_get_length(c->out) > OUT_MAX;
	if (c->dead || c->choked || c->ending != ENDING_NOT)
		return false;
	n = tls_read(c->tls, c->in + c->in_len, sizeof(c->in) - c->in_len);
	if (n == TLS_WANT_POLLIN)
		event_add(c->readable, NULL);
	else if (n == TLS_WANT_POLLOUT)
		event_add(c->writable, NULL);
	else if (n <= 0)
		c->dead = true;
	if (n <= 0)
		return false;
	c->in_len += (size_t)n;
	questions = take_questions(c);
	if (questions > 0)
		s->totals.records++;
	if (s->log != NULL)
		fprintf(s->log, "record conn=%ju bytes=%zd questions=%u\n",
		    (uintmax_t)c->id, n, questions);
	return true;
}

/* All whole questions are read before one is answered: they are in flight
 * together. */
static unsigned
take_questions(struct conn *c)
{
	size_t at = 0, len;
	unsigned questions = 0;

	while (c->in_len - at >= 2) {
		len = (size_t)c->in[at] << 8 | c->in[at + 1];
		if (c->in_len - at - 2 < len)
			break;
		reply_take(c, c->in + at + 2, len);
		questions++;
		at += 2 + len;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	if (questions > 0)
		event_del(c->idle);
	reply_due(c);
	return questions;
}

static void
write_some(struct conn *c)
{
	if (c->dead || !write_out(c))
		return;
	if (c->ending != ENDING_NOT) {
		end(c);
		return;
	}
	if (c->npending == 0 && c->nheld == 0)
		conn_after(c->idle, c->server->faults.close_idle);
	/* What libtls has already read wakes nobody. */
	if (c->choked)
		event_active(c->readable, EV_READ, 0);
	else
		event_add(c->readable, NULL);
}

/* True when nothing is left to write. */
static bool
write_out(struct conn *c)
{
	size_t len, written = 0;
	ssize_t n;
	bool drip = c->server->faults.drip;

	while ((len = evbuffer_get_length(c->out)) > 0) {
		if (written >= (drip ? DRIPS_A_TURN : BYTES_A_TURN)) {
			conn_kick(c);
			return false;
		}
		len = drip ? 1 : len > 16384 ? 16384 : len;
		n = tls_write(
		    c->tls, evbuffer_pullup(c->out, (ev_ssize_t)len), len);
		if (n == TLS_WANT_POLLOUT)
			event_add(c->writable, NULL);
		else if (n == TLS_WANT_POLLIN)
			event_add(c->readable, NULL);
		else if (n <= 0)
			c->dead = true;
		if (n <= 0)
			return false;
		evbuffer_drain(c->out, (size_t)n);
		written += (size_t)n;
	}
	return true;
}

/* As the fault wants it; turn frees. */
static void
end(struct conn *c)
{
	const struct linger reset = { 1, 0 };

	if (c->ending == ENDING_RESET)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	else {
		if (!c->server->faults.no_notify)
			tls_close(c->tls);
		shutdown(c->fd, SHUT_WR);
	}
	c->dead = true;
}

/* Without a word: the peer is told by TCP alone. */
static void
idle_out(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_free(arg);
}
