/*
 * The OPT of our own answers (RFC 6891), for this folder's own use.
 */
#ifndef UNPRIV_DNS_OPT_H
#define UNPRIV_DNS_OPT_H

#include "answer.h"
#include "reader.h"

#define DNS_OPT_DO	   0x8000 /* in the TTL's lower half (RFC 6891 6.1.3) */
#define DNS_OPT_LEN	   11 /* the record without options */
#define DNS_OPT_OPTION_LEN 4 /* an option without data */

/*
 * Writes the OPT for a client that sent one: DO as in the query (RFC 3225),
 * keepalive if it asked for that over TCP, its cookie with ours, and the
 * errors. With cut, errors
 * that do not fit lose their text's end, or are left out; without, the writer
 * fails as always.
 */
void dns_opt_write(struct dns_writer *w, const struct dns_query *query,
    const struct dns_reply *reply, uint16_t rcode, const struct dns_ede *ede,
    size_t nede, bool cut);

#endif
