/*
 * Padding (RFC 7830) taken off an upstream's answer before it goes on. Pure.
 */
#ifndef UNPRIV_TLS_PADDING_H
#define UNPRIV_TLS_PADDING_H

#include <stddef.h>
#include <stdint.h>

#include "unpriv/dns/answer.h"

/*
 * Cuts a padding option that ends the message (the last option of an OPT that
 * is the last record) and returns the length that is left. answer is what
 * msg was read into; padding elsewhere stays, as len then does.
 */
size_t padding_strip(uint8_t *msg, size_t len, const struct dns_answer *answer);

#endif
