/*
 * Whether a connection is alive: told from the silence on it, from what others
 * answer meanwhile, and by a question of our own. A slow answer is no silence,
 * and silence everywhere is no proof against one.
 */
#include "dotproxy/counter.h"
#include "unpriv/dns/query.h"

#include "pool_state.h"

/* Any resolver has it at hand (RFC 8109). */
static const struct dns_question root_ns = {
	.name_len = 1, .type = DNS_TYPE_NS, .class = DNS_CLASS_IN
};

static void lapse(struct pool *, struct pool_conn *, uint64_t, uint64_t);

void
probe_begin(struct pool *p, struct pool_conn *c, uint64_t now)
{
	const struct attempt *a;

	if (c->probing || c->full || !pool_unused_id(p, c, &c->probe_id))
		return;
	/* A client's own does as well. */
	TAILQ_FOREACH(a, &c->attempts, of_conn)
		if (probe_is_like(a->question))
			return;
	TAILQ_FOREACH(a, &c->late, of_conn)
		if (probe_is_like(a->question))
			return;
	if (!p->ops.write(p->ctx, pool_conn_index(p, c), c->probe_id, &root_ns,
		DNS_ASK_RD))
		return;
	counter_inc(upstream_probes);
	c->probing = true;
	c->probe_late = false;
	c->probed = now;
	if (c->inflight == 0)
		c->quiet = now;
}

bool
probe_is_answered(
    const struct pool_conn *c, uint16_t id, const struct dns_question *q)
{
	return c->probing && c->probe_id == id &&
	    dns_question_equal(&root_ns, q);
}

bool
probe_is_like(const struct question *q)
{
	return q->dns.name_len == 1 && q->dns.type == DNS_TYPE_NS;
}

void
probe_prove(struct pool *p, const struct question *q, uint64_t now)
{
	const struct pool_conn *c;
	struct pool_conn *other;
	bool unproven = false;
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++) {
		if (!q->attempt[i].live)
			continue;
		c = &p->conn[q->attempt[i].conn];
		unproven |= c->state == POOL_CONN_UP && c->doubted &&
		    p->proof <= c->lapsed_asked;
	}
	/* What is in flight there will tell, too. */
	if (unproven && (other = choice_pick(p, q)) != NULL &&
	    other->inflight == 0)
		probe_begin(p, other, now);
}

void
probe_lapse(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now)
{
	if (c->state == POOL_CONN_UP && c->heard <= asked)
		lapse(p, c, asked, now);
}

static void
lapse(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now)
{
	if (c->lapsed++ == 0) {
		c->lapsed_asked = asked;
		c->missed = 0;
	}
	if (c->doubted)
		return;
	c->doubted = true;
	pool_tally(p);
	p->changed = true;
	probe_begin(p, c, now);
}

/* Of slow answers it says nothing that others come meanwhile. */
uint64_t
probe_silence_due(const struct pool *p, const struct pool_conn *c)
{
	const struct attempt *a = TAILQ_LAST(&c->late, attempts);

	if (c->state != POOL_CONN_UP || c->doubted || a == NULL ||
	    a->asked < c->proof)
		return UINT64_MAX;
	return c->quiet + pool_patience(p, c);
}

void
probe_silence(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (probe_silence_due(p, c) <= now)
		lapse(p, c, c->quiet, now);
}

void
probe_heard(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now)
{
	if (asked > c->proof)
		c->proof = asked;
	if (asked > p->proof)
		p->proof = asked;
	c->quiet = c->heard = now;
	c->lapsed = 0;
	if (!c->doubted)
		return;
	c->doubted = false;
	pool_tally(p);
	p->changed = true;
}

void
probe_missed(struct pool *p, const struct question *q, uint64_t now)
{
	const struct attempt *a;
	struct pool_conn *c;
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++) {
		a = &q->attempt[i];
		if (!a->live || !a->overdue)
			continue;
		c = &p->conn[a->conn];
		if (c->doubted && c->proof <= a->asked && c->missed == 0)
			c->missed = now;
	}
}

uint64_t
probe_dead(const struct pool *p, const struct pool_conn *c)
{
	if (c->state != POOL_CONN_UP || !c->doubted || c->lapsed < 2)
		return UINT64_MAX;
	/* What keeps it waiting is no slow name, then. */
	if (c->missed != 0)
		return c->missed + POOL_MISSED;
	if (p->proof <= c->lapsed_asked)
		return UINT64_MAX;
	return c->probing ? c->probed + pool_patience(p, c) : 0;
}
