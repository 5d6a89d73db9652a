/*
 * The events of the pool but for messages, and what becomes of a question: it
 * must end in an answer or a failure, whatever becomes of connections.
 */
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"

#include "pool_state.h"

static struct question *
join(struct pool *, uint32_t, const struct dns_question *, uint8_t, uint64_t);
static bool
write_to(struct pool *, struct pool_conn *, struct question *, uint64_t);
static void race(struct pool *, struct question *, uint64_t);
static void free_slot(struct pool *, struct question *);
static bool was_so_before(const struct pool *, const struct pool_conn *);
static void narrow(struct pool_address *, uint32_t);

void
pool_ask(struct pool *p, uint32_t worker, uint64_t id,
    const struct dns_question *question, uint8_t ask, uint64_t now)
{
	struct question *q;

	q = join(p, worker, question, ask, now);
	if (q == NULL || waiter_add(&p->table, q, worker, id, now) == NULL) {
		if (q != NULL)
			question_release(&p->table, q);
		counter_inc(upstream_shed);
		p->ops.fail(
		    p->ctx, worker, id, DNS_EDE_OTHER, "too many in flight");
		return;
	}
	if (TAILQ_NEXT(TAILQ_FIRST(&q->waiters), of_question) != NULL) {
		counter_inc(upstream_shared);
		return;
	}
	question_want(&p->table, q, false);
	(void)pool_dispatch(p, q, now);
}

void
pool_forget(struct pool *p, uint32_t worker)
{
	struct waiter *w, *next;
	struct question *q;

	for (w = TAILQ_FIRST(&p->table.waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, of_time);
		if (w->worker != worker)
			continue;
		q = w->question;
		waiter_remove(&p->table, w);
		if (TAILQ_EMPTY(&q->waiters))
			pool_unwant(p, q);
		question_release(&p->table, q);
	}
}

size_t
pool_waiting(const struct pool *p)
{
	return p->table.waiting;
}

void
pool_conn_connected(struct pool *p, uint32_t conn, uint64_t now)
{
	p->conn[conn].deadline = now + POOL_HANDSHAKE;
}

void
pool_conn_doomed(struct pool *p, uint32_t conn, uint64_t now)
{
	p->conn[conn].doomed = true;
	p->conn[conn].deadline = now + POOL_CONNECT;
	pool_tally(p);
	p->changed = true;
}

void
pool_conn_up(struct pool *p, uint32_t conn, uint64_t now)
{
	struct pool_conn *c = &p->conn[conn];

	if (c->state != POOL_CONN_OPENING || c->doomed)
		return;
	c->state = POOL_CONN_UP;
	c->quiet = now;
	pool_tally(p);
	counter_inc(upstream_connected);
	p->changed = true;
	/* That there is a socket says nothing of who would read it. */
	if (c->udp)
		c->deadline = now + POOL_UDP_AGE / 2 +
		    p->ops.random(p->ctx) % (POOL_UDP_AGE / 2);
	else
		p->ops.report(p->ctx, c->upstream, c->address, REASON_NONE);
	if (p->address[c->upstream][c->address].suspect)
		probe_begin(p, c, now);
}

void
pool_conn_room(struct pool *p, uint32_t conn)
{
	if (p->conn[conn].full)
		p->changed = true;
	p->conn[conn].full = false;
}

void
pool_conn_ended(struct pool *p, uint32_t conn, enum reason reason, uint64_t now)
{
	struct pool_conn *c = &p->conn[conn];
	enum pool_conn_state state = c->state;
	bool gave_nothing = c->delivered == 0 && c->inflight > 0;
	struct pool_address *at;
	struct attempt *a;
	struct question *q;

	if (state == POOL_CONN_FREE)
		return;
	/* Nothing may be asked on it again: first it is no more. */
	pool_conn_free(p, c);
	p->changed = true;
	if (state == POOL_CONN_OPENING) {
		if (reason_is_certificate(reason))
			counter_inc(upstream_refused);
		else
			counter_inc(upstream_failed);
	} else
		counter_inc(upstream_closed);
	if (reason == REASON_NONE)
		; /* it is not to blame */
	else if (state == POOL_CONN_OPENING ||
	    (state == POOL_CONN_UP && gave_nothing && was_so_before(p, c)))
		health_failed(p, c->upstream, c->address, reason, now);
	else if (state == POOL_CONN_UP &&
	    (c->inflight > 0 || reason == REASON_TIMED_OUT))
		health_lost(p, c->upstream, c->address, reason, now);
	if (state == POOL_CONN_UP && reason != REASON_NONE) {
		at = &p->address[c->upstream][c->address];
		if (c->inflight > 0 && !c->udp)
			narrow(at, c->delivered);
		else if (c->delivered == 0)
			at->no_spare = now + POOL_SPARE_AGAIN;
	}
	/* The youngest first, each to the head of those who want: so the
	 * oldest is the first to be asked again. */
	while ((a = TAILQ_LAST(&c->attempts, attempts)) != NULL ||
	    (a = TAILQ_LAST(&c->late, attempts)) != NULL) {
		q = a->question;
		pool_attempt_end(p, a);
		/* That it was dead says nothing of the question, whereas one
		 * that it was ended for would end them all. */
		if (reason == REASON_TIMED_OUT && q->tries > 1)
			q->tries--;
		pool_lost(p, q, reason,
		    state == POOL_CONN_DRAINING ? UINT32_MAX : c->upstream,
		    now);
	}
}

/* Once may be chance: it was closed as idle just then. */
static bool
was_so_before(const struct pool *p, const struct pool_conn *c)
{
	return p->address[c->upstream][c->address].fails + 1 >= POOL_SUSPECT;
}

/* One that took questions with it may have been an accident: then one answer
 * on each is still enough for all. The second in a row is taken at its word. */
static void
narrow(struct pool_address *a, uint32_t delivered)
{
	uint32_t least = a->window == 0 ? QUESTION_TRIES : 1;

	a->window = delivered > least ? delivered : least;
}

uint32_t
pool_conn_index(const struct pool *p, const struct pool_conn *c)
{
	return (uint32_t)(c - p->conn);
}

bool
pool_conn_has_room(const struct pool_conn *c, uint32_t more)
{
	return c->inflight + more <= POOL_CONN_FULL &&
	    c->inflight - c->nlate + more <= c->window;
}

void
pool_conn_free(struct pool *p, struct pool_conn *c)
{
	c->state = POOL_CONN_FREE;
	while (p->used > 0 && p->conn[p->used - 1].state == POOL_CONN_FREE)
		p->used--;
	pool_tally(p);
}

uint64_t
pool_patience(const struct pool *p, const struct pool_conn *c)
{
	if (c->state != POOL_CONN_UP)
		return PATIENCE_MAX;
	return patience_ms(&p->address[c->upstream][c->address].patience);
}

bool
pool_dispatch(struct pool *p, struct question *q, uint64_t now)
{
	struct pool_conn *c;

	plain_last(p, q);
	while ((c = choice_pick(p, q)) != NULL) {
		if (q->again &&
		    choice_was_tried(p, q, c->upstream, c->address) &&
		    open_untried(p, q, now))
			return false;
		if (!write_to(p, c, q, now)) {
			c->full = true;
			continue;
		}
		question_unwant(&p->table, q);
		if (p->zone[q->zone].policy == CONF_RACE && q->tries == 1)
			race(p, q, now);
		return false;
	}
	switch (open_provide(p, q, now)) {
	case CHOICE_FAIL:
		pool_fail(p, q);
		return false;
	case CHOICE_HOLD:
		return false;
	default:
		return !question_is_in_flight(q);
	}
}

void
pool_attempt_end(struct pool *p, struct attempt *a)
{
	struct pool_conn *c = &p->conn[a->conn];

	if (a->overdue) {
		TAILQ_REMOVE(&c->late, a, of_conn);
		c->nlate--;
	} else
		TAILQ_REMOVE(&c->attempts, a, of_conn);
	c->inflight--;
	attempt_end(a);
}

void
pool_unwant(struct pool *p, struct question *q)
{
	if (q->extra && q->list == QUESTION_WANT) {
		budget_return(&p->budget, q->domain);
		q->extras--;
	}
	q->extra = false;
	question_unwant(&p->table, q);
}

void
pool_lost(struct pool *p, struct question *q, enum reason reason,
    uint32_t upstream, uint64_t now)
{
	q->lost = reason;
	q->upstream = upstream;
	if (TAILQ_EMPTY(&q->waiters)) {
		question_release(&p->table, q);
		return;
	}
	if (q->list == QUESTION_WANT || question_is_hoped_for(q))
		return;
	if (q->tries < QUESTION_TRIES) {
		/* It costs the upstream nothing that it has not had. */
		q->extra = false;
		question_want(&p->table, q, true);
	} else if (q->saved != 0 && !question_is_in_flight(q))
		pool_fail(p, q); /* with that answer */
	else if (q->list == QUESTION_NONE)
		question_rest(&p->table, q, now);
}

void
pool_fail(struct pool *p, struct question *q)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&q->waiters)) != NULL)
		pool_fail_waiter(p, w);
	pool_unwant(p, q);
	question_release(&p->table, q);
}

/* Of a question that was asked it tells what became of that; of one that
 * could not even be asked, what is wrong with the upstreams. */
void
pool_fail_waiter(struct pool *p, struct waiter *w)
{
	struct question *q = w->question;
	char text[DNS_NAME_MAX];
	uint16_t ede = DNS_EDE_NETWORK_ERROR;
	enum reason reason = q->lost;
	uint32_t u = q->upstream;
	const uint8_t *saved;
	size_t len;

	if ((saved = question_saved(&p->table, q, &len)) != NULL) {
		p->ops.answer(p->ctx, w->worker, w->id, saved, len);
		waiter_remove(&p->table, w);
		return;
	}
	if (q->tries == 0) {
		ede = DNS_EDE_NO_REACHABLE;
		reason = choice_reason(p, q, &u);
	}
	if (reason == REASON_NONE)
		reason = REASON_TIMED_OUT;
	if (u < p->nupstream)
		(void)snprintf(text, sizeof(text), "upstream %s: %s",
		    p->upstream[u].name, reason_text(reason));
	else
		(void)snprintf(
		    text, sizeof(text), "upstream: %s", reason_text(reason));
	p->ops.fail(p->ctx, w->worker, w->id, ede, text);
	waiter_remove(&p->table, w);
}

/* The question in the table, new or not; NULL: the table is full. */
static struct question *
join(struct pool *p, uint32_t worker, const struct dns_question *question,
    uint8_t ask, uint64_t now)
{
	struct dns_question folded = *question;
	struct question *q;

	dns_question_fold(&folded);
	if ((q = question_find(&p->table, &folded, ask)) == NULL) {
		q = question_add(&p->table, &folded, ask, worker, now);
		if (q == NULL)
			return NULL;
		q->zone =
		    zone_find(p->zone, p->nzone, folded.name, folded.name_len);
		q->domain =
		    budget_domain(&p->table.key, folded.name, folded.name_len);
	} else if (!TAILQ_EMPTY(&q->waiters))
		return q;
	/* It may be in flight, but for nobody: it begins anew. */
	q->asked = now;
	q->tries = q->extras = 0;
	q->lost = REASON_NONE;
	q->extra = q->withheld = q->again = false;
	q->avoid = q->partner = UINT32_MAX;
	q->over_tcp = false;
	question_unsave(&p->table, q);
	p->zones[q->zone].asked++;
	p->asked = now;
	budget_earn(&p->budget);
	choice_begin(p, q, now);
	return q;
}

static bool
write_to(struct pool *p, struct pool_conn *c, struct question *q, uint64_t now)
{
	uint32_t conn = pool_conn_index(p, c);
	uint64_t letters = c->udp ? plain_letters(p) : 0;
	struct dns_question dns = q->dns;
	struct attempt *a;
	uint16_t id;

	open_follow(p, q, c, now);
	plain_mix(&dns, letters);
	if (!pool_unused_id(p, c, &id) ||
	    !p->ops.write(p->ctx, conn, id, &dns, q->ask))
		return false;
	free_slot(p, q);
	a = attempt_begin(&p->table, q, conn, id, now);
	a->letters = letters;
	TAILQ_INSERT_TAIL(&c->attempts, a, of_conn);
	if (c->inflight++ == 0)
		c->quiet = now;
	plain_asked(p, c, now);
	q->upstream = c->upstream;
	choice_asked(p, q, c);
	counter_inc(upstream_queries);
	if (q->tries++ > 0)
		counter_inc(upstream_retried);
	if (q->extra)
		counter_inc(upstream_hedged);
	q->extra = false;
	return true;
}

/* The same to the second in the order, at once. */
static void
race(struct pool *p, struct question *q, uint64_t now)
{
	struct pool_conn *c = choice_pick(p, q);

	if (c == NULL || choice_was_tried(p, q, c->upstream, c->address))
		(void)open_untried(p, q, now);
	else if (write_to(p, c, q, now))
		counter_inc(upstream_raced);
}

/* With at most 4096 of 65536 taken, 64 draws do not fail in practice. */
bool
pool_unused_id(struct pool *p, struct pool_conn *c, uint16_t *id)
{
	uint32_t conn = pool_conn_index(p, c);
	int i;

	for (i = 0; i < 64; i++) {
		*id = p->ops.random(p->ctx);
		if (!(c->probing && *id == c->probe_id) &&
		    attempt_find(&p->table, conn, *id) == NULL)
			return true;
	}
	return false;
}

/* A question that came back finds its places held by attempts of before. */
static void
free_slot(struct pool *p, struct question *q)
{
	struct attempt *oldest = NULL;
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++) {
		if (!q->attempt[i].live)
			return;
		if (oldest == NULL || q->attempt[i].asked < oldest->asked)
			oldest = &q->attempt[i];
	}
	pool_attempt_end(p, oldest);
}
