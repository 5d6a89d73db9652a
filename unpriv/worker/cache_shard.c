/* A shard's lock, sequence and index; see cache_shard.h. */
#include <string.h>

#include "dotproxy/conf.h"
#include "cache_shard.h"

#define LOCK_TRIES 4

static struct shard shard_with(const struct cache *, uint32_t, uint64_t);
static bool entry_is(const struct shard *, uint32_t, const struct entry *,
    uint64_t, const uint8_t *, size_t);

/* Of the hash's bits the highest 10 choose the shard, the next 32 the bucket;
 * the slot has the lowest 36 and the ghosts the lowest 16. */
struct shard
shard_of(const struct cache *c, uint64_t hash)
{
	return shard_with(c, (uint32_t)(hash >> 54) & (c->shards - 1), hash);
}

struct shard
shard_at(const struct cache *c, uint32_t i)
{
	return shard_with(c, i, 0);
}

static struct shard
shard_with(const struct cache *c, uint32_t i, uint64_t hash)
{
	uint64_t bucket = (hash >> 22 & UINT32_MAX) * c->buckets >> 32;
	struct shard s = { .c = c };

	s.head = (struct shard_head *)(void *)c->base + i;
	s.words = (uint64_t *)(void *)(c->base + c->shards_at) +
	    (size_t)i * c->shard_words;
	s.bucket = s.words + bucket * SLOTS;
	s.ghosts = s.words + (size_t)c->buckets * SLOTS + bucket;
	return s;
}

bool
shard_lock(const struct shard *s)
{
	uint32_t owner, tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		owner = __atomic_load_n(&s->head->lock, __ATOMIC_RELAXED);
		/* One's own, that one does not hold, or nobody's number. */
		if (owner != 0 && owner != s->c->owner &&
		    owner <= CONF_WORKERS_MAX)
			continue;
		if (__atomic_compare_exchange_n(&s->head->lock, &owner,
			s->c->owner, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			break;
	}
	if (tries == LOCK_TRIES)
		return false;
	if (word_get(&s->head->sequence) % 2 != 0) {
		shard_begin(s);
		shard_empty(s);
		shard_end(s);
	}
	return true;
}

void
shard_unlock(const struct shard *s)
{
	__atomic_store_n(&s->head->lock, 0, __ATOMIC_RELEASE);
}

/* The fence keeps the writes that follow behind the odd number; on x86-64 it
 * costs nothing, on aarch64 it is a dmb. */
void
shard_begin(const struct shard *s)
{
	word_set(&s->head->sequence, word_get(&s->head->sequence) | 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void
shard_end(const struct shard *s)
{
	__atomic_store_n(&s->head->sequence,
	    (word_get(&s->head->sequence) | 1) + 1, __ATOMIC_RELEASE);
}

void
shard_empty(const struct shard *s)
{
	uint32_t i;

	for (i = 0; i < s->c->buckets * (SLOTS + 1); i++)
		word_set(&s->words[i], 0);
	for (i = 0; i < CACHE_RINGS; i++) {
		__atomic_store_n(&s->head->first[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&s->head->end[i], 0, __ATOMIC_RELAXED);
	}
	word_set(&s->head->entries, 0);
	word_set(&s->head->words, 0);
}

uint64_t
shard_read(const struct shard *s)
{
	return __atomic_load_n(&s->head->sequence, __ATOMIC_ACQUIRE);
}

bool
shard_is_whole(const struct shard *s, uint64_t sequence)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return sequence % 2 == 0 && word_get(&s->head->sequence) == sequence;
}

bool
shard_find(const struct shard *s, uint64_t hash, const void *key,
    size_t key_len, struct found *found)
{
	const uint64_t tag = hash << SLOT_TAG_SHIFT;
	uint64_t *bucket = s->bucket;
	uint32_t i, b;

	for (b = 0; b < 2; b++, bucket = shard_pair(s, bucket)) {
		for (i = 0; i < SLOTS; i++) {
			found->value = word_get(&bucket[i]);
			if (((found->value ^ tag) & SLOT_TAG) != 0)
				continue;
			found->word = SLOT_WORD(found->value);
			if (!entry_read(s, found->word, s->c->shard_words,
				&found->entry))
				continue;
			if (!entry_is(s, found->word, &found->entry, hash, key,
				key_len))
				continue;
			found->slot = &bucket[i];
			return true;
		}
	}
	return false;
}

bool
entry_read(
    const struct shard *s, uint32_t word, uint32_t end, struct entry *entry)
{
	const uint64_t *shared;
	uint64_t head;

	if (word < s->c->ring_at[CACHE_SMALL] || word >= end ||
	    end - word < HEAD_WORDS)
		return false;
	shared = s->words + word;
	head = word_get(&shared[HEAD_KEY]);
	entry->key_len = (uint16_t)head;
	entry->stored = head >> 16;
	head = word_get(&shared[HEAD_PAYLOAD]);
	entry->len = (uint16_t)head;
	entry->expires = head >> 16;
	entry->hash = word_get(&shared[HEAD_HASH]);
	head = word_get(&shared[HEAD_TAG]);
	entry->tag = (uint32_t)head;
	entry->claimed = (uint32_t)(head >> 32);
	return entry->key_len <= CACHE_KEY_MAX &&
	    entry_words(entry->key_len, entry->len) <= end - word;
}

static bool
entry_is(const struct shard *s, uint32_t word, const struct entry *entry,
    uint64_t hash, const uint8_t *key, size_t key_len)
{
	const uint64_t *shared = s->words + word + HEAD_WORDS;
	uint64_t own;
	size_t i;

	if (entry->hash != hash || entry->key_len != key_len)
		return false;
	for (i = 0; i + 8 <= key_len; i += 8) {
		memcpy(&own, key + i, 8);
		if (word_get(shared++) != own)
			return false;
	}
	if (i == key_len)
		return true;
	own = 0;
	memcpy(&own, key + i, key_len - i);
	return word_get(shared) == own;
}

void
shard_count(const struct shard *s, int entries, int64_t words)
{
	word_set(&s->head->entries,
	    word_get(&s->head->entries) + (uint64_t)(int64_t)entries);
	word_set(&s->head->words, word_get(&s->head->words) + (uint64_t)words);
}

void
shard_count_evicted(const struct shard *s)
{
	word_set(&s->head->evicted, word_get(&s->head->evicted) + 1);
}
