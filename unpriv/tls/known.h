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
/* Whether this very chain (PEM, as sent) was verified a short time ago, and so
 * need not be once more after libtls has. */
bool
known_chain(uint32_t upstream, const uint8_t *chain, size_t len, uint64_t now);
/* How libtls verified the connection whose chain is now verified as well. */
enum known_how {
	KNOWN_BY_FEW, /* by what known_config gave */
	KNOWN_BY_ALL, /* by the whole bundle: it gave nothing */
	KNOWN_BY_ALL_ONLY /* ... for what it gave did not do */
};
void known_learn(uint32_t upstream, const struct upstream *u,
    const struct verify_result *result, enum known_how how);
void known_learn_chain(
    uint32_t upstream, const uint8_t *chain, size_t len, uint64_t now);

#endif
