/*
 * What the worker can answer without asking: the cache, and how DNS answers
 * are kept in it. Pure: the time is an argument, the memory the caller's.
 */
#ifndef UNPRIV_WORKER_ANSWERS_H
#define UNPRIV_WORKER_ANSWERS_H

#include "unpriv/dns/answer.h"
#include "unpriv/dns/query.h"
#include "unpriv/dns/stored.h"

#include "cache.h"
#include "settings.h"

#define ANSWERS_STALE_TTL   30 /* RFC 8767 4 and 5 */
#define ANSWERS_FAILURE_MAX 60 /* seconds that a failure is kept, at most */
#define ANSWERS_KEY_MAX	    (DNS_STORED_KEY_MAX + 1) /* a failure's */

struct answers {
	struct cache cache;
	bool on; /* there is a cache */
};

/* Where the cache has the answer to a question. */
struct answers_key {
	uint64_t hash;
	size_t len;
	uint8_t bytes[ANSWERS_KEY_MAX];
};

/*
 * Makes the key of a question, and begins to bring near what lies there;
 * answers_near goes on with that, some questions later. Without a cache there
 * is nothing to do, and the key says nothing.
 */
void answers_ahead(const struct answers *answers, const struct dns_query *query,
    struct answers_key *key);
void answers_near(const struct answers *answers, const struct answers_key *key);

enum answers_found {
	ANSWERS_NONE, /* ask */
	ANSWERS_FRESH, /* in buf */
	ANSWERS_AGEING, /* in buf; and this worker is to ask again, for later */
	ANSWERS_STALE, /* ask; answers_tell_stale if that fails */
	ANSWERS_FAILED /* it has just failed, do not ask again yet: what to tell
			* is in buf, or, with *len 0, nothing is known */
};

/*
 * Looks for an answer to a client's question, whose key was made by
 * answers_ahead; how is how it is to be told. An answer is written to buf (at
 * least how->limit bytes of room), its length to *len. Without a cache always
 * NONE.
 */
enum answers_found answers_look(struct answers *answers,
    const struct settings *settings, const struct dns_query *query,
    const struct answers_key *key, const struct dns_reply *how, uint64_t now,
    uint8_t *buf, size_t cap, size_t *len);

/*
 * The answer that has ended, with TTLs of 30 s and EDE 3 (RFC 8767 5), or as
 * it is if it has been renewed since; 0 when there is none any more, or the
 * config wants none, else its length.
 */
size_t answers_tell_stale(struct answers *answers,
    const struct settings *settings, const struct dns_query *query,
    const struct dns_reply *how, uint64_t now, uint8_t *buf, size_t cap);

/* Keeps what an upstream answered, if it may be kept; a failure as
 * answers_keep_failure does. */
void answers_keep(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, const uint8_t *msg,
    const struct dns_answer *answer, uint64_t now);

/* Remembers that a question failed: for 1 s, and each time in a row twice as
 * long (RFC 9520 3.2). Forgotten with the config that it failed under, and
 * when it is answered. */
void
answers_keep_failure(struct answers *answers, const struct settings *settings,
    const struct dns_query *query, uint64_t now);

#endif
