/*
 * A second decoder of DNS messages, for tests: written from the RFCs, slow,
 * by recursion, sharing no line with unpriv/dns, so that the two can be held
 * against each other.
 */
#ifndef REGRESS_DNS_NAIVE_H
#define REGRESS_DNS_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct naive {
	bool question_ok; /* QDCOUNT 1 and the question is well formed */
	bool ok; /* all of the message is; QDCOUNT may be 0 */
	uint16_t id, flags;
	uint16_t count[4]; /* of the header */
	uint8_t qname[255]; /* as sent */
	size_t qname_len;
	uint16_t qtype, qclass;
	/* Of each section's records but the OPT: how many, and a hash over them
	 * with all names in full and in lower case. */
	unsigned int records[4];
	uint64_t hash[4];
	unsigned int opts; /* well-formed ones, in the additional section */
	uint16_t opt_size;
	uint32_t opt_ttl;
	size_t opt_at, opt_len; /* its options */
};

/*
 * Decodes; with rdata also the names in the RDATA of the types whose names
 * may be compressed. The fields are filled as far as it came.
 */
void naive_decode(struct naive *n, const uint8_t *msg, size_t len, bool rdata);

/* The option's place in the message decoded, NULL if there is none. */
const uint8_t *naive_option(const struct naive *n, const uint8_t *msg,
    unsigned int code, unsigned int nth, size_t *len);

#endif
