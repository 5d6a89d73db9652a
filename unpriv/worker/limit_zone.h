/*
 * How many questions may be asked of the upstreams for names beneath one name
 * (its last labels): so that random names beneath a victim's do not take the
 * way upstream from all others. Pure: a table of a fixed size.
 */
#ifndef UNPRIV_WORKER_LIMIT_ZONE_H
#define UNPRIV_WORKER_LIMIT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/conf_limit.h"
#include "dotproxy/siphash.h"

#include "limit_set.h"

#define LIMIT_ZONE_SETS 1024

/* While a LIMIT_ZONE_BUSY'th of what can be in flight is, one name may have a
 * LIMIT_ZONE_SHARE'th of it beneath it. */
#define LIMIT_ZONE_BUSY	  4
#define LIMIT_ZONE_SHARE  8
#define LIMIT_ZONE_SHARES 4096 /* that are told apart */

struct limit_zone {
	_Alignas(64) struct limit_entry entry[LIMIT_ZONE_SETS][LIMIT_WAYS];
	struct siphash_key key;
	struct limit_bucket bucket;
	uint32_t labels; /* 0: nothing is bounded yet */
	bool off;
	uint32_t flight[LIMIT_ZONE_SHARES];
};

void limit_zone_init(struct limit_zone *z, const struct siphash_key *key);

/* zone_rate (0: off), zone_burst and zone_labels within their bounds. */
void limit_zone_set(struct limit_zone *z, const struct conf_limit *conf);

/*
 * Whether a name may be asked for at now (ms), which it is then counted as.
 * name is one on the wire, uncompressed and whole, in any case of letters;
 * one of fewer labels is a zone of its own.
 */
bool limit_zone_take(
    struct limit_zone *z, const uint8_t *name, size_t len, uint64_t now);

/*
 * Whether a question for that name may be in flight beside the others, of which
 * there are used, and can be most. It is then counted under *share, until
 * limit_zone_leave. This holds without a rate, too: names that nobody answers
 * stay in flight until they are given up, and would fill all of it.
 */
bool limit_zone_enter(struct limit_zone *z, const uint8_t *name, size_t len,
    uint32_t used, uint32_t most, uint32_t *share);
/* share 0 is nobody's. */
void limit_zone_leave(struct limit_zone *z, uint32_t share);

#endif
