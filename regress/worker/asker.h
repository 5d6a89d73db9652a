/*
 * Plays clients and the TLS process to the table of questions, with a clock
 * of the test's and no socket; and holds every question to exactly one reply.
 */
#ifndef REGRESS_WORKER_ASKER_H
#define REGRESS_WORKER_ASKER_H

#include "unpriv/worker/query.h"

#define ASKER_START	 ((uint64_t)1000000) /* ms */
#define ASKER_CACHE_SIZE ((size_t)1 << 20)

/* What one client asks: a name as "www.example.", A, IN and RD unless told. */
struct asker_question {
	const char *name;
	uint16_t type, class; /* 0: A, IN */
	uint16_t flags; /* of AD and CD; and without RD if norec */
	bool dnssec_ok, edns, norec;
};

/* What an upstream says to it. */
struct asker_answer {
	uint16_t rcode, flags; /* flags besides QR, RD and RA */
	uint16_t records; /* of type A, or with 0 maybe a SOA */
	bool soa;
	uint32_t ttl, minimum;
};

/* What was handed over to be asked. */
struct asker_sent {
	uint64_t id;
	uint8_t ask;
	struct dns_question question;
};

struct asker {
	struct query_table table;
	struct settings settings;
	struct query_reply reply; /* the last one */
	void *memory; /* the cache's */
	uint32_t asked, replied; /* questions taken, replies to them */
	uint32_t late; /* replies that nobody was told */
	struct asker_sent sent[256]; /* since the last asker_flush */
	uint32_t nsent;
};

extern struct asker asker;

/* An empty table, defaults for settings; with an empty cache, or none. */
void asker_up(bool cache);
/* Asks; the fate. A reply, now or later, that is another's fails the test. */
enum query_fate asker_ask(const struct asker_question *q, uint64_t now);
/* Hands over what waits; how many questions that were. */
uint32_t asker_flush(uint64_t now);
/* The TLS process answers, or says that it failed: true: a client is told. */
bool asker_says(const struct asker_sent *to, const struct asker_answer *answer,
    uint64_t now);
bool asker_fails(const struct asker_sent *to, uint64_t now);
/* Time goes by; how many clients were told something. */
uint32_t asker_expire(uint64_t now);
/* dotproxy stops: the same. */
uint32_t asker_stop(uint64_t now);

/* Asks, and it is a miss that is answered so, at once. */
void asker_fill(const struct asker_question *q,
    const struct asker_answer *answer, uint64_t now);

/* Of the last reply. */
uint16_t asker_rcode(void);
uint16_t asker_flags(void);
uint16_t asker_ede(void); /* the first, or DNS_EDE_NONE */
uint32_t asker_ttl(void); /* of the first record; fails if there is none */

#endif
