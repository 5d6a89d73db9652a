/*
 * The pool and its config: what a new one makes of the connections and the
 * questions that there are.
 */
#include <stdlib.h>
#include <string.h>

#include "pool_state.h"

_Static_assert(CONF_ZONES_MAX <= 64, "a bit for each zone");

static void use_zones(struct pool *, const struct conf_zone *, uint32_t);
static void move_conn(struct pool *, struct pool_conn *,
    const struct pool_upstream *, uint32_t, uint64_t);
static void move_question(struct pool *, struct question *, uint64_t);

struct pool *
pool_new(const struct pool_ops *ops, void *ctx, const struct siphash_key *key,
    uint32_t conns)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->ops = *ops;
	p->ctx = ctx;
	p->nconn = conns < POOL_CONNS ? conns : POOL_CONNS;
	p->recheck = UINT64_MAX;
	if (!question_table_init(
		&p->table, POOL_QUESTIONS, POOL_WAITERS, key)) {
		free(p);
		return NULL;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	question_table_free(&p->table);
	free(p);
}

void
pool_configure(struct pool *p, const struct pool_upstream *upstream,
    uint32_t nupstream, const struct conf_zone *zone, uint32_t nzone,
    uint64_t now)
{
	struct pool_address old[CONF_UPSTREAMS_MAX][POOL_ADDRESSES_MAX];
	uint32_t u, i, wu, wa;
	size_t n;

	memcpy(old, p->address, sizeof(old));
	memset(p->address, 0, sizeof(p->address));
	for (u = 0; u < nupstream; u++)
		for (i = 0; i < upstream[u].naddress; i++) {
			wu = upstream[u].was_upstream[i];
			wa = upstream[u].was_address[i];
			if (wu < p->nupstream && wa < POOL_ADDRESSES_MAX)
				p->address[u][i] = old[wu][wa];
		}
	for (i = 0; i < p->nconn; i++)
		move_conn(p, &p->conn[i], upstream, nupstream, now);
	memcpy(p->upstream, upstream, nupstream * sizeof(*upstream));
	p->nupstream = nupstream;
	p->nsuspect = 0;
	for (u = 0; u < nupstream; u++)
		for (i = 0; i < upstream[u].naddress; i++)
			p->nsuspect += p->address[u][i].suspect;
	use_zones(p, zone, nzone);
	pool_tally(p);
	for (n = 0; n < p->table.fresh_question; n++)
		if (p->table.question[n].used)
			move_question(p, &p->table.question[n], now);
	p->changed = true;
}

void
pool_tally(struct pool *p)
{
	const struct pool_conn *c;
	struct pool_address *a;
	uint32_t u, i;

	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
			a->taking = a->opening = a->doomed = a->doubted = 0;
		}
	p->uneven = true;
	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP && c->state != POOL_CONN_OPENING)
			continue;
		a = &p->address[c->upstream][c->address];
		if (c->state == POOL_CONN_OPENING) {
			a->opening++;
			a->doomed += c->doomed;
		} else if (c->doubted)
			a->doubted++;
		else if (!c->retired)
			a->taking++;
	}
}

static void
use_zones(struct pool *p, const struct conf_zone *zone, uint32_t nzone)
{
	struct pool_zone *z;
	uint32_t i, k;

	memcpy(p->zone, zone, nzone * sizeof(*zone));
	p->nzone = nzone;
	for (i = 0; i < nzone; i++) {
		z = &p->zones[i];
		*z = (struct pool_zone){ .explore = UINT32_MAX };
		memset(z->order, POOL_NOT_OF, sizeof(z->order));
		for (k = 0; k < zone[i].nupstream; k++)
			z->order[zone[i].upstream[k]] = (uint8_t)k;
	}
}

/* What becomes of a connection under another config. */
static void
move_conn(struct pool *p, struct pool_conn *c,
    const struct pool_upstream *upstream, uint32_t nupstream, uint64_t now)
{
	uint32_t u, i;

	if (c->state == POOL_CONN_OPENING) {
		/* The parent knows the new indices only: ask again. */
		p->ops.close(p->ctx, pool_conn_index(p, c));
		c->state = POOL_CONN_FREE;
		return;
	}
	if (c->state != POOL_CONN_UP)
		return;
	for (u = 0; u < nupstream; u++)
		for (i = 0; i < upstream[u].naddress; i++)
			if (upstream[u].was_upstream[i] == c->upstream &&
			    upstream[u].was_address[i] == c->address) {
				c->upstream = u;
				c->address = i;
				return;
			}
	c->state = POOL_CONN_DRAINING;
	c->probing = false;
	c->deadline = now + POOL_DRAIN;
	p->changed = true;
}

/* Its zone may be another, and what it was asked of none of it. What drains
 * was right when it was asked there, and ends soon. */
static void
move_question(struct pool *p, struct question *q, uint64_t now)
{
	const struct pool_zone *z;
	const struct pool_conn *c;
	struct attempt *a;
	size_t i;

	/* Who asks from now on is not to get an answer of before, which the
	 * workers would keep. */
	q->apart = true;
	q->upstream = q->avoid = q->partner = UINT32_MAX;
	q->over_tcp = false;
	q->zone = zone_find(p->zone, p->nzone, q->dns.name, q->dns.name_len);
	choice_begin(p, q, now);
	z = &p->zones[q->zone];
	for (i = 0; i < QUESTION_TRIES && q->used; i++) {
		a = &q->attempt[i];
		if (!a->live)
			continue;
		c = &p->conn[a->conn];
		if (c->state != POOL_CONN_UP ||
		    z->order[c->upstream] != POOL_NOT_OF)
			continue;
		pool_attempt_end(p, a);
		pool_lost(p, q, REASON_NONE, UINT32_MAX, now);
	}
}
