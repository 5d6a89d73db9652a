/*
 * What holds of every message, well formed or not: for the tests over the
 * packets that others made, and for the fuzz targets.
 */
#ifndef REGRESS_DNS_CHECK_H
#define REGRESS_DNS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "unpriv/dns/answer.h"

/* NULL, or the sentence that does not hold of the message. */
const char *check_query(const uint8_t *msg, size_t len);
const char *check_answer(const uint8_t *msg, size_t len);

/* What holds of an answer that is stored and told again... */
const char *check_stored(const uint8_t *msg, size_t len);
/* ... and of any bytes at all in the place of what was stored. */
const char *check_scribble(const uint8_t *stored, size_t len);

/* One of CHECK_WAYS in which a client may have asked for the answer of len
 * bytes, and may be told it. */
#define CHECK_WAYS 64
void check_way(struct dns_query *query, struct dns_reply *reply,
    const struct dns_answer *a, size_t len, unsigned int way);

#endif
