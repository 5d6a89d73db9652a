/*
 * The life of a question: taken from a client, asked of the TLS process,
 * answered or timed out. The table has a fixed size. Pure: no socket and no
 * clock; what is to be sent comes back to the caller.
 */
#ifndef UNPRIV_WORKER_QUERY_H
#define UNPRIV_WORKER_QUERY_H

#include "dotproxy/ipc.h"

#include "query_table.h"
#include "query_tell.h"
#include "settings.h"

/* Then a client is told what was true before, if that is known (RFC 8767 5). */
#define QUERY_PATIENCE_MS 1800
/* How many may wait to be written to the TLS process before new ones are
 * turned away: it does not keep up. */
#define QUERY_BACKLOG 4096
/* New questions wait this long for a TLS process that is being restarted. */
#define QUERY_ABSENT_MS 1000
/* A question that was lost with a TLS process is asked once more, not for
 * ever: it may be what ended that process. */
#define QUERY_SENDS_MAX 2

enum query_fate {
	QUERY_DROPPED, /* never to be answered */
	QUERY_ANSWERED, /* at once: send *reply */
	QUERY_IN_FLIGHT /* a reply comes later, in any case */
};

/* A client's message, read, and where the cache has its answer. */
struct query_message {
	enum dns_verdict verdict;
	bool cut; /* it was longer: that makes it FORMERR */
	bool looked; /* at its cookie: */
	enum cookie_proof proof;
	struct dns_query query;
	struct answers_key key;
};

/*
 * Messages of a batch are read first, all of them; then, each some places
 * before it is taken, query_near; so what the cache has is there in time.
 */
void query_read(const struct query_table *table, struct query_message *message,
    const uint8_t *msg, size_t len, bool cut);
void query_near(
    const struct query_table *table, const struct query_message *message);
/* Whether its cookie shows that the address is the client's: for who has to
 * know before it is taken. */
bool query_is_proven(const struct query_table *table,
    const struct settings *settings, const struct query_client *client,
    struct query_message *message, uint64_t now);
enum query_fate query_take_read(struct query_table *table,
    const struct settings *settings, const struct query_client *client,
    struct query_message *message, uint64_t now, struct query_reply *reply);

/* Reads a message, and takes it. */
enum query_fate
query_take(struct query_table *table, const struct settings *settings,
    const struct query_client *client, const uint8_t *msg, size_t len, bool cut,
    uint64_t now, struct query_reply *reply);

/*
 * Moves waiting questions into table->batch, which must be empty. The caller
 * sends the batch, or says that it could not: query_unsend makes them wait
 * again. Not to be called while the TLS process is absent.
 */
enum query_filled {
	QUERY_ALL, /* nothing waits any more */
	QUERY_FULL, /* send the batch, then call again */
	QUERY_GIVEN_UP /* send *reply, then call again */
};
enum query_filled query_fill(struct query_table *table,
    const struct settings *settings, uint64_t now, struct query_reply *reply);

/*
 * One entry of IPC_ANSWERS. 1: send *reply. 0: nothing waits for it any more.
 * -1: an id that was never given out; the TLS process is broken into.
 */
int query_answer(struct query_table *table, const struct settings *settings,
    const struct ipc_answer *answer, const uint8_t *body, uint64_t now,
    struct query_reply *reply);

/* True: a question ran out of time, or its client of patience: send *reply and
 * call again. */
bool query_expire(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply);

/* The same at the end, when nobody is waited for any more: of all. It is no
 * failure of the questions'. */
bool query_stop(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply);

#endif
