/*
 * What is kept and what goes: the two rings of a shard. Private to the
 * cache's files; called with the shard's lock held, between shard_begin and
 * shard_end.
 */
#ifndef UNPRIV_WORKER_CACHE_RING_H
#define UNPRIV_WORKER_CACHE_RING_H

#include "cache_shard.h"

/* An entry to be written: the caller's own memory. */
struct fresh {
	const void *key, *payload;
	struct entry entry;
};

enum ring_result {
	RING_DONE,
	RING_TOO_LARGE,
	RING_INCONSISTENT, /* the shard makes no sense: to be emptied */
};

/* Writes the entry at the end of a ring, making room for it, and takes a slot
 * for it with these uses. */
enum ring_result ring_put(const struct shard *s, int ring,
    const struct fresh *fresh, uint32_t uses, uint64_t now);

/* Writes the entry over an old one, if it fits there; keeps its slot. */
bool ring_replace(
    const struct shard *s, const struct found *old, const struct fresh *fresh);

/* True if the entry left the small ring unused not long ago; and forgets it. */
bool ghost_take(const struct shard *s, uint64_t hash);

#endif
