/*
 * Answers that several tests begin with: of one question, with records whose
 * owner is a pointer to it.
 */
#ifndef REGRESS_DNS_SAMPLE_H
#define REGRESS_DNS_SAMPLE_H

#include "message.h"

#define SAMPLE_NAME    "www.Example.com"
#define SAMPLE_RECORDS 33 /* where the records begin: 12 + 17 + 4 */
#define SAMPLE_RDATAS  19 /* types whose names may be compressed */

void sample_begin(struct message *m, uint16_t flags);
void sample_opt(struct message *m, uint32_t ttl);
/* A TXT of so many strings of 255 bytes. */
void sample_text(struct message *m, int section, size_t strings);
/* In an OPT that was begun. */
void sample_ede(struct message *m, uint16_t code, const char *text);
/* The i-th type's record, `more` bytes longer than is right, or shorter. */
void sample_rdata(struct message *m, int section, size_t i, int more);
uint16_t sample_type(size_t i);

#endif
