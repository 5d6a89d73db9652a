/*
 * The shortest answer there is: for a client that is to come again by TCP.
 */
#ifndef UNPRIV_DNS_CUT_H
#define UNPRIV_DNS_CUT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes of a client's message of len bytes, where it lies, an answer with TC
 * set, its question and nothing else (RFC 1035 4.1.1). Its length, never more
 * than len; or 0: it holds no question that could be answered so, or is an
 * answer itself. No more is read than the header and the question.
 */
size_t dns_cut(uint8_t *msg, size_t len);

#endif
