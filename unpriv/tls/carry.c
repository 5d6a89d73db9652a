/*
 * What goes in and out of a connection that is up. It decides nothing, and
 * never looks into a message.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <tls.h>
#include <unistd.h>

#include "unpriv/dns/dns.h"

#include "carry.h"
#include "turn.h"

#define RECORD_MAX 16384 /* bytes in one TLS record */
/* Pieces read in a turn, so that no connection waits for another. */
#define READS_TURN 32

static void in_stream(struct conn *);
static void in_datagrams(struct conn *);
static bool take_messages(struct conn *);
static void acknowledge_at_once(const struct conn *);
static ssize_t read_some(struct conn *, uint8_t *, size_t);
static ssize_t write_some(struct conn *, const uint8_t *, size_t);
static ssize_t write_datagram(struct conn *, const uint8_t *);

void
carry_in(struct conn *c)
{
	if (c->udp)
		in_datagrams(c);
	else
		in_stream(c);
}

/* What did not go has to go first, from the same length on. */
void
carry_out(struct conn *c)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < c->out_len) {
		n = write_some(c, &c->out[done], c->out_len - done);
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
		conn_watch(c, true, true);
	} else {
		conn_ended(c, carry_why_ended(c), NULL);
		return;
	}
	if (done == 0)
		return;
	if (!c->heard && c->tls != NULL)
		acknowledge_at_once(c);
	conn_owner()->room(conn_index(c));
}

/* With close_notify or without is one case. */
enum reason
carry_why_ended(const struct conn *c)
{
	if (c->error != 0)
		return reason_from_errno(c->error);
	return c->eof || c->state == CONN_UP ? REASON_CLOSED : REASON_TLS;
}

/*
 * libtls' own words for an end differ between libraries, and errno does not
 * outlive it: so both are seen here.
 */
ssize_t
carry_from_socket(struct tls *tls, void *buf, size_t len, void *arg)
{
	struct conn *c = arg;
	ssize_t n;

	(void)tls;
	/* What is left there is told of again. */
	if (c->taken >= CONN_BYTES_TURN)
		return TLS_WANT_POLLIN;
	do
		n = read(c->fd, buf, len);
	while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_WANT_POLLIN;
	if (n == -1)
		c->error = errno;
	if (n == 0)
		c->eof = true;
	if (n > 0)
		c->taken += (size_t)n;
	return n;
}

ssize_t
carry_to_socket(struct tls *tls, const void *buf, size_t len, void *arg)
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

static void
in_stream(struct conn *c)
{
	uint8_t *at;
	size_t room;
	ssize_t n;
	int i;

	for (i = 0; i < READS_TURN; i++) {
		at = stream_room(&c->in, &room);
		n = read_some(c, at, room);
		if (n == TLS_WANT_POLLIN)
			return;
		if (n == TLS_WANT_POLLOUT) {
			conn_watch(c, true, true);
			return;
		}
		if (n <= 0) {
			conn_ended(c, carry_why_ended(c), NULL);
			return;
		}
		stream_added(&c->in, (size_t)n);
		if (!take_messages(c))
			return;
	}
	/* There may be more within libtls that no poll would tell of. */
	event_active(c->readable, EV_READ, 0);
}

/* One of no bytes is as bad a message as any, and no end. */
static void
in_datagrams(struct conn *c)
{
	static uint8_t datagram[DNS_MESSAGE_MAX];
	ssize_t n;
	int i;

	for (i = 0; i < READS_TURN; i++) {
		n = carry_from_socket(NULL, datagram, sizeof(datagram), c);
		if (n == TLS_WANT_POLLIN)
			return;
		if (n < 0) {
			conn_ended(c, carry_why_ended(c), NULL);
			return;
		}
		if (!conn_owner()->message(
			conn_index(c), datagram, (size_t)n, turn_now()))
			return;
	}
}

/* False: the connection is no more. */
static bool
take_messages(struct conn *c)
{
	uint8_t *msg;
	size_t len;

	while (stream_next(&c->in, &msg, &len)) {
		c->heard = true;
		if (!conn_owner()->message(conn_index(c), msg, len, turn_now()))
			return false;
	}
	return true;
}

/*
 * An upstream with Nagle's algorithm (unbound is one) holds back its first
 * answer until its session tickets, which go before it, are acknowledged, and
 * the kernel would take 40 ms over that. It forgets this at each write.
 */
static void
acknowledge_at_once(const struct conn *c)
{
	static const int on = 1;

	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static ssize_t
read_some(struct conn *c, uint8_t *at, size_t room)
{
	return c->plain ? carry_from_socket(NULL, at, room, c)
			: tls_read(c->tls, at, room);
}

/* How many bytes of these went. Each tls_write is one record. */
static ssize_t
write_some(struct conn *c, const uint8_t *at, size_t len)
{
	if (c->udp)
		return write_datagram(c, at);
	if (c->plain)
		return carry_to_socket(NULL, at, len, c);
	return tls_write(c->tls, at, len < RECORD_MAX ? len : RECORD_MAX);
}

/* The first message, and with it its length. */
static ssize_t
write_datagram(struct conn *c, const uint8_t *at)
{
	size_t len = (size_t)at[0] << 8 | at[1];
	ssize_t n = carry_to_socket(NULL, &at[2], len, c);

	/* The machine has no room for it: it is lost, as any may be. */
	if (n == -1 && (c->error == ENOBUFS || c->error == ENOMEM)) {
		c->error = 0;
		return (ssize_t)(2 + len);
	}
	return n > 0 ? n + 2 : n;
}
