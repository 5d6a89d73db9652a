/*
 * Answers: what an upstream said (read strictly), and what a client is told.
 * Pure functions.
 */
#ifndef UNPRIV_DNS_ANSWER_H
#define UNPRIV_DNS_ANSWER_H

#include "dns.h"
#include "query.h"

#define DNS_EDES_MAX 4

struct dns_answer {
	struct dns_question question;
	uint16_t id;
	uint16_t flags;
	uint16_t rcode; /* with the OPT's upper eight bits */
	uint16_t ancount, nscount, arcount;
	/* Offsets into the message. */
	uint16_t answers; /* the first record, after the question */
	uint16_t authority; /* end of the answer section */
	uint16_t additional; /* end of the authority section */
	uint16_t end; /* the whole message */
	uint16_t opt; /* the OPT record, 0 if there is none */
	uint16_t opt_end; /* the byte after it */
	struct dns_ede ede[DNS_EDES_MAX]; /* point into the message */
	size_t nede;
};

/*
 * Reads a whole message that should answer one question: QR set, opcode
 * QUERY, QDCOUNT 1, every record within bounds and every name in the RDATA of
 * the types that RFC 3597 4 lets compress well formed, at most one OPT and that
 * in the additional section, no trailing bytes. True when it is well formed;
 * whether it answers what was asked is the caller's comparison.
 */
bool dns_answer_read(struct dns_answer *answer, const uint8_t *msg, size_t len);
/*
 * Of a message that was asked for in clear text, and answer was read from:
 * clears AD, which only a channel that nobody else writes to can tell (RFC 6840
 * 5.8), and folds the name of its question, where other names point to.
 */
void dns_answer_plain(uint8_t *msg, const struct dns_answer *answer);

/* How a client is to be told. */
struct dns_reply {
	size_t limit; /* the longest message, at least DNS_UDP_MIN: for UDP
				   what the client takes, for TCP
				   DNS_MESSAGE_MAX */
	uint16_t udp_size; /* what our own OPT says we take */
	uint16_t keepalive; /* RFC 7828, units of 100 ms; told if the
				   client asked and tcp */
	bool tcp;
};

/*
 * Writes the answer for one client of what an upstream said: the client's ID
 * and its question byte for byte, RD and CD as the client sent them, AD only if
 * it asked with AD or DO (RFC 6840 5.8), Z clear; records untouched; the
 * upstream's OPT left out, and if the client sent one, one of our own with DO
 * copied (RFC 3225), the upstream's EDEs, and keepalive as reply says. An rcode
 * that needs more than four bits becomes SERVFAIL with EDE "other". Larger than
 * reply->limit: first the additional section goes (RFC 2181 9), then TC=1 with
 * no records at all (an EDE text is cut if even that is too long). msg is what
 * answer was read from, and the questions are equal. Returns the length (> 0),
 * or 0 if cap is too small or the questions have not the same length, type and
 * class; cap of DNS_MESSAGE_MAX is always enough, and so is reply->limit.
 */
size_t dns_answer_write(uint8_t *buf, size_t cap, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_query *query,
    const struct dns_reply *reply);

/* Writes an answer without records that says TC=1: the client is to come by
 * TCP. The question was read. Returns its length, within reply->limit. */
size_t dns_truncated_write(uint8_t *buf, size_t cap,
    const struct dns_query *query, const struct dns_reply *reply);

/*
 * Writes an answer of our own: rcode, no records, the question as far as it
 * was read, RA set, and with EDNS an OPT that holds ede (NULL or DNS_EDE_NONE:
 * none). Returns its length, at most DNS_ERROR_MAX, within reply->limit.
 */
#define DNS_ERROR_MAX	 512
#define DNS_EDE_TEXT_MAX 128 /* what is longer is cut */
size_t dns_error_write(uint8_t *buf, size_t cap, uint16_t rcode,
    const struct dns_ede *ede, const struct dns_query *query,
    const struct dns_reply *reply);

#endif
