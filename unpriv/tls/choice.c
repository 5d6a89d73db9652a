/*
 * The choice: what is better for a question, of all that its zone has. The
 * whole of it is one number for an address; nothing else may prefer anything.
 */
#include "pool_state.h"

#define UNMEASURED    0xfffeu /* behind all that were measured */
#define LOAD_BITS     32
#define DELIVERED_MAX 0xffffu

static uint32_t load(const struct pool_conn *, const struct question *);
static uint32_t preference(
    const struct pool *, const struct question *, uint32_t, uint32_t, uint32_t);
static uint32_t policy(
    const struct pool *, const struct question *, uint32_t, uint32_t, uint32_t);
static uint32_t least_known(const struct pool *, uint32_t);
static bool is_explored(const struct pool *, const struct pool_zone *);

uint64_t
choice_rank(const struct pool *p, const struct question *q, uint32_t upstream,
    uint32_t address)
{
	const struct pool_address *a = &p->address[upstream][address];
	uint32_t order = p->zones[q->zone].order[upstream];
	uint64_t rank;

	if (order == POOL_NOT_OF || !plain_suits(p, q, upstream, address))
		return CHOICE_NEVER;
	rank = a->suspect;
	rank = rank << 1 | (a->doubted > 0);
	rank = rank << 1 | choice_was_tried(p, q, upstream, address);
	rank = rank << 16 | preference(p, q, order, upstream, address);
	return rank << 1 | (a->fails > 0);
}

void
choice_begin(struct pool *p, struct question *q, uint64_t now)
{
	struct pool_zone *z = &p->zones[q->zone];

	q->favour = UINT32_MAX;
	switch (p->zone[q->zone].policy) {
	case CONF_ROUND_ROBIN:
		q->favour = z->turn++ % p->zone[q->zone].nupstream;
		break;
	case CONF_FASTEST:
		if (++z->since >= POOL_EXPLORE) {
			z->since = 0;
			z->explore = least_known(p, q->zone);
			z->exploring = now;
		} else if (z->explore != UINT32_MAX && is_explored(p, z))
			z->explore = UINT32_MAX;
		q->favour = z->explore;
		break;
	default:
		break;
	}
}

void
choice_asked(
    struct pool *p, const struct question *q, const struct pool_conn *c)
{
	struct pool_zone *z = &p->zones[q->zone];

	if (z->explore == CHOICE_ADDRESS(c->upstream, c->address))
		z->explore = UINT32_MAX;
}

void
choice_measure(struct pool_address *a, uint64_t took, uint64_t now)
{
	int64_t sample = (int64_t)took * POOL_AVERAGE_ONE;

	if (a->measured == 0)
		a->average = (uint32_t)sample;
	else
		a->average = (uint32_t)((int64_t)a->average +
		    (sample - (int64_t)a->average) / 8);
	a->measured = now;
}

struct pool_conn *
choice_pick(struct pool *p, const struct question *q)
{
	struct pool_conn *c, *best = NULL;
	uint64_t rank, least = CHOICE_NEVER;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP || c->doubted || c->full ||
		    c->retired || !pool_conn_has_room(c, 1))
			continue;
		rank = choice_rank(p, q, c->upstream, c->address);
		if (rank == CHOICE_NEVER)
			continue;
		/* Which socket of UDP it is, nobody should foresee. */
		rank = rank << LOAD_BITS |
		    (c->udp ? p->ops.random(p->ctx) : load(c, q));
		if (rank >= least || question_is_on(q, i) ||
		    (c->probing && probe_is_like(q)))
			continue;
		least = rank;
		best = c;
	}
	return best;
}

/* One is used up before the next is begun, so that what is asked again finds
 * one that has answered little: what ends connections early has not yet ended
 * that. */
static uint32_t
load(const struct pool_conn *c, const struct question *q)
{
	uint32_t hoped = c->inflight - c->nlate;
	uint32_t delivered =
	    c->delivered < DELIVERED_MAX ? c->delivered : DELIVERED_MAX;

	if (q->tries > 0)
		return delivered << 16 | hoped;
	return hoped << 16 | (DELIVERED_MAX - delivered);
}

bool
choice_was_tried(const struct pool *p, const struct question *q,
    uint32_t upstream, uint32_t address)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	/* A race is one of upstreams, where there are two. */
	bool any = zone->policy == CONF_RACE && zone->nupstream > 1;
	const struct pool_conn *c;
	size_t i;

	if (q->tries == 0)
		return false;
	if (q->avoid == CHOICE_ADDRESS(upstream, address))
		return true;
	for (i = 0; i < QUESTION_TRIES; i++) {
		if (!q->attempt[i].live)
			continue;
		c = &p->conn[q->attempt[i].conn];
		if (c->state == POOL_CONN_UP && c->upstream == upstream &&
		    (any || c->address == address))
			return true;
	}
	return false;
}

enum reason
choice_reason(
    const struct pool *p, const struct question *q, uint32_t *upstream)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	enum reason best = REASON_NONE;
	uint32_t k, u, i;

	*upstream = UINT32_MAX;
	for (k = 0; k < zone->nupstream; k++) {
		u = zone->upstream[k];
		for (i = 0; i < p->upstream[u].naddress; i++)
			if (plain_suits(p, q, u, i) &&
			    p->address[u][i].reason > best) {
				best = p->address[u][i].reason;
				*upstream = u;
			}
	}
	return best;
}

/* 0 .. 0xffff: what was cut somewhere comes whole from there, or else from
 * where the policy says; order: of the upstream in the zone. */
static uint32_t
preference(const struct pool *p, const struct question *q, uint32_t order,
    uint32_t upstream, uint32_t address)
{
	uint32_t by_policy = policy(p, q, order, upstream, address);

	if (!q->over_tcp || q->partner == UINT32_MAX)
		return by_policy;
	if (q->partner ==
	    CHOICE_ADDRESS(upstream, address - p->upstream[upstream].nudp))
		return 0;
	return by_policy + 1;
}

/* 0 .. UNMEASURED. */
static uint32_t
policy(const struct pool *p, const struct question *q, uint32_t order,
    uint32_t upstream, uint32_t address)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	const struct pool_address *a = &p->address[upstream][address];
	uint32_t ms;

	switch (zone->policy) {
	case CONF_ROUND_ROBIN:
		return (order + zone->nupstream - q->favour) % zone->nupstream;
	case CONF_FASTEST:
		if (q->favour == CHOICE_ADDRESS(upstream, address))
			return 0;
		if (a->measured == 0)
			return UNMEASURED;
		/* Whole milliseconds: what is about as fast shares the load. */
		ms = 1 + a->average / POOL_AVERAGE_ONE;
		return ms < UNMEASURED ? ms : UNMEASURED - 1;
	default:
		return order;
	}
}

/* The address of the zone whose average is the oldest. One that failed is as
 * good: else one failure would be the last that is known of it. */
static uint32_t
least_known(const struct pool *p, uint32_t zone)
{
	const struct conf_zone *z = &p->zone[zone];
	uint64_t oldest = UINT64_MAX;
	uint32_t k, u, i, best = UINT32_MAX;

	for (k = 0; k < z->nupstream; k++) {
		u = z->upstream[k];
		for (i = 0; i < p->upstream[u].naddress; i++) {
			if ((p->upstream[u].nudp > 0 &&
				!plain_is_udp(p, u, i)) ||
			    p->address[u][i].suspect ||
			    p->address[u][i].measured >= oldest)
				continue;
			oldest = p->address[u][i].measured;
			best = CHOICE_ADDRESS(u, i);
		}
	}
	return best;
}

/* Since then its time is known, or that it fails. */
static bool
is_explored(const struct pool *p, const struct pool_zone *z)
{
	const struct pool_address *a = &p->address[z->explore /
	    POOL_ADDRESSES_MAX][z->explore % POOL_ADDRESSES_MAX];

	return (a->fails > 0 && a->failed >= z->exploring) ||
	    a->measured >= z->exploring;
}
