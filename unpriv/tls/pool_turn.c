/*
 * The clock of the pool: what is due now, and when something is due next.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

#define LOST_TURN 64 /* questions looked at in a turn */

static void expire_waiters(struct pool *, uint64_t);
static void expire_attempts(struct pool *, uint64_t);
static void
overdue(struct pool *, struct pool_conn *, struct attempt *, uint64_t);
static void end_rests(struct pool *, uint64_t);
static void spend_budget(struct pool *, uint64_t);
static bool ask_extra(struct pool *, struct question *, uint64_t);
static void ask_lost(struct pool *, struct questions *, uint64_t);
static void expire_conns(struct pool *, uint64_t);
static void note_proof(struct pool *, struct pool_conn *, uint64_t);
static uint64_t death_due(const struct pool *, const struct pool_conn *);
static void end_conn(struct pool *, struct pool_conn *, enum reason, uint64_t);
static void retire(struct pool *, struct pool_conn *, uint64_t);
static void place_waiting(struct pool *, uint64_t);
static uint64_t conn_due(const struct pool *, const struct pool_conn *);
static uint64_t silence(const struct pool *, const struct pool_conn *);
static uint64_t probe_due(const struct pool *, const struct pool_conn *);
static uint64_t next_due(struct pool *, uint64_t);
static uint64_t extra_due(struct pool *, const struct question *, uint64_t);
static uint64_t blame_due(const struct pool *, const struct pool_conn *);
static uint64_t sooner(uint64_t, uint64_t);
static uint64_t later_of(uint64_t, uint64_t);

uint64_t
pool_turn(struct pool *p, uint64_t now)
{
	int i;

	expire_waiters(p, now);
	expire_attempts(p, now);
	expire_conns(p, now);
	end_rests(p, now);
	spend_budget(p, now);
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
	open_spares(p, now);
	health_turn(p, now);
	return p->changed ? now : next_due(p, now);
}

void
pool_late(struct pool *p, uint64_t late, uint64_t now)
{
	if (late < POOL_LATE ||
	    (p->excused != 0 && now < p->excused + POOL_LATE_AGAIN))
		return;
	counter_inc(upstream_excused);
	p->excused = now + (late < POOL_LATE_MAX ? late : POOL_LATE_MAX);
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
			pool_unwant(p, q);
		question_release(&p->table, q);
	}
}

static void
expire_attempts(struct pool *p, uint64_t now)
{
	struct pool_conn *c;
	struct attempt *a;
	struct question *q;
	uint32_t i;

	if (now < p->excused)
		return;
	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP && c->state != POOL_CONN_DRAINING)
			continue;
		while ((a = TAILQ_FIRST(&c->attempts)) != NULL &&
		    now - a->asked >= pool_patience(p, c))
			overdue(p, c, a, now);
		probe_silence(p, c, now);
		if (probe_due(p, c) <= now) {
			c->probe_late = true;
			probe_lapse(p, c, c->probed, now);
		}
		while ((a = TAILQ_FIRST(&c->late)) != NULL &&
		    now - a->asked >= POOL_FORGET) {
			q = a->question;
			pool_attempt_end(p, a);
			question_release(&p->table, q);
		}
	}
}

/*
 * An attempt that took too long stays where it is, for a late answer counts;
 * the question is to be asked on another connection, too.
 */
static void
overdue(struct pool *p, struct pool_conn *c, struct attempt *a, uint64_t now)
{
	struct question *q = a->question;

	counter_inc(upstream_overdue);
	if (!pool_conn_has_room(c, 1))
		p->changed = true;
	a->overdue = true;
	TAILQ_REMOVE(&c->attempts, a, of_conn);
	TAILQ_INSERT_TAIL(&c->late, a, of_conn);
	c->nlate++;
	q->lost = REASON_TIMED_OUT;
	probe_lapse(p, c, a->asked, now);
	if (TAILQ_EMPTY(&q->waiters) || q->list != QUESTION_NONE ||
	    question_is_hoped_for(q))
		return;
	if (q->tries < QUESTION_TRIES)
		question_be_patient(&p->table, q);
	else
		question_rest(&p->table, q, now);
}

/* What is still in flight wherever it can be has nowhere to go. */
static void
end_rests(struct pool *p, uint64_t now)
{
	struct question *q;

	while ((q = question_rested(&p->table, now)) != NULL) {
		question_unwant(&p->table, q);
		if (question_is_everywhere(q))
			question_rest(&p->table, q, now);
		else
			question_be_patient(&p->table, q);
	}
}

/* As many are asked again as there is budget for. */
static void
spend_budget(struct pool *p, uint64_t now)
{
	struct question *q;

	ask_lost(p, &p->table.patient, now);
	ask_lost(p, &p->table.last, now);
	while ((q = TAILQ_FIRST(&p->table.patient)) != NULL)
		if (budget_is_last(&p->budget, q->domain, now))
			question_be_last(&p->table, q);
		else if (!ask_extra(p, q, now))
			return;
	while ((q = TAILQ_FIRST(&p->table.last)) != NULL)
		if (!ask_extra(p, q, now))
			return;
}

/* False: there is no budget for it. */
static bool
ask_extra(struct pool *p, struct question *q, uint64_t now)
{
	if (!budget_take(&p->budget, q->domain, now)) {
		if (!q->withheld)
			counter_inc(upstream_withheld);
		q->withheld = true;
		probe_prove(p, q, now);
		return false;
	}
	question_want(&p->table, q, true);
	q->extra = true;
	if (q->extras < UINT8_MAX)
		q->extras++;
	p->changed = true;
	return true;
}

/* A lost datagram cost the upstream nothing: what takes its place is not an
 * extra. Those that have waited longest are looked at. */
static void
ask_lost(struct pool *p, struct questions *waiting, uint64_t now)
{
	struct question *q, *next;
	int n = 0;

	for (q = TAILQ_FIRST(waiting); q != NULL && n < LOST_TURN;
	     q = next, n++) {
		next = TAILQ_NEXT(q, of_want);
		if (!plain_is_lost(p, q, now))
			continue;
		counter_inc(upstream_lost);
		question_want(&p->table, q, true);
		q->extra = false;
		p->changed = true;
	}
}

static void
expire_conns(struct pool *p, uint64_t now)
{
	struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		note_proof(p, c, now);
		if (death_due(p, c) <= now) {
			end_conn(p, c, plain_blame(p, c), now);
			continue;
		}
		if (c->state == POOL_CONN_UP && c->udp)
			plain_age(p, c, now);
		if (conn_due(p, c) > now)
			continue;
		switch (c->state) {
		case POOL_CONN_UP:
		case POOL_CONN_DRAINING:
			if (c->inflight == 0 && !c->probing) {
				retire(p, c, now);
				break;
			}
			/* FALLTHROUGH */
		case POOL_CONN_OPENING:
			end_conn(p, c, plain_blame(p, c), now);
			break;
		default:
			break;
		}
	}
}

/* A machine that was held up as a whole answers on one connection first. */
static void
note_proof(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (probe_dead(p, c) == UINT64_MAX)
		c->proven = 0;
	else if (c->proven == 0)
		c->proven = now;
}

static uint64_t
death_due(const struct pool *p, const struct pool_conn *c)
{
	uint64_t due = probe_dead(p, c);

	if (due == UINT64_MAX)
		return due;
	if (due < c->proven + POOL_MISSED)
		due = c->proven + POOL_MISSED;
	return due > p->excused ? due : p->excused;
}

static void
end_conn(struct pool *p, struct pool_conn *c, enum reason reason, uint64_t now)
{
	uint32_t conn = pool_conn_index(p, c);

	p->ops.close(p->ctx, conn);
	pool_conn_ended(p, conn, reason, now);
}

/* What is idle ends before the upstream ends it; a spare is kept alive. */
static void
retire(struct pool *p, struct pool_conn *c, uint64_t now)
{
	if (c->state == POOL_CONN_UP && open_is_spare(p, c)) {
		probe_begin(p, c, now);
		if (c->probing)
			return;
	}
	if (c->state == POOL_CONN_UP && !c->retired)
		counter_inc(upstream_idle);
	p->ops.close(p->ctx, pool_conn_index(p, c));
	pool_conn_free(p, c);
	p->changed = true; /* its place is free */
}

static void
place_waiting(struct pool *p, uint64_t now)
{
	struct question *q, *next;
	bool over;
	uint64_t stuck[2] = { 0, 0 }; /* a bit for each zone; over TCP */

	for (q = TAILQ_FIRST(&p->table.want); q != NULL; q = next) {
		next = TAILQ_NEXT(q, of_want);
		/* One that is in flight nowhere has to wait for a connection:
		 * so has any other like it. */
		over = q->over_tcp;
		if ((stuck[over] >> q->zone & 1) != 0 &&
		    !question_is_in_flight(q))
			continue;
		if (pool_dispatch(p, q, now))
			stuck[over] |= (uint64_t)1 << q->zone;
	}
}

/* When the connection must have changed its state. */
static uint64_t
conn_due(const struct pool *p, const struct pool_conn *c)
{
	switch (c->state) {
	case POOL_CONN_OPENING:
		return c->deadline;
	case POOL_CONN_DRAINING:
		return c->inflight == 0 ? 0 : c->deadline;
	case POOL_CONN_UP:
		if (c->retired)
			return c->inflight == 0 ? 0 : c->deadline;
		if (c->inflight == 0 && !c->probing)
			return c->quiet + POOL_IDLE;
		if (c->doubted)
			return later_of(c->quiet, c->lapsed_asked) +
			    silence(p, c);
		return UINT64_MAX;
	default:
		return UINT64_MAX;
	}
}

/* How long a doubted one may be silent. Several are not to keep the address
 * from having others. */
static uint64_t
silence(const struct pool *p, const struct pool_conn *c)
{
	return p->address[c->upstream][c->address].doubted > 1 ? POOL_SILENCES
							       : POOL_SILENCE;
}

/* When a probe that is under way is late. */
static uint64_t
probe_due(const struct pool *p, const struct pool_conn *c)
{
	if (!c->probing || c->probe_late)
		return UINT64_MAX;
	return c->probed + pool_patience(p, c);
}

static uint64_t
next_due(struct pool *p, uint64_t now)
{
	const struct waiter *w = TAILQ_FIRST(&p->table.waiters);
	const struct pool_conn *c;
	uint64_t due = health_due(p, now);
	uint32_t i;

	if (w != NULL)
		due = sooner(due, w->asked + POOL_DEADLINE);
	if (!TAILQ_EMPTY(&p->table.want))
		due = sooner(due, p->recheck);
	due = sooner(due, extra_due(p, TAILQ_FIRST(&p->table.patient), now));
	due = sooner(due, extra_due(p, TAILQ_FIRST(&p->table.last), now));
	due = sooner(due, question_rest_due(&p->table));
	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		due = sooner(due, conn_due(p, c));
		due = sooner(due, death_due(p, c));
		if (c->udp && c->state == POOL_CONN_UP)
			due = sooner(due, c->deadline);
		if (c->state == POOL_CONN_UP || c->state == POOL_CONN_DRAINING)
			due = sooner(due, blame_due(p, c));
	}
	return due;
}

/* When there will be budget for it; NULL: nobody waits for that. */
static uint64_t
extra_due(struct pool *p, const struct question *q, uint64_t now)
{
	return q == NULL ? UINT64_MAX : budget_next(&p->budget, q->domain, now);
}

/* When something on it is overdue. */
static uint64_t
blame_due(const struct pool *p, const struct pool_conn *c)
{
	uint64_t due = sooner(probe_due(p, c), probe_silence_due(p, c));
	const struct attempt *a;

	if ((a = TAILQ_FIRST(&c->attempts)) != NULL)
		due = sooner(due, a->asked + pool_patience(p, c));
	if ((a = TAILQ_FIRST(&c->late)) != NULL)
		due = sooner(due, a->asked + POOL_FORGET);
	return due > p->excused ? due : p->excused;
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
later_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
