/*
 * S3-FIFO (Yang et al., SOSP 2023): new entries go into a small ring of a
 * tenth of the room; one that was used there more than once goes on to the
 * main ring, any other leaves a ghost (16 bits of its hash) and is gone. One
 * whose ghost is met goes straight into the main ring, where what was used
 * since it was written gets another round for each use. So a scan of random
 * names passes through the small ring and never touches nine tenths.
 *
 * Why not LRU: a scan flushes it, and each hit writes to shared lists (links
 * that a broken worker could aim at anything). Why not SIEVE: it takes entries
 * from the middle of its queue, so that room must come from an allocator with
 * its fragmentation, and a scan of half of all questions fills its head. Here
 * both queues are FIFOs: with entries of any size each is a ring buffer, so
 * nothing fragments, no free list can be forged, and the memory is a hard
 * bound from the first second. A hit writes two bits at most.
 *
 * Nothing in shared memory is believed: positions are copied, checked and only
 * then used, every loop moves on through them by at least a word, and what
 * makes no sense is reported, never repaired.
 */
#include <string.h>

#include "cache_ring.h"

/* Used so often in the small ring: on to the main one. */
#define USES_KEPT 2
/* What one put may move; what else must go then goes, used or not. */
#define MOVES_MAX 64
/* Main ring entries looked at to clean up, in one put. */
#define CLEANED_MAX 4
#define LONG_AGO    (24 * 3600 * (uint64_t)1000) /* ms after the expiry */
#define NOWHERE	    UINT32_MAX

/* A put under way: positions copied out of shared memory and checked. */
struct work {
	const struct shard *s;
	uint64_t now;
	uint32_t first[CACHE_RINGS], end[CACHE_RINGS];
	uint32_t moves;
	bool inconsistent;
};

/* The oldest of a ring, taken off it. */
struct oldest {
	uint64_t *slot; /* NULL: it was dropped or replaced */
	struct entry entry;
	uint32_t word, words;
};

static bool work_begin(struct work *, const struct shard *, uint64_t);
static void work_end(const struct work *);
static bool make_room(struct work *, int, uint32_t);
static void small_evict(struct work *, const struct oldest *);
static void main_evict(struct work *, const struct oldest *);
static void main_clean(struct work *);
static bool is_much_dead(const struct work *);
static bool is_long_over(const struct work *, const struct entry *);
static uint32_t free_words(const struct work *, int);
static bool main_has_room(const struct work *, uint32_t);
static bool oldest_take(struct work *, int, struct oldest *);
static void evict(struct work *, const struct oldest *);
static void move(struct work *, const struct oldest *, uint32_t);
static bool fits(const struct work *, int, uint32_t);
static uint32_t place(struct work *, int, uint32_t);
static void fill(const struct shard *, uint32_t, uint32_t);
static void entry_write(const struct shard *, uint32_t, const struct fresh *);
static void bytes_write(uint64_t *, const uint8_t *, size_t);
static struct shard shard_of_entry(const struct shard *, uint64_t);
static uint64_t *slot_of(const struct shard *, uint64_t, uint32_t);
static uint64_t *slot_free(const struct shard *);
static void ghost_leave(const struct shard *, uint64_t);

enum ring_result
ring_put(const struct shard *s, int ring, const struct fresh *fresh,
    uint32_t uses, uint64_t now)
{
	uint32_t word, words;
	uint64_t *slot;
	struct work w;

	words = entry_words(fresh->entry.key_len, fresh->entry.len);
	if (words >= s->c->ring_words[ring])
		return RING_TOO_LARGE;
	if (!work_begin(&w, s, now))
		return RING_INCONSISTENT;
	main_clean(&w);
	if (!make_room(&w, ring, words))
		return RING_INCONSISTENT;
	word = place(&w, ring, words);
	work_end(&w);
	entry_write(s, word, fresh);
	slot = slot_free(s);
	word_set(slot, SLOT(fresh->entry.hash, word, uses));
	shard_count(s, 1, words);
	return RING_DONE;
}

bool
ring_replace(
    const struct shard *s, const struct found *old, const struct fresh *fresh)
{
	uint32_t had, needs;
	uint64_t uses = old->value & SLOT_USES;

	had = entry_words(old->entry.key_len, old->entry.len);
	needs = entry_words(fresh->entry.key_len, fresh->entry.len);
	if (needs > had)
		return false;
	entry_write(s, old->word, fresh);
	if (needs < had)
		fill(s, old->word + needs, had - needs);
	word_set(
	    old->slot, SLOT(fresh->entry.hash, old->word, uses > 0 ? 1U : 0U));
	shard_count(s, 0, (int64_t)needs - had);
	return true;
}

bool
ghost_take(const struct shard *s, uint64_t hash)
{
	uint64_t ghosts = word_get(s->ghosts), kept = 0;
	uint16_t ghost, mine = (uint16_t)hash != 0 ? (uint16_t)hash : 1;
	bool met = false;
	int i;

	for (i = 48; i >= 0; i -= 16) {
		ghost = (uint16_t)(ghosts >> i);
		if (ghost == mine)
			met = true;
		else
			kept = kept << 16 | ghost;
	}
	if (met)
		word_set(s->ghosts, kept);
	return met;
}

static void
ghost_leave(const struct shard *s, uint64_t hash)
{
	uint16_t mine = (uint16_t)hash != 0 ? (uint16_t)hash : 1;

	word_set(s->ghosts, word_get(s->ghosts) << 16 | mine);
}

static bool
work_begin(struct work *w, const struct shard *s, uint64_t now)
{
	int i;

	memset(w, 0, sizeof(*w));
	w->s = s;
	w->now = now;
	for (i = 0; i < CACHE_RINGS; i++) {
		w->first[i] =
		    __atomic_load_n(&s->head->first[i], __ATOMIC_RELAXED);
		w->end[i] = __atomic_load_n(&s->head->end[i], __ATOMIC_RELAXED);
		if (w->first[i] >= s->c->ring_words[i] ||
		    w->end[i] >= s->c->ring_words[i])
			return false;
	}
	return true;
}

static void
work_end(const struct work *w)
{
	int i;

	for (i = 0; i < CACHE_RINGS; i++) {
		__atomic_store_n(
		    &w->s->head->first[i], w->first[i], __ATOMIC_RELAXED);
		__atomic_store_n(
		    &w->s->head->end[i], w->end[i], __ATOMIC_RELAXED);
	}
}

/* Ends: each turn takes at least a word off the ring, and an empty ring has
 * room for whatever is smaller than it. */
static bool
make_room(struct work *w, int ring, uint32_t words)
{
	struct oldest oldest;

	while (!w->inconsistent && !fits(w, ring, words)) {
		if (!oldest_take(w, ring, &oldest) || oldest.slot == NULL)
			continue;
		if (ring == CACHE_SMALL)
			small_evict(w, &oldest);
		else
			main_evict(w, &oldest);
	}
	return !w->inconsistent;
}

/* The main ring is filled first with whatever comes, or a young cache would
 * use a tenth of its room. */
static void
small_evict(struct work *w, const struct oldest *oldest)
{
	uint64_t uses = word_get(oldest->slot) & SLOT_USES;
	bool dead = is_long_over(w, &oldest->entry);

	if (!dead && w->moves < MOVES_MAX) {
		if (main_has_room(w, oldest->words)) {
			move(w, oldest, (uint32_t)uses);
			return;
		}
		if (uses >= USES_KEPT) {
			w->moves++;
			if (make_room(w, CACHE_MAIN, oldest->words))
				move(w, oldest, 0);
			return;
		}
	}
	evict(w, oldest);
	if (!dead) {
		struct shard s = shard_of_entry(w->s, oldest->entry.hash);
		ghost_leave(&s, oldest->entry.hash);
	}
}

static void
main_evict(struct work *w, const struct oldest *oldest)
{
	uint64_t uses = word_get(oldest->slot) & SLOT_USES;

	if (uses > 0 && w->moves < MOVES_MAX &&
	    !is_long_over(w, &oldest->entry) &&
	    fits(w, CACHE_MAIN, oldest->words)) {
		w->moves++;
		move(w, oldest, (uint32_t)uses - 1);
		return;
	}
	evict(w, oldest);
}

/*
 * What expired long ago makes room, and what was dropped or replaced, which
 * would else lie there until the main ring needs room. If that is much, those
 * that live move up: some for each new entry, as in a log that is cleaned.
 */
static void
main_clean(struct work *w)
{
	const struct shard *s = w->s;
	const bool much = is_much_dead(w);
	struct oldest oldest;
	struct entry entry;
	uint32_t i, first;

	for (i = 0; i < CLEANED_MAX; i++) {
		first = w->first[CACHE_MAIN];
		if (first == w->end[CACHE_MAIN])
			return;
		if (!much &&
		    (!entry_read(s, s->c->ring_at[CACHE_MAIN] + first,
			 s->c->shard_words, &entry) ||
			!is_long_over(w, &entry)))
			return;
		if (!oldest_take(w, CACHE_MAIN, &oldest) || oldest.slot == NULL)
			continue;
		if (is_long_over(w, &oldest.entry)) {
			evict(w, &oldest);
		} else if (fits(w, CACHE_MAIN, oldest.words)) {
			move(w, &oldest,
			    (uint32_t)(word_get(oldest.slot) & SLOT_USES));
		} else {
			w->first[CACHE_MAIN] = first;
			return;
		}
	}
}

/* The figure of what lives is only believed so far. */
static bool
is_much_dead(const struct work *w)
{
	const uint32_t *all = w->s->c->ring_words;
	uint64_t used = (uint64_t)all[CACHE_SMALL] + all[CACHE_MAIN] -
	    free_words(w, CACHE_SMALL) - free_words(w, CACHE_MAIN);

	return word_get(&w->s->head->words) + all[CACHE_MAIN] / 8 < used;
}

static bool
is_long_over(const struct work *w, const struct entry *entry)
{
	return entry->expires + LONG_AGO < w->now;
}

/* Not the little that an eviction leaves over: that is for what comes next. */
static bool
main_has_room(const struct work *w, uint32_t words)
{
	return free_words(w, CACHE_MAIN) >
	    w->s->c->ring_words[CACHE_MAIN] / 64 &&
	    fits(w, CACHE_MAIN, words);
}

static uint32_t
free_words(const struct work *w, int ring)
{
	uint32_t first = w->first[ring], end = w->end[ring];

	return first > end ? first - end
			   : w->s->c->ring_words[ring] - end + first;
}

/* False: it was a filler, or made no sense. */
static bool
oldest_take(struct work *w, int ring, struct oldest *oldest)
{
	const struct shard *s = w->s;
	uint32_t first = w->first[ring], end = w->end[ring], stop;
	uint64_t word;
	bool entry;

	/* Entries lie in [first, stop) before any that wrapped around. */
	stop = end > first ? end : s->c->ring_words[ring];
	oldest->word = s->c->ring_at[ring] + first;
	word = word_get(&s->words[oldest->word]);
	entry = (word & FILLER) != FILLER;
	if (entry) {
		if (!entry_read(s, oldest->word, s->c->ring_at[ring] + stop,
			&oldest->entry))
			goto inconsistent;
		oldest->words =
		    entry_words(oldest->entry.key_len, oldest->entry.len);
		oldest->slot = slot_of(s, oldest->entry.hash, oldest->word);
	} else {
		if (word >> 16 == 0 || word >> 16 > stop - first)
			goto inconsistent;
		oldest->words = (uint32_t)(word >> 16);
	}
	first += oldest->words;
	w->first[ring] = first == s->c->ring_words[ring] ? 0 : first;
	return entry;

inconsistent:
	w->inconsistent = true;
	return false;
}

static void
evict(struct work *w, const struct oldest *oldest)
{
	word_set(oldest->slot, 0);
	shard_count(w->s, -1, -(int64_t)oldest->words);
	shard_count_evicted(w->s);
}

/*
 * To the end of the main ring, where it fits. It may overlap itself there,
 * but then only from above: what was just taken off the main ring is the
 * last of the free room.
 */
static void
move(struct work *w, const struct oldest *oldest, uint32_t uses)
{
	const struct shard *s = w->s;
	uint64_t value = word_get(oldest->slot);
	uint32_t to, i;

	/* Making room for it may have taken its slot, if that was forged. */
	if (SLOT_WORD(value) != oldest->word) {
		w->inconsistent = true;
		return;
	}
	to = place(w, CACHE_MAIN, oldest->words);
	for (i = 0; i < oldest->words; i++)
		word_set(
		    &s->words[to + i], word_get(&s->words[oldest->word + i]));
	word_set(oldest->slot, SLOT(oldest->entry.hash, to, uses));
}

/* End never comes to first but in an empty ring. */
static bool
fits(const struct work *w, int ring, uint32_t words)
{
	uint32_t first = w->first[ring], end = w->end[ring];
	uint32_t all = w->s->c->ring_words[ring];

	if (first == end)
		return words < all;
	if (end < first)
		return words < first - end;
	return words < all - end || (words == all - end && first > 0) ||
	    words < first;
}

/* The place of so many words, which fit, within the shard. */
static uint32_t
place(struct work *w, int ring, uint32_t words)
{
	const struct shard *s = w->s;
	uint32_t end, all = s->c->ring_words[ring];

	if (w->first[ring] == w->end[ring])
		w->first[ring] = w->end[ring] = 0;
	end = w->end[ring];
	if (words > all - end) {
		fill(s, s->c->ring_at[ring] + end, all - end);
		end = 0;
	}
	w->end[ring] = end + words == all ? 0 : end + words;
	return s->c->ring_at[ring] + end;
}

static void
fill(const struct shard *s, uint32_t word, uint32_t words)
{
	word_set(&s->words[word], (uint64_t)words << 16 | FILLER);
}

static void
entry_write(const struct shard *s, uint32_t word, const struct fresh *fresh)
{
	const struct entry *entry = &fresh->entry;
	uint64_t *to = s->words + word;

	word_set(&to[HEAD_KEY], entry->stored << 16 | entry->key_len);
	word_set(&to[HEAD_PAYLOAD], entry->expires << 16 | entry->len);
	word_set(&to[HEAD_HASH], entry->hash);
	word_set(&to[HEAD_TAG], (uint64_t)entry->claimed << 32 | entry->tag);
	to += HEAD_WORDS;
	bytes_write(to, fresh->key, entry->key_len);
	bytes_write(to + words_of(entry->key_len), fresh->payload, entry->len);
}

static void
bytes_write(uint64_t *to, const uint8_t *from, size_t len)
{
	uint64_t word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, from + i, 8);
		word_set(to++, word);
	}
	if (i == len)
		return;
	word = 0;
	memcpy(&word, from + i, len - i);
	word_set(to, word);
}

/* The same shard, whatever the entry's hash says, with the entry's bucket. */
static struct shard
shard_of_entry(const struct shard *s, uint64_t hash)
{
	struct shard of = shard_of(s->c, hash);

	of.bucket = s->words + (of.bucket - of.words);
	of.ghosts = s->words + (of.ghosts - of.words);
	of.words = s->words;
	of.head = s->head;
	return of;
}

/* The slot that points to a word: an entry without one is dead. */
static uint64_t *
slot_of(const struct shard *s, uint64_t hash, uint32_t word)
{
	struct shard of = shard_of_entry(s, hash);
	uint64_t *bucket = of.bucket;
	uint32_t i, b;

	for (b = 0; b < 2; b++, bucket = shard_pair(s, bucket))
		for (i = 0; i < SLOTS; i++)
			if (SLOT_WORD(word_get(&bucket[i])) == word)
				return &bucket[i];
	return NULL;
}

/* A free slot of the pair, or that of the entry least used: it is dead then,
 * and its room is had back when its turn comes. */
static uint64_t *
slot_free(const struct shard *s)
{
	uint64_t *bucket = s->bucket, *least = s->bucket, value, uses;
	struct entry entry;
	uint32_t i, b;

	for (b = 0; b < 2; b++, bucket = shard_pair(s, bucket)) {
		for (i = 0; i < SLOTS; i++) {
			value = word_get(&bucket[i]);
			if (value == 0)
				return &bucket[i];
			uses = word_get(least) & SLOT_USES;
			if ((value & SLOT_USES) < uses)
				least = &bucket[i];
		}
	}
	if (entry_read(
		s, SLOT_WORD(word_get(least)), s->c->shard_words, &entry))
		shard_count(
		    s, -1, -(int64_t)entry_words(entry.key_len, entry.len));
	shard_count_evicted(s);
	return least;
}
