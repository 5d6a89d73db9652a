/*
 * The cache: whole answers in memory that all workers share (a memfd of the
 * parent's). It outlives every worker, and any of them may be broken into: so
 * nothing read from it is trusted, and nobody ever waits for a lock of it.
 * Pure: no clock, no system call, no allocation; the memory is the caller's.
 */
#ifndef UNPRIV_WORKER_CACHE_H
#define UNPRIV_WORKER_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/siphash.h"

#define CACHE_SIZE_MIN ((size_t)1 << 20) /* 1 MiB */
#define CACHE_SIZE_MAX ((size_t)64 << 30)
/* The largest entry: key, payload and what the cache itself adds. */
#define CACHE_KEY_MAX	  264
#define CACHE_PAYLOAD_MAX 65535
/* Times are milliseconds below this; what is above is taken for it. */
#define CACHE_TIME_MAX (((uint64_t)1 << 48) - 1)

/* New entries go into the small ring, those asked for again into the main. */
enum { CACHE_SMALL, CACHE_MAIN, CACHE_RINGS };

/* A worker's view of it. Plain data; nothing of it lies in shared memory, and
 * all but owner and key is a function of base and size alone. */
struct cache {
	uint8_t *base;
	size_t size; /* of the memory, as mapped */
	uint32_t shards; /* a power of two */
	uint32_t owner; /* this worker, and no other living one; not 0 */
	uint64_t shards_at; /* bytes from base to the first shard */
	uint32_t shard_words; /* of 8 bytes; and so are the next */
	uint32_t ring_at[CACHE_RINGS], ring_words[CACHE_RINGS];
	uint32_t buckets; /* of a shard; even */
	struct siphash_key key;
};

/*
 * Attaches to memory of size bytes (CACHE_SIZE_MIN .. CACHE_SIZE_MAX, a
 * multiple of 4096), page-aligned: all zero is an empty cache. All workers
 * have the same key. owner identifies this process's locks: the worker's index
 * + 1, at most CONF_WORKERS_MAX. What a dead process of the same owner left
 * half written is emptied, shard by shard. 0, or -1 when an argument is out of
 * bounds.
 */
int cache_attach(struct cache *c, void *memory, size_t size,
    const struct siphash_key *key, uint32_t owner);

/* What is told of an entry that was found; its payload is in the caller's
 * buffer. */
struct cache_hit {
	uint64_t stored; /* ms, as given to cache_put */
	uint64_t expires; /* ms, as given to cache_put */
	uint32_t tag; /* as given to cache_put */
	uint16_t len; /* of the payload */
	uint8_t uses; /* how often it was found before: 0 .. 3, saturating;
			   * a put in its place leaves 1 at most */
};

/*
 * Looks key (at most CACHE_KEY_MAX bytes) up and copies the payload into buf
 * (CACHE_PAYLOAD_MAX bytes of room, no alignment needed). False: it is not
 * there (or is being written, or was torn: a miss costs a question, never a
 * wait), and buf may hold anything. Whether it has expired is for the caller
 * to see. hash is cache_hash of the key.
 */
bool cache_get(const struct cache *c, uint64_t hash, const void *key,
    size_t key_len, uint8_t *buf, struct cache_hit *hit);

/* SipHash of the key; kept by the caller from get to put. */
uint64_t cache_hash(const struct cache *c, const void *key, size_t key_len);
/* Brings the bucket of a hash near: to be called two packets ahead ... */
void cache_prefetch(const struct cache *c, uint64_t hash);
/* ... and what it points to, when the bucket has come: one packet ahead. */
void cache_prefetch_entry(const struct cache *c, uint64_t hash);

/*
 * Puts an entry in, in the place of one with the same key. False: it was not
 * (another worker writes to the shard, or it is too large): that costs a
 * question later. The one with the same key may be gone even then. now is for
 * the eviction of what expired long ago.
 */
bool cache_put(struct cache *c, uint64_t hash, const void *key, size_t key_len,
    const void *payload, size_t len, uint64_t stored, uint64_t expires,
    uint32_t tag, uint64_t now);

/* True for the first who asks it of this entry until it is put anew, or until
 * ms from now (and at most 49 days from when it was stored): so one worker
 * refreshes it. False also when it is not there or the shard is not free. */
bool cache_claim(struct cache *c, uint64_t hash, const void *key,
    size_t key_len, uint64_t now, uint32_t ms);

/* Drops the entry, if it is there and the shard is free. */
void
cache_drop(struct cache *c, uint64_t hash, const void *key, size_t key_len);

/* Figures over all shards, read without locks: for counters only. */
struct cache_figures {
	uint64_t entries, bytes, evicted;
};
void cache_figures(const struct cache *c, struct cache_figures *figures);

#endif
