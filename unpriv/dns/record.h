/*
 * Resource records (RFC 1035 4.1.3), and the OPT's options (RFC 6891 6.1.2):
 * where each begins and ends in a message. For this folder's own use.
 */
#ifndef UNPRIV_DNS_RECORD_H
#define UNPRIV_DNS_RECORD_H

#include "reader.h"

struct dns_record {
	size_t start; /* offsets into the message: of the owner's name, */
	size_t fixed; /* of the type, */
	size_t rdata; /* of the RDATA, */
	size_t end; /* and of what follows it */
	uint32_t ttl;
	uint16_t type;
	uint16_t class;
};

/*
 * Reads a record with its bounds and its owner's name checked; of its RDATA
 * nothing but the length. Failure is the reader's.
 */
void dns_record_read(struct dns_record *record, struct dns_reader *r);

/* The owner is the root, not even by a pointer: what an OPT must have. */
bool dns_record_is_of_root(const struct dns_record *record);

/*
 * Whether the RDATA holds what the type says, for the types whose names may
 * be compressed (RFC 3597 4); always for any other. r is any reader of the
 * message that the record was read from.
 */
bool
dns_record_check(const struct dns_record *record, const struct dns_reader *r);

/* Writes the record with every name that could hold a pointer uncompressed. */
void dns_record_expand(struct dns_writer *w, const struct dns_record *record,
    const struct dns_reader *r);

struct dns_option {
	const uint8_t *data;
	uint16_t code;
	uint16_t len;
};

/* A reader of the RDATA alone; for an OPT, of options. */
void dns_record_rdata(struct dns_reader *rdata, const struct dns_record *record,
    const struct dns_reader *r);

/* The next option; false at the end, and when one overruns (then failed). */
bool dns_option_read(struct dns_option *option, struct dns_reader *rdata);

#endif
