/*
 * The CAs that upstreams have been verified to. A bundle holds a hundred more,
 * which libtls would read anew for each connection, and that takes longer than
 * all the rest of it: so the next ones are verified by these alone, and by the
 * whole bundle only if that fails. What is trusted is never more than that.
 */
#ifndef UNPRIV_TLS_KNOWN_H
#define UNPRIV_TLS_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "upstream.h"
#include "verify.h"

/* Another config. */
void known_reset(void);
/* Verifies as the upstream's does, by fewer CAs; NULL: none are known. */
struct tls_config *known_config(uint32_t upstream);
/* A connection was verified, by the whole bundle or by what known_config
 * gave. */
void known_learn(uint32_t upstream, const struct upstream *u,
    const struct verify_result *result, bool whole);

#endif
