/*
 * The choice: which connection takes a question, which address is connected
 * to next, and when there is no hope. It keeps each address's health and opens
 * connections; it never touches a question.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

static struct pool_conn *pick(struct pool *, const struct question *, bool);
static void open_elsewhere(struct pool *, uint64_t);
static bool open_next(struct pool *, uint32_t, bool, uint64_t);
static bool open_best(struct pool *, uint32_t, bool, bool, uint64_t);
static bool
is_better(const struct pool_address *, const struct pool_address *, bool);
static bool open_at(struct pool *, uint32_t, uint32_t, uint64_t);
static bool may_open(const struct pool_address *, uint64_t);
static struct pool_conn *free_conn(struct pool *);
static bool is_busy(const struct pool_conn *);
static void recheck_at(struct pool *, uint64_t);
static uint64_t first_back(const struct pool *, uint64_t);
static enum choice
hold_or_fail(struct pool *, const struct question *, uint64_t);

struct pool_conn *
choice_pick(struct pool *p, const struct question *q)
{
	struct pool_conn *best, *elsewhere;

	if ((best = pick(p, q, false)) == NULL)
		return NULL;
	if (p->address[best->upstream][best->address].doubted == 0)
		return best;
	elsewhere = pick(p, q, true);
	return elsewhere != NULL ? elsewhere : best;
}

enum choice
choice_provide(struct pool *p, const struct question *q, uint64_t now)
{
	const struct pool_conn *c;
	bool any = false, young = false;
	uint32_t i;

	for (i = 0; i < p->nconn; i++) {
		c = &p->conn[i];
		if (c->state == POOL_CONN_UP && !question_is_on(q, i))
			any = true; /* full, or doubted */
		if (c->state != POOL_CONN_OPENING)
			continue;
		any = true;
		if (!c->doomed && now - c->opened < POOL_STAGGER) {
			young = true;
			recheck_at(p, c->opened + POOL_STAGGER);
		}
	}
	if (young)
		return CHOICE_WAIT;
	if (open_next(p, p->nupstream, false, now))
		return CHOICE_WAIT;
	recheck_at(p, first_back(p, now));
	if (any)
		return CHOICE_WAIT;
	if (question_is_in_flight(q))
		return CHOICE_HOLD; /* a late answer may come yet */
	return hold_or_fail(p, q, now);
}

void
choice_follow(struct pool *p, const struct pool_conn *c, uint64_t now)
{
	const struct pool_conn *other;
	uint32_t i;

	if (p->address[c->upstream][c->address].doubted > 0)
		open_elsewhere(p, now);
	if (c->upstream == 0 && !is_busy(c))
		return;
	for (i = 0; i < p->nconn; i++) {
		other = &p->conn[i];
		if (other->state == POOL_CONN_OPENING &&
		    other->upstream <= c->upstream)
			return;
	}
	choice_tally(p);
	if (c->upstream > 0 && open_best(p, c->upstream, false, false, now))
		return;
	/* c was the least loaded: all the others are busy, too. */
	if (is_busy(c))
		(void)open_next(p, c->upstream + 1, true, now);
}

void
choice_address_failed(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now)
{
	struct pool_address *a = &p->address[upstream][address];
	uint64_t wait = POOL_BACKOFF_MIN;
	uint32_t i;

	/* The parent's limit of connections is not the upstream's fault. */
	for (i = 0; reason != REASON_NO_SOCKET && i < a->fails &&
	     wait < POOL_BACKOFF_MAX;
	     i++)
		wait *= 2;
	if (wait > POOL_BACKOFF_MAX)
		wait = POOL_BACKOFF_MAX;
	a->until = now + wait;
	a->failed = now;
	a->fails++;
	a->reason = reason;
	p->changed = true;
	p->ops.report(p->ctx, upstream, address, reason);
}

void
choice_address_well(struct pool *p, uint32_t upstream, uint32_t address)
{
	struct pool_address *a = &p->address[upstream][address];

	a->fails = 0;
	a->until = 0;
	a->reason = REASON_NONE;
}

void
choice_tally(struct pool *p)
{
	const struct pool_conn *c;
	struct pool_address *a;
	uint32_t u, i;

	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
			a->taking = a->opening = a->doubted = 0;
		}
	for (i = 0; i < p->nconn; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP && c->state != POOL_CONN_OPENING)
			continue;
		a = &p->address[c->upstream][c->address];
		if (c->state == POOL_CONN_OPENING)
			a->opening++;
		else if (c->doubted)
			a->doubted++;
		else
			a->taking++;
	}
}

enum reason
choice_reason(const struct pool *p, uint32_t *upstream)
{
	enum reason best = REASON_NONE;
	uint32_t u, i;

	*upstream = UINT32_MAX;
	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++)
			if (p->address[u][i].reason > best) {
				best = p->address[u][i].reason;
				*upstream = u;
			}
	return best;
}

/*
 * The least loaded of the most preferred upstream. sound: where no connection
 * of the same address is doubted, for the next one may well be no better.
 */
static struct pool_conn *
pick(struct pool *p, const struct question *q, bool sound)
{
	struct pool_conn *c, *best = NULL;
	uint32_t i;

	for (i = 0; i < p->nconn; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP || c->doubted || c->full ||
		    c->inflight >= c->window)
			continue;
		if (sound && p->address[c->upstream][c->address].doubted > 0)
			continue;
		if (best != NULL &&
		    (c->upstream > best->upstream ||
			(c->upstream == best->upstream &&
			    c->inflight >= best->inflight)))
			continue;
		if (question_is_on(q, i))
			continue;
		best = c;
	}
	return best;
}

/* Somewhere without doubt, unless that is under way. */
static void
open_elsewhere(struct pool *p, uint64_t now)
{
	const struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->nconn; i++) {
		c = &p->conn[i];
		if (c->state == POOL_CONN_OPENING &&
		    p->address[c->upstream][c->address].doubted == 0)
			return;
	}
	choice_tally(p);
	(void)open_best(p, p->nupstream, false, false, now);
}

/*
 * Opens a connection to the best address of the upstreams before the given
 * one; busy: of the last of these only, where the load is least. Where answers
 * are overdue comes last, be it the preferred upstream: a question that has
 * already waited must not wait there again. False: none may be opened.
 */
static bool
open_next(struct pool *p, uint32_t before, bool busy, uint64_t now)
{
	choice_tally(p);
	return open_best(p, before, busy, false, now) ||
	    open_best(p, before, busy, true, now);
}

static bool
open_best(
    struct pool *p, uint32_t before, bool busy, bool doubted, uint64_t now)
{
	const struct pool_address *a, *best;
	uint32_t u, i, at = 0;

	for (u = busy ? before - 1 : 0; u < before;) {
		best = NULL;
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
			if (!may_open(a, now) || (a->doubted > 0) != doubted)
				continue;
			if (best == NULL || is_better(a, best, busy)) {
				best = a;
				at = i;
			}
		}
		if (best == NULL) {
			u++;
			continue;
		}
		if (free_conn(p) == NULL)
			return false;
		if (open_at(p, u, at, now))
			return true;
		/* It is in back-off now: the next. */
	}
	return false;
}

/* Well before failed, less doubted before more, and then few connections
 * before many, or as the config has them. */
static bool
is_better(
    const struct pool_address *a, const struct pool_address *best, bool busy)
{
	if (a->doubted != best->doubted)
		return a->doubted < best->doubted;
	if ((a->fails == 0) != (best->fails == 0))
		return a->fails == 0;
	return busy && a->taking < best->taking;
}

static bool
may_open(const struct pool_address *a, uint64_t now)
{
	return a->until <= now && a->opening == 0 &&
	    a->taking < POOL_CONNS_ADDRESS && a->doubted < POOL_CONNS_ADDRESS;
}

static bool
open_at(struct pool *p, uint32_t upstream, uint32_t address, uint64_t now)
{
	struct pool_conn *c = free_conn(p);

	counter_inc(upstream_connects);
	if (!p->ops.open(p->ctx, pool_conn_index(p, c), upstream, address)) {
		counter_inc(upstream_failed);
		choice_address_failed(
		    p, upstream, address, REASON_NO_SOCKET, now);
		return false;
	}
	*c = (struct pool_conn){ .state = POOL_CONN_OPENING };
	c->upstream = upstream;
	c->address = address;
	c->opened = now;
	c->deadline = now + POOL_CONNECT;
	c->window = p->address[upstream][address].window;
	if (c->window == 0)
		c->window = POOL_CONN_FULL;
	TAILQ_INIT(&c->attempts);
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

static bool
is_busy(const struct pool_conn *c)
{
	return c->inflight > POOL_CONN_BUSY || c->inflight >= c->window;
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
	const struct pool_address *a;
	uint64_t best = UINT64_MAX;
	bool untried, passing;
	uint32_t u, i;

	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
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

/* When the first address comes out of its back-off. */
static uint64_t
first_back(const struct pool *p, uint64_t now)
{
	uint64_t first = UINT64_MAX, until;
	uint32_t u, i;

	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++) {
			until = p->address[u][i].until;
			if (until > now && until < first)
				first = until;
		}
	return first;
}
