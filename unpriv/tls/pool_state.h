/*
 * The state of the pool, for the files that are the pool (pool.c,
 * pool_turn.c, choice.c) and nobody else.
 */
#ifndef UNPRIV_TLS_POOL_STATE_H
#define UNPRIV_TLS_POOL_STATE_H

#include "pool.h"
#include "question.h"

enum pool_conn_state {
	POOL_CONN_FREE,
	POOL_CONN_OPENING,
	POOL_CONN_UP,
	POOL_CONN_DRAINING
};

struct pool_conn {
	enum pool_conn_state state;
	uint32_t upstream, address; /* not of a draining one */
	uint64_t opened;
	uint64_t deadline; /* of opening or draining */
	uint64_t quiet; /* since then nothing in flight was answered */
	uint32_t inflight;
	uint32_t window; /* how many may be in flight */
	uint32_t delivered; /* answers */
	uint32_t bad; /* messages in a row */
	bool doomed; /* an opening one that will not be up */
	bool doubted; /* let a question lapse: takes no more of them */
	bool full; /* has no room to write */
	struct attempts attempts;
};

struct pool_address {
	uint64_t until; /* of its back-off */
	uint64_t failed; /* when */
	uint32_t fails; /* in a row; 0: well */
	enum reason reason; /* of the last failure */
	/* How many the last connection answered that took questions with it
	 * when it ended (at least QUESTION_TRIES: one answer on each then is
	 * enough for all); 0: none did. A new one gets no more in flight than
	 * that, so that an upstream that ends connections early does not use
	 * up the attempts of all that wait. */
	uint32_t window;
	/* Counted anew by choice_tally. */
	uint32_t taking, opening, doubted;
};

struct pool {
	struct pool_ops ops;
	void *ctx;
	struct question_table table;
	struct pool_conn conn[POOL_CONNS];
	uint32_t nconn;
	struct pool_upstream upstream[CONF_UPSTREAMS_MAX];
	struct pool_address address[CONF_UPSTREAMS_MAX][CONF_ADDRESSES_MAX];
	uint32_t nupstream;
	bool changed; /* questions that waited may be placed now */
	uint64_t recheck; /* or then; UINT64_MAX: never */
};

/* What is to become of a question that no connection takes now. */
enum choice { CHOICE_WAIT, CHOICE_HOLD, CHOICE_FAIL };

/* choice.c */

/* The connection to ask it on: the least loaded of the most preferred
 * upstream, where there is a choice of an address without a doubted one; never
 * one that it is in flight on. NULL: there is none. */
struct pool_conn *choice_pick(struct pool *p, const struct question *q);
/* None took it: opens what should be opened. WAIT: something is under way
 * for any question like it. HOLD: for this one, until p->recheck. */
enum choice
choice_provide(struct pool *p, const struct question *q, uint64_t now);
/* A question went out on c: sees to there being enough connections, to the
 * upstreams preferred to c's, and to another address if c's is in doubt. */
void choice_follow(struct pool *p, const struct pool_conn *c, uint64_t now);
/* An address could not be connected to, or gave nothing. */
void choice_address_failed(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now);
void choice_address_well(struct pool *p, uint32_t upstream, uint32_t address);
/* Counts again what each address has: when a connection is doubted or is not
 * any more. */
void choice_tally(struct pool *p);
/* The most telling reason, and whose it is. */
enum reason choice_reason(const struct pool *p, uint32_t *upstream);

/* pool.c */

uint32_t pool_conn_index(const struct pool *p, const struct pool_conn *c);
/* Finds it a connection, or has one opened, or fails it. True: it waits for
 * a connection as any other would. */
bool pool_dispatch(struct pool *p, struct question *q, uint64_t now);
void pool_attempt_end(struct pool *p, struct attempt *a);
/* Tells all who wait, and lets it go. */
void pool_fail(struct pool *p, struct question *q);
void pool_fail_waiter(struct pool *p, struct waiter *w);

#endif
