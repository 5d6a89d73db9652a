/*
 * The life of a question: taken from a client, asked of the TLS process,
 * answered or timed out. The table has a fixed size. Pure: no socket and no
 * clock; what is to be sent comes back to the caller.
 */
#ifndef UNPRIV_WORKER_QUERY_H
#define UNPRIV_WORKER_QUERY_H

#include "dotproxy/ipc.h"
#include "unpriv/dns/query.h"

#include "answers.h"
#include "settings.h"

#define QUERY_MAX	 16384 /* in flight */
#define QUERY_TIMEOUT_MS 4500 /* a client's answer is due within 5 s */
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

/* Who asked: carried, never looked into, but for address (allow from). */
struct query_client {
	struct netaddr address;
	enum ipc_proto proto;
	uint32_t object; /* UDP: the listener; TCP: the connection */
	uint32_t serial; /* of the object: a successor has another */
	uint32_t interface; /* UDP, wildcard: to answer through, or 0 */
	uint8_t local[16]; /* UDP, wildcard: the address that was asked */
};

/* What a client is to be sent. */
struct query_reply {
	struct query_client client;
	bool was_in_flight; /* QUERY_IN_FLIGHT was said of the question */
	size_t len;
	uint8_t bytes[DNS_MESSAGE_MAX];
};

struct query_slot {
	struct query_client client;
	struct dns_query query;
	uint64_t deadline; /* ms */
	uint32_t generation; /* of the slot: upper half of the id */
	uint32_t next, prev; /* oldest first; or next of the free ones */
	uint8_t sends;
	bool used;
	bool has_client; /* or it is asked for the cache's sake alone */
	bool has_stale; /* there was an answer that has ended */
	bool waiting; /* not written to the TLS process yet */
};

struct query_table {
	struct query_slot slot[QUERY_MAX];
	uint32_t oldest, newest;
	uint32_t free; /* used before; the last one first: it is warm */
	uint32_t fresh; /* from here on never used */
	uint32_t cursor; /* no slot before it is waiting */
	uint32_t patience; /* all before it have been asked for patience */
	uint32_t nused, nwaiting, nclients;
	bool absent; /* no TLS process */
	uint64_t absent_since;
	struct ipc_batch batch; /* to the TLS process */
	struct answers answers; /* known already */
};

/* Empty, and the TLS process absent since now. */
void query_init(struct query_table *table, uint64_t now);

enum query_fate {
	QUERY_DROPPED, /* never to be answered */
	QUERY_ANSWERED, /* at once: send *reply */
	QUERY_IN_FLIGHT /* a reply comes later, in any case */
};

/*
 * A client's message. cut: it was longer than what is given here, which makes
 * it FORMERR.
 */
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
void query_unsend(struct query_table *table);

/* The TLS process is gone: what was in flight waits for the next one. */
void query_absent(struct query_table *table, uint64_t now);
void query_present(struct query_table *table);

/*
 * One entry of IPC_ANSWERS. 1: send *reply. 0: nothing waits for it any more.
 * -1: an id that was never given out; the TLS process is broken into.
 */
int query_answer(struct query_table *table, const struct settings *settings,
    const struct ipc_answer *answer, const uint8_t *body, uint64_t now,
    struct query_reply *reply);

/* True: a question ran out of time, or its client of patience: send *reply and
 * call again. UINT64_MAX: out of time are all. */
bool query_expire(struct query_table *table, const struct settings *settings,
    uint64_t now, struct query_reply *reply);

#endif
