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

struct limit_zone {
	_Alignas(64) struct limit_entry entry[LIMIT_ZONE_SETS][LIMIT_WAYS];
	struct siphash_key key;
	struct limit_bucket bucket;
	uint32_t labels;
	bool off;
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

#endif
