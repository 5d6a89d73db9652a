/*
 * Which answers of an upstream are asked for once more elsewhere. Pure.
 */
#ifndef UNPRIV_TLS_AGAIN_H
#define UNPRIV_TLS_AGAIN_H

#include <stdbool.h>

#include "unpriv/dns/answer.h"

/*
 * SERVFAIL or REFUSED that may be this upstream's own trouble. False for what
 * an extended error says is so on purpose, or would be so anywhere: DNSSEC
 * validation failed, or the name is kept from clients.
 */
bool again_is_worth(const struct dns_answer *answer);

#endif
