/*
 * Which address is connected to, and when; and when there is no hope. It opens
 * connections only as choice_rank has the addresses, within the bounds of
 * each.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

/* What counts before the rank of an address, or behind it. */
enum first {
	ANY,
	FEWEST, /* behind: the fewest connections */
	ALONE, /* none that is being opened */
	UNTRIED /* before: the fewest that are being opened */
};

static void open_better(struct pool *, const struct question *,
    const struct pool_conn *, uint64_t, uint64_t);
static bool open_best(
    struct pool *, const struct question *, uint64_t, enum first, uint64_t);
static uint32_t usable(const struct pool *, const struct pool_zone *);
static void open_spare(struct pool *, uint32_t, uint64_t);
static bool open_at(struct pool *, uint32_t, uint32_t, uint64_t);
static bool is_sound(const struct pool_address *);
static bool may_open(const struct pool_address *, uint64_t);
static struct pool_conn *free_conn(struct pool *);
static bool is_busy(const struct pool_conn *);
static void recheck_at(struct pool *, uint64_t);
static uint64_t
first_back(const struct pool *, const struct conf_zone *, uint64_t);
static enum choice
hold_or_fail(struct pool *, const struct question *, uint64_t);

enum choice
open_provide(struct pool *p, const struct question *q, uint64_t now)
{
	const struct pool_zone *z = &p->zones[q->zone];
	const struct pool_conn *c;
	bool any = false, young = false, sound = false;
	size_t room = 0;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if ((c->state != POOL_CONN_UP &&
			c->state != POOL_CONN_OPENING) ||
		    z->order[c->upstream] == POOL_NOT_OF ||
		    !plain_suits(p, q, c->upstream, c->address))
			continue;
		if (c->state == POOL_CONN_UP) {
			if (!c->retired && !question_is_on(q, i))
				any = true; /* full, or doubted */
			continue;
		}
		any = true;
		if (!c->doomed && now - c->opened < POOL_STAGGER) {
			young = true;
			sound |= is_sound(&p->address[c->upstream][c->address]);
			room += c->window;
			recheck_at(p, c->opened + POOL_STAGGER);
		}
	}
	/* One is enough for all that wait, unless the upstream is known to end
	 * connections early. */
	if (young) {
		if (room < p->table.wanting)
			(void)open_best(p, q, CHOICE_NEVER, FEWEST, now);
		else if (!sound)
			(void)open_best(p, q, CHOICE_NEVER, ALONE, now);
		return CHOICE_WAIT;
	}
	if (open_best(p, q, CHOICE_NEVER, UNTRIED, now))
		return CHOICE_WAIT;
	recheck_at(p, first_back(p, &p->zone[q->zone], now));
	if (any)
		return CHOICE_WAIT;
	if (question_is_in_flight(q))
		return CHOICE_HOLD; /* a late answer may come yet */
	return hold_or_fail(p, q, now);
}

void
open_follow(struct pool *p, const struct question *q, const struct pool_conn *c,
    uint64_t now)
{
	uint64_t rank = choice_rank(p, q, c->upstream, c->address);

	if (plain_wants_socket(p, c) &&
	    may_open(&p->address[c->upstream][c->address], now) &&
	    free_conn(p) != NULL)
		(void)open_at(p, c->upstream, c->address, now);
	if (is_busy(c) || rank != 0)
		open_better(p, q, c, rank, now);
}

/* c, of this rank, is not the best there could be: opens that, unless it is
 * under way. */
static void
open_better(struct pool *p, const struct question *q, const struct pool_conn *c,
    uint64_t own, uint64_t now)
{
	const struct pool_conn *other;
	uint64_t rank;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		other = &p->conn[i];
		if (other->state != POOL_CONN_OPENING)
			continue;
		rank = choice_rank(p, q, other->upstream, other->address);
		if (rank <= (own | CHOICE_FAILED))
			return;
	}
	if (open_best(p, q, own & ~(uint64_t)CHOICE_FAILED, ANY, now))
		return;
	/* c was the least loaded: all the others are busy, too. */
	if (is_busy(c))
		(void)open_best(p, q, (own | CHOICE_FAILED) + 1, FEWEST, now);
}

bool
open_untried(struct pool *p, const struct question *q, uint64_t now)
{
	const struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_OPENING || c->doomed ||
		    choice_rank(p, q, c->upstream, c->address) >= CHOICE_TRIED)
			continue;
		recheck_at(p, c->opened + POOL_STAGGER);
		return now - c->opened < POOL_STAGGER;
	}
	return open_best(p, q, CHOICE_TRIED, ANY, now);
}

void
open_spares(struct pool *p, uint64_t now)
{
	struct pool_zone *z;
	uint32_t i;

	for (i = 0; i < p->nzone; i++) {
		z = &p->zones[i];
		if (plain_is_zone(p, i))
			continue;
		if (now - z->second >= 1000) {
			z->rate = now - z->second < 2000 ? z->asked : 0;
			z->asked = 0;
			z->second = now;
			p->uneven = true;
		}
		if (p->uneven && z->rate >= POOL_SPARE_RATE && usable(p, z) < 2)
			open_spare(p, i, now);
	}
	p->uneven = false;
}

void
open_probe(struct pool *p, uint32_t upstream, uint32_t address, uint64_t now)
{
	const struct pool_address *a = &p->address[upstream][address];

	if (a->doomed > 0 || a->opening >= POOL_OPENING || free_conn(p) == NULL)
		return;
	counter_inc(upstream_probes);
	(void)open_at(p, upstream, address, now);
}

bool
open_is_spare(const struct pool *p, const struct pool_conn *c)
{
	uint32_t i;

	if (c->doubted || c->plain)
		return false;
	for (i = 0; i < p->nzone; i++)
		if (p->zones[i].order[c->upstream] != POOL_NOT_OF &&
		    p->zones[i].rate >= POOL_SPARE_RATE &&
		    usable(p, &p->zones[i]) <= 2)
			return true;
	return false;
}

/* How many of its connections take questions, or soon will. */
static uint32_t
usable(const struct pool *p, const struct pool_zone *z)
{
	const struct pool_conn *c;
	uint32_t i, n = 0;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if ((c->state == POOL_CONN_UP && !c->doubted) ||
		    (c->state == POOL_CONN_OPENING && !c->doomed))
			n += z->order[c->upstream] != POOL_NOT_OF;
	}
	return n;
}

/* Rather where there is none yet: what is wrong with one address may be so
 * with all connections to it. */
static void
open_spare(struct pool *p, uint32_t zone, uint64_t now)
{
	const struct question any = { .zone = zone };
	const struct conf_zone *z = &p->zone[zone];
	const struct pool_address *a;
	uint64_t rank, least = CHOICE_NEVER;
	uint32_t k, u, i, upstream = 0, address = 0;

	for (k = 0; k < z->nupstream; k++) {
		u = z->upstream[k];
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
			if (!may_open(a, now) || a->suspect || a->opening > 0 ||
			    a->no_spare > now)
				continue;
			rank = (uint64_t)(a->fails > 0) << 33 |
			    (uint64_t)(a->taking > 0) << 32 |
			    choice_rank(p, &any, u, i);
			if (rank >= least)
				continue;
			least = rank;
			upstream = u;
			address = i;
		}
	}
	if (least != CHOICE_NEVER && free_conn(p) != NULL)
		(void)open_at(p, upstream, address, now);
}

/*
 * Opens a connection to the best address of those that rank below a bound.
 * False: none may be opened.
 */
static bool
open_best(struct pool *p, const struct question *q, uint64_t below,
    enum first first, uint64_t now)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	const struct pool_address *a;
	uint64_t rank, least;
	uint32_t k, u, i, upstream = 0, address = 0;

	for (;;) {
		least = CHOICE_NEVER;
		for (k = 0; k < zone->nupstream; k++) {
			u = zone->upstream[k];
			for (i = 0; i < p->upstream[u].naddress; i++) {
				a = &p->address[u][i];
				rank = choice_rank(p, q, u, i);
				if (!may_open(a, now) || rank >= below ||
				    (first == ALONE && a->opening > 0))
					continue;
				rank <<= 8;
				if (first == FEWEST)
					rank |= a->taking + a->opening;
				else if (first == UNTRIED)
					rank |= (uint64_t)a->opening << 48;
				if (rank >= least)
					continue;
				least = rank;
				upstream = u;
				address = i;
			}
		}
		if (least == CHOICE_NEVER || free_conn(p) == NULL)
			return false;
		if (open_at(p, upstream, address, now))
			return true;
		/* It is in back-off now: the next. */
	}
}

/* Where it is not, what is opened there is not waited for alone. */
static bool
is_sound(const struct pool_address *a)
{
	return !a->suspect && a->fails == 0 && a->doubted == 0;
}

/* Where all are in doubt one more at a time is what can tell. */
static bool
may_open(const struct pool_address *a, uint64_t now)
{
	bool alone = a->opening == 0 && a->taking == 0;

	return a->until <= now && a->doomed == 0 && a->opening < POOL_OPENING &&
	    a->taking < POOL_CONNS_ADDRESS &&
	    (a->doubted < POOL_CONNS_ADDRESS ||
		(alone && a->doubted < 2 * POOL_CONNS_ADDRESS));
}

static bool
open_at(struct pool *p, uint32_t upstream, uint32_t address, uint64_t now)
{
	struct pool_conn *c = free_conn(p);
	uint32_t n = pool_conn_index(p, c);

	counter_inc(upstream_connects);
	if (!p->ops.open(p->ctx, n, upstream, address)) {
		counter_inc(upstream_failed);
		health_failed(p, upstream, address, REASON_NO_SOCKET, now);
		return false;
	}
	*c = (struct pool_conn){ .state = POOL_CONN_OPENING };
	c->upstream = upstream;
	c->address = address;
	c->plain = p->upstream[upstream].nudp > 0;
	c->udp = plain_is_udp(p, upstream, address);
	c->opened = now;
	c->deadline = now + POOL_CONNECT;
	c->window = p->address[upstream][address].window;
	if (c->window == 0)
		c->window = POOL_CONN_FULL;
	TAILQ_INIT(&c->attempts);
	TAILQ_INIT(&c->late);
	if (n >= p->used)
		p->used = n + 1;
	pool_tally(p);
	recheck_at(p, now + POOL_STAGGER);
	return true;
}

static struct pool_conn *
free_conn(struct pool *p)
{
	uint32_t i;

	for (i = 0; i < p->nconn; i++)
		if (p->conn[i].state == POOL_CONN_FREE)
			return &p->conn[i];
	return NULL;
}

/* With one more question. */
static bool
is_busy(const struct pool_conn *c)
{
	return c->inflight - c->nlate >= POOL_CONN_BUSY ||
	    !pool_conn_has_room(c, 2);
}

static void
recheck_at(struct pool *p, uint64_t when)
{
	if (when < p->recheck)
		p->recheck = when;
}

/*
 * Every address is in back-off. A question waits for one that it has not yet
 * seen fail, or while it is young for one that may come back, but only
 * for a short time.
 */
static enum choice
hold_or_fail(struct pool *p, const struct question *q, uint64_t now)
{
	const struct conf_zone *zone = &p->zone[q->zone];
	const struct pool_address *a;
	uint64_t best = UINT64_MAX;
	bool untried, passing;
	uint32_t k, i;

	/* A cut answer is better now than a whole one perhaps. */
	if (q->over_tcp && q->saved != 0)
		return CHOICE_FAIL;
	for (k = 0; k < zone->nupstream; k++)
		for (i = 0; i < p->upstream[zone->upstream[k]].naddress; i++) {
			if (!plain_suits(p, q, zone->upstream[k], i))
				continue;
			a = &p->address[zone->upstream[k]][i];
			untried = a->failed < q->asked;
			passing = a->reason == REASON_NO_SOCKET ||
			    (!reason_is_certificate(a->reason) &&
				now - q->asked < POOL_PATIENCE);
			if ((untried || passing) && a->until < best)
				best = a->until;
		}
	if (best == UINT64_MAX || best > now + POOL_HOLD)
		return CHOICE_FAIL;
	return CHOICE_HOLD;
}

/* When the first address of the zone comes out of its back-off. */
static uint64_t
first_back(const struct pool *p, const struct conf_zone *zone, uint64_t now)
{
	uint64_t first = UINT64_MAX, until;
	uint32_t k, i;

	for (k = 0; k < zone->nupstream; k++)
		for (i = 0; i < p->upstream[zone->upstream[k]].naddress; i++) {
			until = p->address[zone->upstream[k]][i].until;
			if (until > now && until < first)
				first = until;
		}
	return first;
}
