/*
 * The questions in flight: a table of a fixed size. Pure: no socket and no
 * clock.
 */
#ifndef UNPRIV_WORKER_QUERY_TABLE_H
#define UNPRIV_WORKER_QUERY_TABLE_H

#include "dotproxy/ipc.h"
#include "unpriv/dns/query.h"

#include "answers.h"
#include "guard.h"
#include "cookie.h"
#include "query_tell.h"

#define QUERY_MAX	 16384 /* in flight */
#define QUERY_TIMEOUT_MS 4500 /* a client's answer is due within 5 s */
#define QUERY_NONE	 UINT32_MAX /* no slot */

struct query_slot {
	struct query_client client;
	struct dns_query query;
	uint64_t deadline; /* ms */
	uint32_t generation; /* of the slot: upper half of the id */
	uint32_t next, prev; /* oldest first; or next of the free ones */
	uint32_t share; /* of its zone; 0: none */
	uint8_t sends;
	bool used;
	bool has_client; /* or it is asked for the cache's sake alone */
	bool stranger; /* so was who asked it */
	bool has_stale; /* there was an answer that has ended */
	bool waiting; /* not written to the TLS process yet */
	bool distrusted; /* its answer is not to be kept */
};

struct query_table {
	struct query_slot slot[QUERY_MAX];
	uint32_t oldest, newest;
	uint32_t free; /* used before; the last one first: it is warm */
	uint32_t fresh; /* from here on never used */
	uint32_t cursor; /* no slot before it is waiting */
	uint32_t patience; /* all before it have been asked for patience */
	uint32_t nused, nwaiting, nclients;
	uint32_t nstrangers; /* asked for strangers */
	bool absent; /* no TLS process */
	uint64_t absent_since;
	struct ipc_batch batch; /* to the TLS process */
	struct answers answers; /* known already */
	struct guard guard; /* who may ask */
	struct cookie_secrets cookies;
};

/* Empty, and the TLS process absent since now. */
void query_init(struct query_table *table, uint64_t now);

/* The TLS process is gone: what was in flight waits for the next one. */
void query_absent(struct query_table *table, uint64_t now);
void query_present(struct query_table *table);

/* What is in the batch could not be sent, and waits again. */
void query_unsend(struct query_table *table);

/* What is in flight is answered, but not kept: who answers it may have been
 * broken into, or may not be asked any more. */
void query_distrust(struct query_table *table);

/* There is room: who asks has looked. It waits to be asked, and has no
 * client. */
uint32_t query_slot_new(
    struct query_table *table, const struct dns_query *query, uint64_t now);
void query_slot_free(struct query_table *table, uint32_t i);

/*
 * Adds the question to the batch; false: that is full. The name goes upstream
 * folded; the slot keeps the case it was sent in. AD is asked for (RFC 6840
 * 5.7) whatever the client knows of it: the answer is for others too, and those
 * that do not ask are not told.
 */
bool query_slot_ask(struct query_table *table, uint32_t i);

#endif
