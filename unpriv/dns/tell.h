/*
 * How a client is told an answer, wherever it was kept: as an upstream sent
 * it, in the cache's form, or in our own config. For this folder's own use.
 */
#ifndef UNPRIV_DNS_TELL_H
#define UNPRIV_DNS_TELL_H

#include "answer.h"
#include "reader.h"

struct dns_told {
	uint16_t flags; /* AA, TC, RA and AD of them count */
	uint16_t rcode; /* at most four bits */
	uint16_t ancount, nscount, arcount; /* without an OPT */
	/* Writes the records: all, or those before the additional section. */
	void (*records)(struct dns_writer *w, bool whole, const void *from);
	const void *from;
	size_t nede;
	/* An answer's own, one for its rcode and one for how it is told. */
	struct dns_ede ede[DNS_EDES_MAX + 2];
};

/* Begins with flags and rcode; what needs more than four bits of that becomes
 * SERVFAIL with EDE "other". No records yet, no other error. */
void dns_told_init(struct dns_told *told, uint16_t flags, uint16_t rcode);

/* Adds an error, while there is room for one. */
void dns_told_add(struct dns_told *told, const struct dns_ede *ede);

/* Writes it for the client as dns_answer_write says; 0 as there. */
size_t dns_tell(uint8_t *buf, size_t cap, const struct dns_told *told,
    const struct dns_query *query, const struct dns_reply *reply);

/* The question as the client sent it. */
void dns_tell_question(struct dns_writer *w, const struct dns_query *query);

#endif
