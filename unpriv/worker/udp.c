/*
 * UDP. Decides nothing about a question but where its answer goes: to the
 * address it came from, from the address that was asked (RFC 2181 4.1).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"
#include "unpriv/dns/cut.h"

#include "loop.h"
#include "parent.h"
#include "pktinfo.h"
#include "udp.h"

#define BATCH 32
#define TURN  8 /* batches, before others have their turn */
#define NEAR  4 /* so far ahead, what the cache has is fetched */
#define DRAIN 256 /* batches, when a socket is retired */
#define ROOM  CONF_UDP_SIZE_MAX /* of a message, either way */

/* An answer that came later than in its question's batch. */
struct waiting {
	uint8_t bytes[ROOM];
	struct sockaddr_storage address;
	struct pktinfo control;
	struct iovec iov;
	socklen_t address_len;
	size_t control_len;
	uint32_t object, serial; /* of the listener */
	bool sent;
};

static void tell_full(const struct listener *);
static void weigh(void);
static int read_batch(struct listener *);
static void look(const struct listener *, unsigned int);
static bool take(struct listener *, unsigned int);
static enum guard_fate first(unsigned int);
static bool is_proven(unsigned int);
static void read_once(unsigned int);
static bool cut(const struct listener *, unsigned int, struct mmsghdr *);
static bool answer(const struct listener *, unsigned int, struct mmsghdr *);
static void
put(const struct listener *, unsigned int, size_t, struct mmsghdr *);
static void send_through(uint32_t, uint32_t, unsigned int);
static void send_all(int, struct mmsghdr *, unsigned int);

/* A batch: what is answered at once is answered where it lies. */
static uint8_t bytes[BATCH][ROOM];
static struct sockaddr_storage from[BATCH];
static struct pktinfo control[BATCH];
static struct iovec iov[BATCH];
static struct mmsghdr in[BATCH], answers[BATCH];
static struct query_message question[BATCH];
static bool was_read[BATCH];
static struct query_client clients[BATCH];
static enum guard_fate fate[BATCH];

static struct waiting out[BATCH];
static unsigned int nout;

void
udp_init(void)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = bytes[i];
		in[i].msg_hdr.msg_iov = &iov[i];
		in[i].msg_hdr.msg_iovlen = 1;
		in[i].msg_hdr.msg_name = &from[i];
		in[i].msg_hdr.msg_control = control[i].bytes;
	}
}

bool
udp_read(struct listener *listener)
{
	int i, n = 0;

	weigh();
	for (i = 0; i < TURN; i++) {
		n = read_batch(listener);
		if (n != BATCH)
			break;
	}
	if (i == TURN)
		tell_full(listener);
	return n == 0;
}

/* The kernel is asked only then: how full is the fullest. */
static void
tell_full(const struct listener *listener)
{
	struct guard *guard = &loop_queries.guard;
	const uint32_t queued = listener_queued(listener);

	if (!guard->was_full || queued > guard->queued)
		guard->queued = queued;
	guard->was_full = true;
}

/* How near what waits is to what may: the nearest counts. */
static void
weigh(void)
{
	const struct query_table *t = &loop_queries;
	struct admit_load load = { t->nused, QUERY_MAX, t->nstrangers, 0 };

	if ((uint64_t)t->nwaiting * QUERY_MAX >
	    (uint64_t)t->nused * QUERY_BACKLOG) {
		load.waiting = t->nwaiting;
		load.most = QUERY_BACKLOG;
	}
	if (!guard_turn(&loop_queries.guard, &load, loop_now()))
		return;
	if (loop_queries.guard.admit.on)
		counter_inc(overload_begun);
	log_debug("overload %s",
	    loop_queries.guard.admit.on ? "begins" : "has ended");
}

void
udp_drain(struct listener *listener)
{
	int i;

	for (i = 0; i < DRAIN; i++)
		if (read_batch(listener) != BATCH)
			break;
}

void
udp_reply(const struct query_reply *reply)
{
	struct listener *l =
	    listener_get(reply->client.object, reply->client.serial);
	struct waiting *w;

	if (l == NULL || reply->len > ROOM) {
		counter_inc(udp_send_dropped);
		return;
	}
	if (reply->was_in_flight)
		l->in_flight--;
	if (nout == BATCH)
		udp_flush();
	w = &out[nout++];
	memcpy(w->bytes, reply->bytes, reply->len);
	w->iov.iov_base = w->bytes;
	w->iov.iov_len = reply->len;
	w->address_len =
	    netaddr_to_sockaddr(&reply->client.address, &w->address);
	w->control_len =
	    l->wildcard ? pktinfo_write(&reply->client, &w->control) : 0;
	w->object = reply->client.object;
	w->serial = reply->client.serial;
	w->sent = false;
}

/* One sendmmsg for each socket that anything is to be sent through. */
void
udp_flush(void)
{
	unsigned int i;

	for (i = 0; i < nout; i++)
		if (!out[i].sent)
			send_through(out[i].object, out[i].serial, i);
	nout = 0;
}

/* All from the i-th on that go the same way. */
static void
send_through(uint32_t object, uint32_t serial, unsigned int i)
{
	struct listener *l = listener_get(object, serial);
	static struct mmsghdr msg[BATCH];
	struct waiting *w;
	unsigned int n = 0;

	for (; i < nout; i++) {
		w = &out[i];
		if (w->sent || w->serial != serial)
			continue;
		w->sent = true;
		memset(&msg[n], 0, sizeof(msg[n]));
		msg[n].msg_hdr.msg_name = &w->address;
		msg[n].msg_hdr.msg_namelen = w->address_len;
		msg[n].msg_hdr.msg_iov = &w->iov;
		msg[n].msg_hdr.msg_iovlen = 1;
		if (w->control_len != 0)
			msg[n].msg_hdr.msg_control = w->control.bytes;
		msg[n].msg_hdr.msg_controllen = w->control_len;
		n++;
	}
	if (l != NULL)
		send_all(l->fd, msg, n);
	else
		counter_add(udp_send_dropped, n);
}

/* How many there were: fewer than BATCH, and there are no more for now. */
static int
read_batch(struct listener *listener)
{
	unsigned int i, got, shed = 0, nanswers = 0;
	int n;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_len = ROOM;
		in[i].msg_hdr.msg_namelen = sizeof(from[i]);
		in[i].msg_hdr.msg_controllen =
		    listener->wildcard ? PKTINFO_LEN : 0;
	}
	do
		n = recvmmsg(listener->fd, in, BATCH, MSG_DONTWAIT, NULL);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return 0;
	if (n == BATCH)
		listener_busy(listener);
	got = (unsigned int)n;
	counter_add(queries_udp, got);
	for (i = 0; i < got; i++)
		look(listener, i);
	for (i = 0; i < got; i++) {
		if (fate[i] == GUARD_TAKE)
			fate[i] = first(i);
		if (fate[i] != GUARD_TAKE) {
			/* Nothing is near of what is not read. */
			question[i].verdict = DNS_DROP;
			shed++;
		} else
			read_once(i);
	}
	listener_seen(listener, got, shed);
	for (i = 0; i < got && i < NEAR; i++)
		query_near(&loop_queries, &question[i]);
	for (i = 0; i < got; i++) {
		if (i + NEAR < got)
			query_near(&loop_queries, &question[i + NEAR]);
		if (fate[i] == GUARD_DROP)
			continue;
		if (fate[i] == GUARD_TAKE
			? take(listener, i) &&
			    answer(listener, i, &answers[nanswers])
			: cut(listener, i, &answers[nanswers]))
			nanswers++;
	}
	send_all(listener->fd, answers, nanswers);
	return n;
}

/* Who it is from; and brings near what the limits have of it. */
static void
look(const struct listener *listener, unsigned int i)
{
	struct query_client *c = &clients[i];

	memset(c, 0, sizeof(*c));
	c->proto = IPC_UDP;
	c->object = listener_object(listener);
	c->serial = listener->serial;
	fate[i] = GUARD_TAKE;
	was_read[i] = false;
	if (!netaddr_from_sockaddr(
		&c->address, (const struct sockaddr *)&from[i]) ||
	    c->address.port == 0 ||
	    (listener->wildcard && !pktinfo_read(&in[i].msg_hdr, c))) {
		counter_inc(queries_dropped);
		fate[i] = GUARD_DROP;
		return;
	}
	guard_find(&loop_queries.guard, &c->address, false, &c->limit);
	if (!c->limit.exempt)
		c->most = loop_settings.limit.amplification * in[i].msg_len;
}

/* What becomes of it before it is read: blocks, then limits. */
static enum guard_fate
first(unsigned int i)
{
	struct query_client *c = &clients[i];
	struct ipc_block ask;
	enum guard_fate is;
	bool proven = false;

	switch (block_first(
	    &loop_blocker, &c->address, bytes[i], in[i].msg_len, loop_now())) {
	case BLOCK_PASS:
		proven = cookie_may_be(bytes[i], in[i].msg_len) && is_proven(i);
		break;
	case BLOCK_PROVE:
		if ((proven = is_proven(i)))
			break;
		if (block_unproven(&loop_blocker, &c->address, loop_now()) ==
		    BLOCK_DROP) {
			counter_inc(blocked_udp);
			return GUARD_DROP;
		}
		/* FALLTHROUGH */
	case BLOCK_CUT:
		return GUARD_BLOCKED;
	case BLOCK_DROP:
		counter_inc(blocked_udp);
		return GUARD_DROP;
	}
	if (proven) {
		c->most = 0;
		guard_find(&loop_queries.guard, &c->address, true, &c->limit);
		is = guard_proven(&loop_queries.guard, &c->limit, loop_now());
	} else {
		is = guard_udp(&loop_queries.guard, &c->limit, loop_now());
		c->stranger = loop_queries.guard.stranger;
	}
	if (loop_queries.guard.over != 0 &&
	    block_over(&loop_blocker, &c->address, proven,
		loop_queries.guard.over, loop_now(), &ask))
		parent_tell_block(&ask);
	return is;
}

static bool
is_proven(unsigned int i)
{
	if (!loop_queries.cookies.known || !loop_settings.cookies)
		return false;
	read_once(i);
	return query_is_proven(&loop_queries, &loop_settings, &clients[i],
	    &question[i], loop_now());
}

static void
read_once(unsigned int i)
{
	if (!was_read[i])
		query_read(&loop_queries, &question[i], bytes[i], in[i].msg_len,
		    (in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0);
	was_read[i] = true;
}

/* True: loop_reply is the answer. */
static bool
take(struct listener *listener, unsigned int i)
{
	switch (query_take_read(&loop_queries, &loop_settings, &clients[i],
	    &question[i], loop_now(), &loop_reply)) {
	case QUERY_DROPPED:
		break;
	case QUERY_ANSWERED:
		return true;
	case QUERY_IN_FLIGHT:
		listener->in_flight++;
		break;
	}
	return false;
}

/* Who may not ask is not told even that. */
static bool
cut(const struct listener *listener, unsigned int i, struct mmsghdr *msg)
{
	const size_t len = dns_cut(bytes[i], in[i].msg_len);
	const bool told =
	    len != 0 && settings_allow(&loop_settings, &clients[i].address);

	guard_told(&loop_queries.guard, fate[i], told);
	if (told)
		put(listener, i, len, msg);
	return told;
}

/* Puts loop_reply where its question lay, and into *msg back to where that
 * came from. */
static bool
answer(const struct listener *listener, unsigned int i, struct mmsghdr *msg)
{
	if (loop_reply.len > ROOM) {
		counter_inc(udp_send_dropped);
		return false;
	}
	memcpy(bytes[i], loop_reply.bytes, loop_reply.len);
	put(listener, i, loop_reply.len, msg);
	return true;
}

static void
put(const struct listener *listener, unsigned int i, size_t len,
    struct mmsghdr *msg)
{
	iov[i].iov_len = len;
	*msg = in[i];
	msg->msg_hdr.msg_controllen =
	    listener->wildcard ? pktinfo_write(&clients[i], &control[i]) : 0;
}

/*
 * A full buffer drops the rest: a client asks again, and nobody waits here.
 * Any other error (no route, a firewall's no) is of one message.
 */
static void
send_all(int fd, struct mmsghdr *msg, unsigned int n)
{
	unsigned int done = 0;
	int r;

	while (done < n) {
		r = sendmmsg(fd, msg + done, n - done, MSG_DONTWAIT);
		if (r > 0) {
			done += (unsigned int)r;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS) {
			counter_add(udp_send_dropped, n - done);
			return;
		}
		counter_inc(udp_send_dropped);
		done++;
	}
}
