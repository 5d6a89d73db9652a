/*
 * What is answered here, and neither asked of an upstream nor looked for in
 * the cache: local data and special names. Pure.
 */
#ifndef UNPRIV_WORKER_OWN_H
#define UNPRIV_WORKER_OWN_H

#include "unpriv/dns/answer.h"
#include "unpriv/dns/query.h"

#include "settings.h"

/*
 * Writes the answer to a client's question to buf (at least how->limit bytes
 * of room), told as how says; its length, or 0: it is not for us to answer.
 */
size_t
own_answer(const struct settings *settings, const struct dns_query *query,
    const struct dns_reply *how, uint8_t *buf, size_t cap);

#endif
