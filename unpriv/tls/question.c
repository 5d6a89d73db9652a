/*
 * The table of questions. Every list in it is intrusive and every place was
 * allocated at the start: it must never grow with what is asked of it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "question.h"

/* Questions in a bucket of a full table, which is rare: an ordinary load
 * touches all pages of the buckets, so they are few. */
#define IN_BUCKET 4

static size_t power_of_two(size_t);
static struct question_bucket *
bucket_of(struct question_table *, const struct dns_question *, uint8_t);
static struct attempt_bucket *
attempt_bucket_of(struct question_table *, uint32_t, uint16_t);

bool
question_table_init(struct question_table *t, size_t questions, size_t waiters,
    const struct siphash_key *key)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	if (questions == 0 || waiters == 0)
		return false;
	t->key = *key;
	t->nquestion = questions;
	t->nwaiter = waiters;
	t->mask = power_of_two(questions / IN_BUCKET) - 1;
	t->attempt_mask = power_of_two(questions * 2 / IN_BUCKET) - 1;
	t->question = calloc(questions, sizeof(*t->question));
	t->waiter = calloc(waiters, sizeof(*t->waiter));
	t->saved = calloc(QUESTION_SAVED + 1, sizeof(*t->saved));
	t->fresh_saved = 1;
	t->bucket = calloc(t->mask + 1, sizeof(*t->bucket));
	t->attempt_bucket =
	    calloc(t->attempt_mask + 1, sizeof(*t->attempt_bucket));
	if (t->question == NULL || t->waiter == NULL || t->saved == NULL ||
	    t->bucket == NULL || t->attempt_bucket == NULL) {
		question_table_free(t);
		return false;
	}
	TAILQ_INIT(&t->free);
	TAILQ_INIT(&t->want);
	TAILQ_INIT(&t->free_waiters);
	TAILQ_INIT(&t->waiters);
	TAILQ_INIT(&t->patient);
	TAILQ_INIT(&t->last);
	for (i = 0; i < QUESTION_RESTS; i++)
		TAILQ_INIT(&t->resting[i]);
	return true;
}

void
question_table_free(struct question_table *t)
{
	free(t->question);
	free(t->waiter);
	free(t->saved);
	free(t->bucket);
	free(t->attempt_bucket);
	memset(t, 0, sizeof(*t));
}

struct question *
question_find(
    struct question_table *t, const struct dns_question *dns, uint8_t ask)
{
	struct question *q;

	LIST_FOREACH(q, bucket_of(t, dns, ask), of_bucket)
		if (!q->apart && q->ask == ask && q->dns.type == dns->type &&
		    q->dns.class == dns->class &&
		    q->dns.name_len == dns->name_len &&
		    memcmp(q->dns.name, dns->name, dns->name_len) == 0)
			return q;
	return NULL;
}

struct question *
question_add(struct question_table *t, const struct dns_question *dns,
    uint8_t ask, uint32_t worker, uint64_t now)
{
	struct question *q;

	if (t->asked_by[worker] >= t->nquestion / 2)
		return NULL;
	if ((q = TAILQ_FIRST(&t->free)) != NULL)
		TAILQ_REMOVE(&t->free, q, of_want);
	else if (t->fresh_question < t->nquestion)
		q = &t->question[t->fresh_question++];
	else
		return NULL;
	t->asked_by[worker]++;
	memset(q, 0, sizeof(*q));
	q->dns = *dns;
	q->ask = ask;
	q->used = true;
	q->asked = now;
	q->worker = worker;
	q->upstream = q->avoid = UINT32_MAX;
	TAILQ_INIT(&q->waiters);
	LIST_INSERT_HEAD(bucket_of(t, dns, ask), q, of_bucket);
	return q;
}

void
question_release(struct question_table *t, struct question *q)
{
	if (!q->used || q->list != QUESTION_NONE || !TAILQ_EMPTY(&q->waiters) ||
	    question_is_in_flight(q))
		return;
	question_unsave(t, q);
	LIST_REMOVE(q, of_bucket);
	q->used = false;
	t->asked_by[q->worker]--;
	TAILQ_INSERT_HEAD(&t->free, q, of_want);
}

bool
question_save(struct question_table *t, struct question *q, const uint8_t *msg,
    size_t len)
{
	struct saved *s;

	if (len > QUESTION_SAVED_LEN || q->saved != 0)
		return false;
	if (t->free_saved != 0) {
		q->saved = t->free_saved;
		t->free_saved = t->saved[q->saved].next;
	} else if (t->fresh_saved <= QUESTION_SAVED)
		q->saved = t->fresh_saved++;
	else
		return false;
	s = &t->saved[q->saved];
	s->len = (uint16_t)len;
	memcpy(s->msg, msg, len);
	return true;
}

const uint8_t *
question_saved(
    const struct question_table *t, const struct question *q, size_t *len)
{
	if (q->saved == 0)
		return NULL;
	*len = t->saved[q->saved].len;
	return t->saved[q->saved].msg;
}

void
question_unsave(struct question_table *t, struct question *q)
{
	if (q->saved == 0)
		return;
	t->saved[q->saved].next = t->free_saved;
	t->free_saved = q->saved;
	q->saved = 0;
}

void
question_want(struct question_table *t, struct question *q, bool first)
{
	if (q->list == QUESTION_WANT)
		return;
	question_unwant(t, q);
	q->list = QUESTION_WANT;
	t->wanting++;
	if (first)
		TAILQ_INSERT_HEAD(&t->want, q, of_want);
	else
		TAILQ_INSERT_TAIL(&t->want, q, of_want);
}

void
question_be_patient(struct question_table *t, struct question *q)
{
	q->list = QUESTION_PATIENT;
	TAILQ_INSERT_TAIL(&t->patient, q, of_want);
}

void
question_be_last(struct question_table *t, struct question *q)
{
	question_unwant(t, q);
	q->list = QUESTION_LAST;
	TAILQ_INSERT_TAIL(&t->last, q, of_want);
}

void
question_rest(struct question_table *t, struct question *q, uint64_t now)
{
	uint64_t ms = QUESTION_REST;
	uint8_t i = 0;

	while (i < QUESTION_RESTS - 1 && ms * 4 <= now - q->asked) {
		ms *= 2;
		i++;
	}
	q->list = QUESTION_RESTING;
	q->rest = i;
	q->rested = now + ms;
	TAILQ_INSERT_TAIL(&t->resting[i], q, of_want);
}

struct question *
question_rested(struct question_table *t, uint64_t now)
{
	struct question *q;
	size_t i;

	for (i = 0; i < QUESTION_RESTS; i++)
		if ((q = TAILQ_FIRST(&t->resting[i])) != NULL &&
		    q->rested <= now)
			return q;
	return NULL;
}

uint64_t
question_rest_due(const struct question_table *t)
{
	const struct question *q;
	uint64_t due = UINT64_MAX;
	size_t i;

	for (i = 0; i < QUESTION_RESTS; i++)
		if ((q = TAILQ_FIRST(&t->resting[i])) != NULL &&
		    q->rested < due)
			due = q->rested;
	return due;
}

void
question_unwant(struct question_table *t, struct question *q)
{
	if (q->list == QUESTION_WANT) {
		TAILQ_REMOVE(&t->want, q, of_want);
		t->wanting--;
	} else if (q->list == QUESTION_PATIENT)
		TAILQ_REMOVE(&t->patient, q, of_want);
	else if (q->list == QUESTION_LAST)
		TAILQ_REMOVE(&t->last, q, of_want);
	else if (q->list == QUESTION_RESTING)
		TAILQ_REMOVE(&t->resting[q->rest], q, of_want);
	q->list = QUESTION_NONE;
}

bool
question_is_on(const struct question *q, uint32_t conn)
{
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++)
		if (q->attempt[i].live && q->attempt[i].conn == conn)
			return true;
	return false;
}

bool
question_is_in_flight(const struct question *q)
{
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++)
		if (q->attempt[i].live)
			return true;
	return false;
}

bool
question_is_everywhere(const struct question *q)
{
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++)
		if (!q->attempt[i].live)
			return false;
	return true;
}

bool
question_is_hoped_for(const struct question *q)
{
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++)
		if (q->attempt[i].live && !q->attempt[i].overdue)
			return true;
	return false;
}

struct waiter *
waiter_add(struct question_table *t, struct question *q, uint32_t worker,
    uint64_t id, uint64_t now)
{
	struct waiter *w;

	if (t->waiting_of[worker] >= t->nwaiter / 2)
		return NULL;
	if ((w = TAILQ_FIRST(&t->free_waiters)) != NULL)
		TAILQ_REMOVE(&t->free_waiters, w, of_time);
	else if (t->fresh_waiter < t->nwaiter)
		w = &t->waiter[t->fresh_waiter++];
	else
		return NULL;
	t->waiting_of[worker]++;
	w->question = q;
	w->worker = worker;
	w->id = id;
	w->asked = now;
	TAILQ_INSERT_TAIL(&q->waiters, w, of_question);
	TAILQ_INSERT_TAIL(&t->waiters, w, of_time);
	t->waiting++;
	return w;
}

void
waiter_remove(struct question_table *t, struct waiter *w)
{
	TAILQ_REMOVE(&w->question->waiters, w, of_question);
	TAILQ_REMOVE(&t->waiters, w, of_time);
	w->question = NULL;
	t->waiting_of[w->worker]--;
	TAILQ_INSERT_HEAD(&t->free_waiters, w, of_time);
	t->waiting--;
}

struct attempt *
attempt_find(struct question_table *t, uint32_t conn, uint16_t id)
{
	struct attempt *a;

	LIST_FOREACH(a, attempt_bucket_of(t, conn, id), of_bucket)
		if (a->conn == conn && a->id == id)
			return a;
	return NULL;
}

struct attempt *
attempt_begin(struct question_table *t, struct question *q, uint32_t conn,
    uint16_t id, uint64_t now)
{
	struct attempt *a = NULL;
	size_t i;

	for (i = 0; i < QUESTION_TRIES; i++)
		if (!q->attempt[i].live) {
			a = &q->attempt[i];
			break;
		}
	assert(a != NULL);
	a->question = q;
	a->conn = conn;
	a->id = id;
	a->live = true;
	a->overdue = false;
	a->asked = now;
	LIST_INSERT_HEAD(attempt_bucket_of(t, conn, id), a, of_bucket);
	return a;
}

void
attempt_end(struct attempt *a)
{
	a->live = false;
	LIST_REMOVE(a, of_bucket);
}

static size_t
power_of_two(size_t at_least)
{
	size_t n = 1;

	while (n < at_least)
		n <<= 1;
	return n;
}

static struct question_bucket *
bucket_of(struct question_table *t, const struct dns_question *dns, uint8_t ask)
{
	uint8_t key[DNS_NAME_MAX + 5];
	size_t n = dns->name_len;

	memcpy(key, dns->name, n);
	key[n++] = (uint8_t)(dns->type >> 8);
	key[n++] = (uint8_t)dns->type;
	key[n++] = (uint8_t)(dns->class >> 8);
	key[n++] = (uint8_t)dns->class;
	key[n++] = ask;
	return &t->bucket[siphash(&t->key, key, n) & t->mask];
}

/* The ID is random and our own: nobody can choose a bucket. */
static struct attempt_bucket *
attempt_bucket_of(struct question_table *t, uint32_t conn, uint16_t id)
{
	return &t->attempt_bucket[(id ^ conn * 0x9e37U) & t->attempt_mask];
}
