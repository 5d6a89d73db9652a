/*
 * What holds of every message, well formed or not: for the tests over the
 * packets that others made, and for the fuzz targets.
 */
#ifndef REGRESS_DNS_CHECK_H
#define REGRESS_DNS_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* NULL, or the sentence that does not hold of the message. */
const char *check_query(const uint8_t *msg, size_t len);
const char *check_answer(const uint8_t *msg, size_t len);

#endif
