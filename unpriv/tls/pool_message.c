/*
 * What upstreams say. Of all that only an answer on the connection that was
 * asked, with that ID and that question, counts.
 */
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/answer.h"

#include "again.h"
#include "padding.h"
#include "pool_state.h"

static void
take_answer(struct pool *, struct pool_conn *, struct attempt *, uint64_t);
static bool
once_more(struct pool *, struct question *, uint32_t, const uint8_t *, size_t);
static void
answer_all(struct pool *, struct question *, const uint8_t *, size_t, bool);
static void delivered(struct pool *, struct pool_conn *, uint64_t, uint64_t);
static bool is_recased(const struct attempt *, const struct dns_answer *);
static bool bad_message(struct pool *, uint32_t, uint64_t);

bool
pool_conn_message(
    struct pool *p, uint32_t conn, uint8_t *msg, size_t len, uint64_t now)
{
	struct pool_conn *c = &p->conn[conn];
	struct dns_answer answer;
	struct attempt *a;
	struct question *q;
	bool recased, cut, failed;
	uint32_t from = UINT32_MAX;

	if (c->state != POOL_CONN_UP && c->state != POOL_CONN_DRAINING)
		return true;
	if (!dns_answer_read(&answer, msg, len)) {
		counter_inc(upstream_malformed);
		return bad_message(p, conn, now);
	}
	if (probe_is_answered(c, answer.id, &answer.question)) {
		c->probing = false;
		delivered(p, c, c->probed, now);
		return true;
	}
	if ((a = attempt_find(&p->table, conn, answer.id)) == NULL) {
		counter_inc(upstream_unasked);
		return bad_message(p, conn, now);
	}
	q = a->question;
	if (!dns_question_equal(&q->dns, &answer.question)) {
		counter_inc(upstream_mismatched);
		return bad_message(p, conn, now);
	}
	recased = c->udp && is_recased(a, &answer);
	cut = recased || (c->udp && (answer.flags & DNS_TC) != 0);
	if (cut && !recased)
		counter_inc(upstream_truncated);
	if (c->state == POOL_CONN_UP)
		from = CHOICE_ADDRESS(c->upstream, c->address);
	take_answer(p, c, a, now);
	probe_missed(p, q, now);
	len = padding_strip(msg, len, &answer);
	/* RFC 6840 5.8: whoever is on the way may have set it. */
	if (c->plain)
		dns_answer_plain(msg, &answer);
	if (cut) {
		if (!plain_over_tcp(p, q, c, recased ? NULL : msg, len))
			question_release(&p->table, q);
		return true;
	}
	failed = again_is_worth(&answer);
	if (failed && once_more(p, q, from, msg, len))
		return true;
	if (failed && q->again)
		pool_fail(p, q); /* with the first of the two */
	else
		answer_all(p, q, msg, len, failed);
	return true;
}

/* It is not in the letters that were asked: forged, or of an upstream that does
 * not keep them. As one that was cut to fit a datagram, it is worth no more
 * than asking over TCP, which tells; unlike that, it is never told. */
static bool
is_recased(const struct attempt *a, const struct dns_answer *answer)
{
	struct dns_question asked = a->question->dns;

	plain_mix(&asked, a->letters);
	if (memcmp(asked.name, answer->question.name, asked.name_len) == 0)
		return false;
	counter_inc(upstream_recased);
	return true;
}

/* False: this is the answer, or the one before it is. */
static bool
once_more(struct pool *p, struct question *q, uint32_t from, const uint8_t *msg,
    size_t len)
{
	bool hoped = question_is_hoped_for(q);

	if (TAILQ_EMPTY(&q->waiters))
		return false;
	if (q->again)
		return hoped;
	if ((!hoped && q->tries >= QUESTION_TRIES) ||
	    !question_save(&p->table, q, msg, len))
		return false;
	q->again = true;
	q->avoid = from;
	if (hoped)
		return true;
	counter_inc(upstream_again);
	pool_unwant(p, q);
	question_want(&p->table, q, true);
	p->changed = true;
	return true;
}

static void
answer_all(struct pool *p, struct question *q, const uint8_t *msg, size_t len,
    bool failed)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&q->waiters)) != NULL) {
		p->ops.answer(p->ctx, w->worker, w->id, msg, len);
		waiter_remove(&p->table, w);
	}
	pool_unwant(p, q);
	if (!failed) {
		budget_answered(&p->budget, q->domain, q->extras);
		q->extras = 0;
	}
	question_release(&p->table, q);
}

/* The question was answered there, whatever is made of that. */
static void
take_answer(
    struct pool *p, struct pool_conn *c, struct attempt *a, uint64_t now)
{
	struct pool_address *at;
	uint64_t asked = a->asked;

	counter_inc(upstream_answers);
	if (c->state == POOL_CONN_UP) {
		at = &p->address[c->upstream][c->address];
		patience_add(&at->patience, now - a->asked);
		choice_measure(at, now - a->asked, now);
		if (a->asked > at->proof)
			at->proof = a->asked;
	}
	pool_attempt_end(p, a);
	delivered(p, c, asked, now);
}

static void
delivered(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now)
{
	if (!c->udp)
		c->bad = 0;
	else if (c->delivered == 0 && c->state == POOL_CONN_UP)
		p->ops.report(p->ctx, c->upstream, c->address, REASON_NONE);
	if (!pool_conn_has_room(c, 2))
		p->changed = true;
	probe_heard(p, c, asked, now);
	if (c->state == POOL_CONN_UP &&
	    p->address[c->upstream][c->address].fails > 0)
		health_well(p, c->upstream, c->address);
	c->delivered++;
	if (c->window == POOL_CONN_FULL || c->delivered / 2 < c->window)
		return;
	/* It lives longer than the one before. */
	c->window *= 2;
	if (c->window > POOL_CONN_FULL)
		c->window = POOL_CONN_FULL;
	if (c->state == POOL_CONN_UP && c->window > POOL_CONN_BUSY)
		p->address[c->upstream][c->address].window = 0;
}

static bool
bad_message(struct pool *p, uint32_t conn, uint64_t now)
{
	if (p->conn[conn].udp)
		return plain_bad(p, &p->conn[conn], now);
	if (++p->conn[conn].bad < POOL_BAD_MAX)
		return true;
	p->ops.close(p->ctx, conn);
	pool_conn_ended(p, conn, REASON_GARBAGE, now);
	return false;
}
