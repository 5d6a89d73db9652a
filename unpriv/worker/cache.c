/*
 * The cache's public face: attach, get, put, claim, drop. It must never wait,
 * and never use what it read from shared memory before it has checked it.
 *
 * A reader takes no lock: it copies under the shard's sequence number and
 * believes the copy if the number is even and has not changed; once more if it
 * has, then it is a miss. All shared words are read and written by relaxed
 * atomics between an acquire and a fence (C11's model of a seqlock), so the
 * same code is right on x86-64, where the fences cost nothing, and on aarch64.
 * A thread sanitizer does not know fences, nor other processes: it has nothing
 * to say against the accesses and nothing to say for them.
 */
#include <string.h>

#include "dotproxy/conf.h"
#include "cache.h"
#include "cache_ring.h"
#include "cache_shard.h"

#define SHARD_SIZE   ((size_t)2 << 20) /* no smaller, if there are two */
#define SHARDS_MAX   1024
#define BUCKET_WORDS 80 /* of entries, for each bucket of 8 slots */

_Static_assert(sizeof(struct shard_head) == 128, "two cache lines");
_Static_assert(CACHE_SIZE_MAX / SHARDS_MAX / 8 <= 1 << 26, "slots reach");

static void lay_out(struct cache *);
static void payload_copy(const struct shard *, const struct found *, uint8_t *);
static void slot_use(const struct found *);
static enum ring_result
put(const struct shard *, const struct fresh *, uint64_t);
static uint64_t time_of(uint64_t);

int
cache_attach(struct cache *c, void *memory, size_t size,
    const struct siphash_key *key, uint32_t owner)
{
	struct shard s;
	uint32_t i;

	if (size < CACHE_SIZE_MIN || size > CACHE_SIZE_MAX ||
	    size % 4096 != 0 || (uintptr_t)memory % 4096 != 0 || owner == 0 ||
	    owner > CONF_WORKERS_MAX)
		return -1;
	memset(c, 0, sizeof(*c));
	c->base = memory;
	c->size = size;
	c->owner = owner;
	c->key = *key;
	lay_out(c);
	for (i = 0; i < c->shards; i++) {
		s = shard_at(c, i);
		if (__atomic_load_n(&s.head->lock, __ATOMIC_RELAXED) == owner &&
		    shard_lock(&s))
			shard_unlock(&s);
	}
	return 0;
}

/* A shard is two MiB at least and a shard's lock is held for a put, so that
 * many workers seldom meet; and what a dead one takes with it stays small. */
static void
lay_out(struct cache *c)
{
	uint32_t index, rings;

	c->shards = 1;
	while (c->shards < SHARDS_MAX && c->size / c->shards / 2 >= SHARD_SIZE)
		c->shards *= 2;
	c->shards_at =
	    (c->shards * sizeof(struct shard_head) + 4095) / 4096 * 4096;
	c->shard_words = (uint32_t)((c->size - c->shards_at) / c->shards / 8);
	c->shard_words -= c->shard_words % SLOTS; /* buckets are cache lines */
	c->buckets = c->shard_words / (SLOTS + 1 + BUCKET_WORDS);
	c->buckets -= c->buckets % 2;
	index = c->buckets * (SLOTS + 1);
	rings = c->shard_words - index;
	c->ring_words[CACHE_SMALL] = rings / 10;
	c->ring_words[CACHE_MAIN] = rings - rings / 10;
	c->ring_at[CACHE_SMALL] = index;
	c->ring_at[CACHE_MAIN] = index + rings / 10;
}

uint64_t
cache_hash(const struct cache *c, const void *key, size_t key_len)
{
	return siphash(&c->key, key, key_len);
}

void
cache_prefetch(const struct cache *c, uint64_t hash)
{
	struct shard s = shard_of(c, hash);

	__builtin_prefetch(s.bucket);
}

void
cache_prefetch_entry(const struct cache *c, uint64_t hash)
{
	struct shard s = shard_of(c, hash);
	uint64_t slot;
	uint32_t i;

	for (i = 0; i < SLOTS; i++) {
		slot = word_get(&s.bucket[i]);
		if (((slot ^ hash << SLOT_TAG_SHIFT) & SLOT_TAG) != 0 ||
		    SLOT_WORD(slot) + 16 >= c->shard_words)
			continue;
		__builtin_prefetch(s.words + SLOT_WORD(slot));
		__builtin_prefetch(s.words + SLOT_WORD(slot) + 8);
		__builtin_prefetch(s.words + SLOT_WORD(slot) + 16);
	}
}

bool
cache_get(const struct cache *c, uint64_t hash, const void *key, size_t key_len,
    uint8_t *buf, struct cache_hit *hit)
{
	struct shard s = shard_of(c, hash);
	struct found found;
	uint64_t sequence;
	bool is_there;
	int tries;

	for (tries = 0; tries < 2; tries++) {
		sequence = shard_read(&s);
		is_there = shard_find(&s, hash, key, key_len, &found);
		if (is_there)
			payload_copy(&s, &found, buf);
		if (!shard_is_whole(&s, sequence))
			continue;
		if (!is_there)
			return false;
		hit->stored = found.entry.stored;
		hit->expires = found.entry.expires;
		hit->tag = found.entry.tag;
		hit->len = found.entry.len;
		hit->uses = (uint8_t)(found.value & SLOT_USES);
		slot_use(&found);
		return true;
	}
	return false;
}

/* shard_find has seen that it lies within the shard. */
static void
payload_copy(const struct shard *s, const struct found *found, uint8_t *buf)
{
	const uint64_t *from;
	size_t i, len = found->entry.len;
	uint64_t word;

	from = s->words + found->word + HEAD_WORDS +
	    words_of(found->entry.key_len);
	for (i = 0; i + 8 <= len; i += 8) {
		word = word_get(from++);
		memcpy(buf + i, &word, 8);
	}
	if (i == len)
		return;
	word = word_get(from);
	memcpy(buf + i, &word, len - i);
}

/* A name that many ask for is soon at three, and then no longer written to. If
 * the slot has changed, the use is lost. */
static void
slot_use(const struct found *found)
{
	uint64_t value = found->value;

	if ((value & SLOT_USES) != SLOT_USES)
		__atomic_compare_exchange_n(found->slot, &value, value + 1,
		    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

bool
cache_put(struct cache *c, uint64_t hash, const void *key, size_t key_len,
    const void *payload, size_t len, uint64_t stored, uint64_t expires,
    uint32_t tag, uint64_t now)
{
	struct shard s = shard_of(c, hash);
	struct fresh fresh = { .key = key, .payload = payload };
	enum ring_result result;

	if (key_len > CACHE_KEY_MAX || len > CACHE_PAYLOAD_MAX)
		return false;
	fresh.entry = (struct entry){ .stored = time_of(stored),
		.expires = time_of(expires),
		.hash = hash,
		.tag = tag,
		.key_len = (uint16_t)key_len,
		.len = (uint16_t)len };
	if (!shard_lock(&s))
		return false;
	shard_begin(&s);
	result = put(&s, &fresh, now);
	if (result == RING_INCONSISTENT) {
		shard_empty(&s);
		result = put(&s, &fresh, now);
	}
	shard_end(&s);
	shard_unlock(&s);
	return result == RING_DONE;
}

/* Where an entry is written anew: in its place if it fits; else in the main
 * ring if it has been used. It keeps one of its uses, so that eviction spares
 * it once, and is popular only when it is asked for again. */
static enum ring_result
put(const struct shard *s, const struct fresh *fresh, uint64_t now)
{
	const struct entry *entry = &fresh->entry;
	struct found old;
	uint64_t uses = 0;
	int ring = CACHE_SMALL;

	if (shard_find(s, entry->hash, fresh->key, entry->key_len, &old)) {
		if (ring_replace(s, &old, fresh))
			return RING_DONE;
		uses = (old.value & SLOT_USES) != 0;
		if (uses != 0 || old.word >= s->c->ring_at[CACHE_MAIN])
			ring = CACHE_MAIN;
		word_set(old.slot, 0);
		shard_count(s, -1,
		    -(int64_t)entry_words(old.entry.key_len, old.entry.len));
	} else if (ghost_take(s, entry->hash)) {
		ring = CACHE_MAIN;
	}
	return ring_put(s, ring, fresh, (uint32_t)uses, now);
}

static uint64_t
time_of(uint64_t ms)
{
	return ms < CACHE_TIME_MAX ? ms : CACHE_TIME_MAX;
}

bool
cache_claim(struct cache *c, uint64_t hash, const void *key, size_t key_len,
    uint64_t now, uint32_t ms)
{
	struct shard s = shard_of(c, hash);
	const struct entry *entry;
	struct found found;
	uint64_t until;
	bool mine = false;

	if (!shard_lock(&s))
		return false;
	if (shard_find(&s, hash, key, key_len, &found)) {
		entry = &found.entry;
		mine = entry->claimed == 0 ||
		    entry->stored + entry->claimed <= now;
		until = time_of(now) + ms;
		until = until > entry->stored ? until - entry->stored : 1;
		if (until > UINT32_MAX)
			until = UINT32_MAX;
		/* One word: a reader sees the old or the new. */
		if (mine)
			word_set(&s.words[found.word + HEAD_TAG],
			    until << 32 | entry->tag);
	}
	shard_unlock(&s);
	return mine;
}

void
cache_drop(struct cache *c, uint64_t hash, const void *key, size_t key_len)
{
	struct shard s = shard_of(c, hash);
	struct found found;

	if (!shard_lock(&s))
		return;
	if (shard_find(&s, hash, key, key_len, &found)) {
		/* Its room is had back when its turn comes. */
		word_set(found.slot, 0);
		shard_count(&s, -1,
		    -(int64_t)entry_words(
			found.entry.key_len, found.entry.len));
	}
	shard_unlock(&s);
}

void
cache_figures(const struct cache *c, struct cache_figures *figures)
{
	struct shard s;
	uint32_t i;

	memset(figures, 0, sizeof(*figures));
	for (i = 0; i < c->shards; i++) {
		s = shard_at(c, i);
		figures->entries += word_get(&s.head->entries);
		figures->bytes += word_get(&s.head->words) * 8;
		figures->evicted += word_get(&s.head->evicted);
	}
}
