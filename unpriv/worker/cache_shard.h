/*
 * A shard of the cache: its lock, its sequence number, its index, and how an
 * entry lies in it. Private to the cache's files. What is read here from
 * shared memory is only ever used after a check against the shard's bounds.
 *
 * The memory: the heads of all shards (so that an empty cache touches one
 * page), then each shard, in words of 8 bytes:
 *
 *   index   buckets of 8 slots, a cache line each; a key's slot is in its
 *           bucket or in the other of the pair. A slot is one word, 0 if
 *           free: | 36 bits of the hash | 26 of the entry's place | 2 uses |
 *   ghosts  a word for each bucket: 16 bits each of the last four entries that
 *           left the small ring unused
 *   rings   the small one and the main one: entries, one after another
 *
 * An entry: four words of head, the key, the payload, each padded with zeros
 * to a whole word. A filler is one word and what it says it is long.
 */
#ifndef UNPRIV_WORKER_CACHE_SHARD_H
#define UNPRIV_WORKER_CACHE_SHARD_H

#include "cache.h"

/* The head of a shard, in shared memory. */
struct shard_head {
	uint32_t lock; /* 0, or the owner that writes */
	uint32_t unused;
	uint64_t sequence; /* odd while it is written */
	uint32_t first[CACHE_RINGS], end[CACHE_RINGS]; /* words in the ring */
	uint64_t entries, words, evicted; /* figures only */
	uint64_t room[9]; /* to two cache lines */
};

/* A shard as this process sees it: private, and within the memory. */
struct shard {
	const struct cache *c;
	struct shard_head *head;
	uint64_t *words;
	uint64_t *bucket; /* of the hash that it was found by */
	uint64_t *ghosts;
};

#define SLOTS		8
#define SLOT_USES	((uint64_t)3)
#define SLOT_TAG_SHIFT	28
#define SLOT_TAG	(~(uint64_t)0 << SLOT_TAG_SHIFT)
#define SLOT_WORD(slot) ((uint32_t)((slot) >> 2) & ((1U << 26) - 1))
#define SLOT(hash, word, uses)                                                 \
	((hash) << SLOT_TAG_SHIFT | (uint64_t)(word) << 2 | (uses))

enum { HEAD_KEY, HEAD_PAYLOAD, HEAD_HASH, HEAD_TAG, HEAD_WORDS };
#define FILLER 0xffffU

/* The head of an entry, copied out of shared memory: its lengths fit in the
 * types, and nothing else is known of them. */
struct entry {
	uint64_t stored, expires, hash;
	uint32_t tag, claimed; /* until this many ms after stored; 0: not */
	uint16_t key_len, len;
};

/* An entry that was found: all its words lie within the shard. */
struct found {
	uint64_t *slot;
	uint64_t value; /* of the slot */
	uint32_t word; /* where it lies */
	struct entry entry;
};

/* The only ways to touch shared memory: each word is read once, whole. */
static inline uint64_t
word_get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void
word_set(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline uint32_t
words_of(size_t bytes)
{
	return (uint32_t)((bytes + 7) / 8);
}

/* The other bucket of the pair: one line on or back. */
static inline uint64_t *
shard_pair(const struct shard *s, const uint64_t *bucket)
{
	return s->words + ((size_t)(bucket - s->words) ^ SLOTS);
}

/* Words of an entry: at most 8229. */
static inline uint32_t
entry_words(uint16_t key_len, uint16_t len)
{
	return HEAD_WORDS + words_of(key_len) + words_of(len);
}

/* The shard of a hash, by index, with the hash's bucket. */
struct shard shard_of(const struct cache *c, uint64_t hash);
struct shard shard_at(const struct cache *c, uint32_t index);

/* Takes the lock, or not: it is never waited for. Whoever has it finds the
 * sequence even: what a dead one left half written has been emptied. */
bool shard_lock(const struct shard *s);
void shard_unlock(const struct shard *s);

/* Around what a reader must not see half of; with the lock held. */
void shard_begin(const struct shard *s);
void shard_end(const struct shard *s);

/* Forgets all entries; between begin and end. */
void shard_empty(const struct shard *s);

/* The sequence number to read under; and whether what was read since is
 * whole. */
uint64_t shard_read(const struct shard *s);
bool shard_is_whole(const struct shard *s, uint64_t sequence);

/* Finds a key's entry. Without the lock, what is found means nothing until
 * shard_is_whole. */
bool shard_find(const struct shard *s, uint64_t hash, const void *key,
    size_t key_len, struct found *found);

/* The head of an entry at a word that has room for it below end. False: it
 * reaches beyond end, or is none. */
bool entry_read(
    const struct shard *s, uint32_t word, uint32_t end, struct entry *entry);

/* For the figures; with the lock held. */
void shard_count(const struct shard *s, int entries, int64_t words);
void shard_count_evicted(const struct shard *s);

#endif
