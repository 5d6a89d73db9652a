/*
 * The table of questions: who waits for each, and on which connections it is
 * in flight under which ID. Fixed in size, allocated once; no I/O, no clock.
 *
 * A question stays as long as somebody waits for it or it is in flight
 * anywhere, so that it is never twice in flight on one connection.
 */
#ifndef UNPRIV_TLS_QUESTION_H
#define UNPRIV_TLS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dotproxy/conf.h"
#include "dotproxy/siphash.h"
#include "unpriv/dns/dns.h"

#include "reason.h"

#define QUESTION_TRIES 4 /* attempts at one question, before it rests */

/* A rest is 25 ms, or twice that, or ...; of its age between a quarter and a
 * half, so that they are few. */
#define QUESTION_REST  25
#define QUESTION_RESTS 7

/* Answers kept while the question is asked once more; longer ones are not. */
#define QUESTION_SAVED	   1024
#define QUESTION_SAVED_LEN 512

/* Somebody (a worker) waits for a question. */
struct waiter {
	struct question *question; /* NULL: free */
	uint32_t worker;
	uint64_t id; /* the worker's */
	uint64_t asked;
	TAILQ_ENTRY(waiter) of_question;
	TAILQ_ENTRY(waiter) of_time; /* or of the free ones */
};
TAILQ_HEAD(waiters, waiter);

/* A question in flight on a connection. */
struct attempt {
	struct question *question;
	uint32_t conn;
	uint16_t id; /* ours, unique on the connection */
	bool live;
	bool overdue; /* still in flight, but no longer hoped for */
	uint64_t asked;
	uint64_t letters; /* over UDP: the case of the name's */
	LIST_ENTRY(attempt) of_bucket;
	TAILQ_ENTRY(attempt) of_conn; /* its owner's */
};
TAILQ_HEAD(attempts, attempt);
LIST_HEAD(attempt_bucket, attempt);

/* The list that a question is on. */
enum question_list {
	QUESTION_NONE,
	QUESTION_WANT, /* to be written */
	QUESTION_PATIENT, /* to be asked again once there is budget for it */
	QUESTION_LAST, /* ... that others do not need */
	QUESTION_RESTING /* ... and some time went by */
};

struct question {
	struct dns_question dns; /* folded */
	uint8_t ask;
	uint8_t tries; /* attempts made */
	bool used;
	bool apart; /* asked under the config before: never found */
	bool again; /* it was answered, and may be better elsewhere */
	uint16_t saved; /* that answer's place; 0: none */
	uint32_t avoid; /* whose it was: an address, UINT32_MAX: none */
	enum question_list list;
	bool extra; /* the next attempt is out of the budget */
	bool withheld; /* it waited for that */
	uint16_t domain; /* whose of the budget's that is */
	uint8_t extras; /* attempts that were, up to UINT8_MAX */
	uint8_t rest; /* which of the lists of those who rest it is on */
	uint64_t rested; /* when it is over */
	uint64_t asked; /* since somebody waits */
	uint32_t worker; /* who asked first */
	uint32_t upstream; /* last asked; UINT32_MAX: none */
	uint32_t zone; /* its index in the config */
	uint32_t favour; /* what its zone's policy prefers for it */
	enum reason lost; /* what became of the last attempt */
	bool over_tcp; /* of a plain upstream: UDP did not do */
	uint32_t partner; /* ... there: the address asked over UDP */
	struct waiters waiters;
	struct attempt attempt[QUESTION_TRIES];
	LIST_ENTRY(question) of_bucket;
	TAILQ_ENTRY(question) of_want; /* or the patient, or the free ones */
};
TAILQ_HEAD(questions, question);
LIST_HEAD(question_bucket, question);

struct saved {
	uint16_t next; /* of the free ones; 0: none */
	uint16_t len;
	uint8_t msg[QUESTION_SAVED_LEN];
};

struct question_table {
	struct siphash_key key;
	size_t nquestion, nwaiter; /* the sizes */
	/* From here on never used, nor its memory touched. */
	size_t fresh_question, fresh_waiter;
	size_t waiting; /* waiters now */
	size_t wanting; /* questions in want now */
	size_t asked_by[CONF_WORKERS_MAX]; /* questions now */
	size_t waiting_of[CONF_WORKERS_MAX]; /* waiters now */
	struct question *question;
	struct waiter *waiter;
	struct saved *saved; /* [0] is none */
	uint16_t free_saved, fresh_saved;
	struct question_bucket *bucket;
	struct attempt_bucket *attempt_bucket;
	size_t mask, attempt_mask;
	struct questions free, want; /* first come, first asked */
	struct questions patient, last;
	struct questions resting[QUESTION_RESTS]; /* each in order of time */
	struct waiters free_waiters;
	struct waiters waiters; /* in the order of time, the oldest first */
};

/* False without memory, or for a size of 0. */
bool question_table_init(struct question_table *t, size_t questions,
    size_t waiters, const struct siphash_key *key);
void question_table_free(struct question_table *t);

/* dns must be folded. NULL: not there; or full, or half full with those of
 * this worker. */
struct question *question_find(
    struct question_table *t, const struct dns_question *dns, uint8_t ask);
struct question *question_add(struct question_table *t,
    const struct dns_question *dns, uint8_t ask, uint32_t worker, uint64_t now);
/* Frees it unless somebody waits, it is on a list or it is in flight. */
void question_release(struct question_table *t, struct question *q);
/* Keeps its answer; false: too long, or too many are kept. */
bool question_save(struct question_table *t, struct question *q,
    const uint8_t *msg, size_t len);
/* The answer that is kept of it, or NULL. */
const uint8_t *question_saved(
    const struct question_table *t, const struct question *q, size_t *len);
void question_unsave(struct question_table *t, struct question *q);
void question_want(struct question_table *t, struct question *q, bool first);
/* For what is on no list. */
void question_be_patient(struct question_table *t, struct question *q);
/* For one that is patient: from now on it is behind the others. */
void question_be_last(struct question_table *t, struct question *q);
/* ... of what it has had enough of for now. */
void question_rest(struct question_table *t, struct question *q, uint64_t now);
/* One whose rest is over, or NULL; when the next is, UINT64_MAX: none. */
struct question *question_rested(struct question_table *t, uint64_t now);
uint64_t question_rest_due(const struct question_table *t);
/* Takes it from the list that it is on. */
void question_unwant(struct question_table *t, struct question *q);
bool question_is_on(const struct question *q, uint32_t conn);
bool question_is_in_flight(const struct question *q);
/* ... in as many places as it can be. */
bool question_is_everywhere(const struct question *q);
/* ... and not overdue in all places. */
bool question_is_hoped_for(const struct question *q);

/* NULL: full, or half full with those of this worker. */
struct waiter *waiter_add(struct question_table *t, struct question *q,
    uint32_t worker, uint64_t id, uint64_t now);
void waiter_remove(struct question_table *t, struct waiter *w);

/* The one with this ID on this connection, or NULL. */
struct attempt *
attempt_find(struct question_table *t, uint32_t conn, uint16_t id);
/* One of its attempts must not be live. */
struct attempt *attempt_begin(struct question_table *t, struct question *q,
    uint32_t conn, uint16_t id, uint64_t now);
void attempt_end(struct attempt *a);

#endif
