/*
 * What the log is told of an upstream's addresses: a line when one changes
 * its state, and of the same at most one a minute, with a count.
 */
#ifndef UNPRIV_TLS_REPORT_H
#define UNPRIV_TLS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason.h"
#include "upstream.h"
#include "verify.h"

#define REPORT_AGAIN 60000 /* milliseconds */

/* A config came: all is told anew. */
void report_reset(void);
/* More of what report_address is told next: detail may be NULL; chain (what
 * was verified), too. Neither is kept. */
void report_detail(const char *detail, const struct verify_result *chain);
/* A failure in an operator's words, into buf; detail may be NULL. */
void
report_text(char *buf, size_t size, enum reason reason, const char *detail);
void report_address(const struct upstreams *all, uint32_t upstream,
    uint32_t address, enum reason reason, uint64_t now);

/* It became suspect, or well again: a line for each change, but no more than
 * one a minute of an address that goes to and fro. */
void report_health(const struct upstreams *all, uint32_t upstream,
    uint32_t address, bool suspect, enum reason reason, uint64_t now);

#endif
