/*
 * The clock of the pool: what is due now, and when something is due next.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

static void expire_waiters(struct pool *, uint64_t);
static void expire_attempts(struct pool *, uint64_t);
static void expire_conns(struct pool *, uint64_t);
static void end_conn(struct pool *, struct pool_conn *, enum reason, uint64_t);
static void retire(struct pool *, struct pool_conn *);
static void place_waiting(struct pool *, uint64_t);
static uint64_t conn_due(const struct pool_conn *);
static uint64_t next_due(const struct pool *);

uint64_t
pool_turn(struct pool *p, uint64_t now)
{
	int i;

	expire_waiters(p, now);
	expire_attempts(p, now);
	expire_conns(p, now);
	if (p->recheck <= now) {
		p->recheck = UINT64_MAX;
		p->changed = true;
	}
	/* What is placed may fail an address at once, which changes what
	 * there is to choose from; what then is left waits for a turn. */
	for (i = 0; i < 8 && p->changed; i++) {
		p->changed = false;
		place_waiting(p, now);
	}
	return p->changed ? now : next_due(p);
}

bool
pool_has_changed(const struct pool *p)
{
	return p->changed;
}

static void
expire_waiters(struct pool *p, uint64_t now)
{
	struct waiter *w;
	struct question *q;

	while ((w = TAILQ_FIRST(&p->table.waiters)) != NULL &&
	    now - w->asked >= POOL_DEADLINE) {
		q = w->question;
		pool_fail_waiter(p, w);
		if (TAILQ_EMPTY(&q->waiters))
			question_unwant(&p->table, q);
		question_release(&p->table, q);
	}
}

/*
 * An attempt that took too long stays where it is, for a late answer counts;
 * the question goes to another connection as well, and this one is doubted.
 */
static void
expire_attempts(struct pool *p, uint64_t now)
{
	struct attempt *a;
	struct question *q;

	while ((a = TAILQ_FIRST(&p->table.running)) != NULL &&
	    now - a->asked >= POOL_ATTEMPT) {
		q = a->question;
		counter_inc(upstream_overdue);
		if (!p->conn[a->conn].doubted) {
			p->conn[a->conn].doubted = true;
			pool_tally(p);
		}
		attempt_overdue(&p->table, a);
		q->lost = REASON_TIMED_OUT;
		if (!TAILQ_EMPTY(&q->waiters) && !q->wanting &&
		    q->tries < QUESTION_TRIES) {
			question_want(&p->table, q, true);
			p->changed = true;
		}
	}
	while ((a = TAILQ_FIRST(&p->table.overdue)) != NULL &&
	    now - a->asked >= POOL_FORGET) {
		q = a->question;
		pool_attempt_end(p, a);
		question_release(&p->table, q);
	}
}

static void
expire_conns(struct pool *p, uint64_t now)
{
	struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (conn_due(c) > now)
			continue;
		switch (c->state) {
		case POOL_CONN_UP:
		case POOL_CONN_DRAINING:
			if (c->inflight == 0) {
				retire(p, c);
				break;
			}
			/* FALLTHROUGH */
		case POOL_CONN_OPENING:
			end_conn(p, c, REASON_TIMED_OUT, now);
			break;
		default:
			break;
		}
	}
}

static void
end_conn(struct pool *p, struct pool_conn *c, enum reason reason, uint64_t now)
{
	uint32_t conn = pool_conn_index(p, c);

	p->ops.close(p->ctx, conn);
	pool_conn_ended(p, conn, reason, now);
}

static void
retire(struct pool *p, struct pool_conn *c)
{
	if (c->state == POOL_CONN_UP)
		counter_inc(upstream_idle);
	p->ops.close(p->ctx, pool_conn_index(p, c));
	pool_conn_free(p, c);
	p->changed = true; /* its place is free */
}

static void
place_waiting(struct pool *p, uint64_t now)
{
	struct question *q, *next;
	uint64_t stuck = 0; /* a bit for each zone */

	for (q = TAILQ_FIRST(&p->table.want); q != NULL; q = next) {
		next = TAILQ_NEXT(q, of_want);
		/* One that is in flight nowhere has to wait for a connection:
		 * so has any other like it. */
		if ((stuck >> q->zone & 1) != 0 && !question_is_in_flight(q))
			continue;
		if (pool_dispatch(p, q, now))
			stuck |= (uint64_t)1 << q->zone;
	}
}

/* When the connection must have changed its state. */
static uint64_t
conn_due(const struct pool_conn *c)
{
	switch (c->state) {
	case POOL_CONN_OPENING:
		return c->deadline;
	case POOL_CONN_DRAINING:
		return c->inflight == 0 ? 0 : c->deadline;
	case POOL_CONN_UP:
		if (c->inflight == 0)
			return c->quiet + POOL_IDLE;
		if (c->doubted)
			return c->quiet + POOL_SILENCE;
		return UINT64_MAX;
	default:
		return UINT64_MAX;
	}
}

static uint64_t
next_due(const struct pool *p)
{
	const struct waiter *w = TAILQ_FIRST(&p->table.waiters);
	const struct attempt *running = TAILQ_FIRST(&p->table.running);
	const struct attempt *overdue = TAILQ_FIRST(&p->table.overdue);
	uint64_t due = UINT64_MAX, t;
	uint32_t i;

	if (w != NULL)
		due = w->asked + POOL_DEADLINE;
	if (running != NULL && running->asked + POOL_ATTEMPT < due)
		due = running->asked + POOL_ATTEMPT;
	if (overdue != NULL && overdue->asked + POOL_FORGET < due)
		due = overdue->asked + POOL_FORGET;
	if (!TAILQ_EMPTY(&p->table.want) && p->recheck < due)
		due = p->recheck;
	for (i = 0; i < p->used; i++)
		if ((t = conn_due(&p->conn[i])) < due)
			due = t;
	return due;
}
