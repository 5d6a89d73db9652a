/*
 * What of an upstream's answers may be cached, and for how long: the one place
 * that says so. A pure function.
 */
#ifndef UNPRIV_DNS_STORABLE_H
#define UNPRIV_DNS_STORABLE_H

#include "answer.h"

/* `cache ttl min 0 max 86400 negative 3600`; all in seconds. */
struct dns_ttl_limits {
	uint32_t min; /* what is shorter is kept this long; 0: as it says */
	uint32_t max; /* nothing is kept for longer */
	uint32_t negative; /* no negative answer is, whatever min says */
	uint32_t failure; /* a first failure; 1 .. 300 (RFC 9520 3.2) */
};

#define DNS_FAILURE_TTL_MIN 1
#define DNS_FAILURE_TTL_MAX 300

enum dns_kind {
	DNS_NOT_STORABLE,
	DNS_POSITIVE,
	DNS_NEGATIVE, /* the name or the type does not exist (RFC 2308) */
	/* No answer; when it fails again the caller raises ttl and ceiling,
	 * to DNS_FAILURE_TTL_MAX at most (RFC 9520 3.2). */
	DNS_FAILURE
};

struct dns_storable {
	enum dns_kind kind;
	uint32_t ttl; /* how long, > 0; 0 if it is not storable */
	/* No record is told a TTL above this while the answer is new, nor one
	 * below ttl. */
	uint32_t ceiling;
};

/*
 * Says whether an answer read from msg may be kept as the answer to `asked`,
 * and how long. A question that differs in more than its letters' case,
 * TC, or records that are for one hop only: not storable.
 */
void dns_storable(struct dns_storable *storable, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_question *asked,
    const struct dns_ttl_limits *limits);

/* A TTL with its top bit set is 0 (RFC 2181 8). */
uint32_t dns_ttl(uint32_t ttl);

#endif
