/*
 * The pool under a script: every event and the time are the test's, and what
 * the pool wants done is taken down. What does not fit fails the test.
 */
#ifndef REGRESS_TLS_SCRIPT_H
#define REGRESS_TLS_SCRIPT_H

#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/query.h"
#include "unpriv/tls/budget.h"
#include "unpriv/tls/patience.h"
#include "unpriv/tls/pool.h"

#define WRITES	20000
#define ANSWERS 256
#define OPENED	2048

/* What the pool had done. */
struct written {
	uint32_t conn, upstream;
	uint16_t id;
	struct dns_question question;
	bool over; /* its connection ended */
	uint64_t due; /* when the test answers it */
};
struct script {
	struct pool *pool;
	struct conf_zone zone[CONF_ZONES_MAX]; /* none: all upstreams */
	uint32_t nzone;
	uint64_t now;
	uint32_t opened[OPENED], opened_upstream[OPENED],
	    opened_address[OPENED];
	size_t nopened, nclosed;
	uint32_t upstream_of[POOL_CONNS]; /* as the connection was opened */
	uint32_t closed[OPENED];
	struct written written[WRITES];
	size_t nwritten;
	uint64_t answered[ANSWERS];
	uint32_t answered_worker[ANSWERS];
	size_t nanswered, nfailed;
	uint64_t failed[64];
	uint16_t ede, rcode, flags; /* of the last */
	bool quiet; /* answers are not taken down */
	char text[128];
	enum reason reported;
	uint32_t suspected, cured, health_upstream, health_address;
	bool no_socket, no_room;
	uint16_t next_id;
};

extern struct script s;

/* So many upstreams with so many addresses each, in one zone unless s.zone has
 * others; the time is 1000. */
void begin(uint32_t upstreams, uint32_t addresses);
/* So many plain upstreams with so many addresses each: from there on they are
 * the same over TCP. */
void begin_plain(uint32_t upstreams, uint32_t addresses);
/* One upstream with one address, up as conn 0, which has answered. */
void begin_up(void);
/* was: the upstream of before that each is, address by address; NULL: none. */
void configure(uint32_t upstreams, uint32_t addresses, const uint32_t *was);
/* A zone of s.zone, for the next configure; the first must be ".". */
void zone(const char *name, enum conf_policy policy, uint32_t nupstream,
    const uint8_t *upstream);
/* A question of a worker: an A record. */
void ask(uint32_t worker, uint64_t id, const char *name);
/* The pool's turn: when it wants the next. */
uint64_t turn(void);
/* So many milliseconds later, and a turn. */
void later(uint64_t ms);
/* A connection is up, or ends; and a turn. */
void up(uint32_t conn);
void end(uint32_t conn, enum reason reason);
/* The answer to the question that was written as the nth. */
void answer_to(size_t n);
/* A message of these flags; what pool_conn_message says. */
bool
say(uint32_t conn, uint16_t id, const struct dns_question *q, uint16_t flags);
/* Whether the nth that was written is a probe. */
bool is_probe(size_t n);
/* Asks a question that nobody has asked before. */
void fresh(void);
/* So many of these, one every 10 ms, each answered within one, and probes;
 * what is opened comes up. */
void flow(size_t n);
struct dns_question question_of(const char *name);

#endif
