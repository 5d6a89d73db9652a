/* Memory for a cache between two pages that nobody may touch, and entries
 * that tell what they should be. For the tests. */
#ifndef REGRESS_WORKER_CACHE_ROOM_H
#define REGRESS_WORKER_CACHE_ROOM_H

#include "unpriv/worker/cache.h"

/* Shared with children, all zero; exits when there is none. */
void *room_new(size_t size);
/* Attaches with a key that all tests share. */
void room_attach(struct cache *c, void *memory, size_t size, uint32_t owner);

/* The same numbers in each run. */
uint64_t room_random(uint64_t *state);

/* Name number n, as a key: 8 .. 40 bytes. */
#define ROOM_KEY_MAX 40
size_t room_key(uint64_t n, uint8_t key[ROOM_KEY_MAX]);

/* len bytes that follow from n and version; and whether they do. */
void room_payload(uint64_t n, uint32_t version, uint8_t *buf, size_t len);
bool
room_payload_is(uint64_t n, uint32_t version, const uint8_t *buf, size_t len);

/* Puts name n with such a payload, version as its tag; and looks it up: a hit
 * with anything else in it ends the test program. */
bool room_put(struct cache *c, uint64_t n, uint32_t version, size_t len);
bool room_get(struct cache *c, uint64_t n, struct cache_hit *hit);

#endif
