/*
 * Answers of our own: to the names that must not leave for an upstream, and to
 * what an operator has data for. Pure functions.
 */
#ifndef UNPRIV_DNS_SPECIAL_H
#define UNPRIV_DNS_SPECIAL_H

#include "dotproxy/special.h"

#include "answer.h"

/* A record of our own; class IN. */
struct dns_local_record {
	uint16_t type;
	/* Where in the question's name the owner begins: 0 is the name itself,
	 * more the domain above it (a SOA's), at a label. */
	uint8_t owner_at;
	uint8_t rdata_len;
	uint32_t ttl;
	/* On the wire: may hold a pointer only into the question's name,
	 * which begins at DNS_HEADER_LEN. */
	const uint8_t *rdata;
	const uint8_t *owner; /* another one than that, on the wire, or NULL */
	uint8_t owner_len;
};

struct dns_local {
	uint16_t rcode; /* at most four bits */
	bool authoritative; /* AA is told */
	size_t nanswer, nauthority;
	/* The answer section's, then the authority section's. */
	const struct dns_local_record *records;
};

/*
 * Writes the answer for one client as dns_answer_write does: within its
 * limit (else TC=1 and no records), with its ID, question, RD and CD, and an
 * OPT if it sent one, with ede (NULL: none). RA is set, AD never. Returns the
 * length, or 0 if cap is too small.
 */
size_t dns_local_write(uint8_t *buf, size_t cap, const struct dns_local *local,
    const struct dns_ede *ede, const struct dns_query *query,
    const struct dns_reply *reply);

#define DNS_SPECIAL_RDATA 64
struct dns_special {
	enum special number; /* for the log and the counters */
	struct dns_local local; /* points to what follows */
	struct dns_local_record record;
	uint8_t rdata[DNS_SPECIAL_RDATA];
};

/*
 * Whether a question may be one that the set answers, by its last label and
 * type, whatever its case: a cheap look that spares nearly all the next one.
 */
bool dns_special_may_be(const struct dns_question *question, unsigned int set);

/*
 * Whether a question, folded by the caller (dns_question_fold), is one that
 * the set answers; then *special says how, and is not to be copied. What
 * an operator forwards of its name, forwarded bytes of it (0: nothing), is not
 * ours to answer if that is a special domain or below it.
 */
bool dns_special_find(struct dns_special *special,
    const struct dns_question *folded, unsigned int set, size_t forwarded);

#endif
