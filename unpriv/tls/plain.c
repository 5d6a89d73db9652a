/*
 * Plain upstreams in the pool: what is asked over UDP, and when over TCP. It
 * must never make a forged answer easier to land than an ID, a port and the
 * case of a name's letters have it.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

static void leave(struct pool *, struct pool_conn *, uint64_t);
static void distrust(struct pool *, struct pool_conn *, struct attempts *);

bool
plain_is_udp(const struct pool *p, uint32_t upstream, uint32_t address)
{
	return address < p->upstream[upstream].nudp;
}

bool
plain_suits(const struct pool *p, const struct question *q, uint32_t upstream,
    uint32_t address)
{
	return p->upstream[upstream].nudp == 0 ||
	    plain_is_udp(p, upstream, address) != q->over_tcp;
}

/* A zone's upstreams are all plain, or none is. */
bool
plain_is_zone(const struct pool *p, uint32_t zone)
{
	return p->upstream[p->zone[zone].upstream[0]].nudp > 0;
}

/* The length of a label is no letter. */
void
plain_mix(struct dns_question *q, uint64_t letters)
{
	size_t i;
	unsigned int n = 0;

	if (letters == 0)
		return;
	for (i = 0; i < q->name_len; i++)
		if (q->name[i] >= 'a' && q->name[i] <= 'z' &&
		    (letters >> n++ % 64 & 1) != 0)
			q->name[i] ^= 'a' ^ 'A';
}

uint64_t
plain_letters(struct pool *p)
{
	uint64_t letters = 0;
	int i;

	for (i = 0; i < 4; i++)
		letters = letters << 16 | p->ops.random(p->ctx);
	return letters;
}

void
plain_asked(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (c->udp && ++c->asked >= POOL_UDP_QUESTIONS)
		leave(p, c, now);
}

bool
plain_wants_socket(const struct pool *p, const struct pool_conn *c)
{
	const struct pool_address *a = &p->address[c->upstream][c->address];

	return c->udp && a->taking + a->opening < POOL_UDP_SOCKETS;
}

void
plain_age(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (c->deadline <= now)
		leave(p, c, now);
}

/* It stays for a short time, for the answers to what it has asked. */
static void
leave(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (c->retired)
		return;
	counter_inc(upstream_retired);
	c->retired = true;
	c->deadline = now + POOL_UDP_LINGER;
	pool_tally(p);
}

bool
plain_over_tcp(struct pool *p, struct question *q, const struct pool_conn *c,
    const uint8_t *msg, size_t len)
{
	if (TAILQ_EMPTY(&q->waiters))
		return false;
	if (msg != NULL)
		(void)question_save(&p->table, q, msg, len);
	if (q->over_tcp) {
		if (q->list == QUESTION_NONE && !question_is_in_flight(q))
			pool_fail(p, q);
		return true;
	}
	q->over_tcp = true;
	if (c->state == POOL_CONN_UP)
		q->partner = CHOICE_ADDRESS(c->upstream, c->address);
	if (q->tries >= QUESTION_TRIES)
		q->tries = QUESTION_TRIES - 1;
	pool_unwant(p, q);
	question_want(&p->table, q, true);
	p->changed = true;
	return true;
}

/* ... where there is TCP, as far as is known. */
void
plain_last(const struct pool *p, struct question *q)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	const struct pool_upstream *u;
	uint32_t k, i;

	if (q->over_tcp || q->tries + 1 != QUESTION_TRIES ||
	    !plain_is_zone(p, q->zone))
		return;
	for (k = 0; k < zone->nupstream; k++) {
		u = &p->upstream[zone->upstream[k]];
		for (i = u->nudp; i < u->naddress; i++)
			if (p->address[zone->upstream[k]][i].fails == 0)
				q->over_tcp = true;
	}
}

/* Somebody tries to find the port, or the ID: what was asked from there is
 * asked where neither would do. Its address is not to blame. */
bool
plain_bad(struct pool *p, struct pool_conn *c, uint64_t now)
{
	uint32_t conn = pool_conn_index(p, c);

	if (++c->bad < POOL_UDP_BAD)
		return true;
	counter_inc(upstream_attacked);
	if (c->state == POOL_CONN_UP)
		p->ops.report(p->ctx, c->upstream, c->address, REASON_GARBAGE);
	distrust(p, c, &c->attempts);
	distrust(p, c, &c->late);
	p->ops.close(p->ctx, conn);
	pool_conn_ended(p, conn, REASON_NONE, now);
	return false;
}

static void
distrust(struct pool *p, struct pool_conn *c, struct attempts *attempts)
{
	const struct pool_address *tcp;
	struct attempt *a;

	if (c->state != POOL_CONN_UP)
		return;
	tcp = &p->address[c->upstream]
			 [c->address + p->upstream[c->upstream].nudp];
	/* Where there is no TCP, another port is the best there is. */
	if (tcp->fails > 0)
		return;
	TAILQ_FOREACH(a, attempts, of_conn)
		(void)plain_over_tcp(p, a->question, c, NULL, 0);
}

/* Twice as late as one in twenty is, so that what is merely slow is not asked
 * for again out of turn. */
bool
plain_is_lost(const struct pool *p, const struct question *q, uint64_t now)
{
	const struct pool_address *at;
	const struct pool_conn *c;
	const struct attempt *a;
	bool any = false;
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++) {
		a = &q->attempt[i];
		if (!a->live)
			continue;
		c = &p->conn[a->conn];
		if (!c->udp || c->state != POOL_CONN_UP)
			return false;
		at = &p->address[c->upstream][c->address];
		if (at->proof <= a->asked ||
		    now - a->asked < 2 * patience_ms(&at->patience))
			return false;
		any = true;
	}
	return any;
}

/* A datagram may be lost: of that, only an address that answers none is to
 * blame. */
enum reason
plain_blame(const struct pool *p, const struct pool_conn *c)
{
	const struct pool_address *a;

	if (!c->udp || c->state != POOL_CONN_UP)
		return REASON_TIMED_OUT;
	if (!c->doubted)
		return REASON_NONE; /* what it still waits for is slow */
	a = &p->address[c->upstream][c->address];
	return a->measured >= c->lapsed_asked ? REASON_NONE : REASON_TIMED_OUT;
}
