/*
 * Token buckets in a table of a fixed size, four to a cache line, found by a
 * hash. Private to the limits' files; no clock, no allocation.
 *
 * A line is a set: when it is full, who has not been coming back leaves first,
 * of those the one that was away the longest. So a flood of addresses that
 * come once pushes out its own entries, and one slot of a set at most stays
 * contested among those that do come back.
 */
#ifndef UNPRIV_WORKER_LIMIT_SET_H
#define UNPRIV_WORKER_LIMIT_SET_H

#include <stdint.h>

#define LIMIT_WAYS 4

/* A token is LIMIT_TOKEN of balance. */
#define LIMIT_TOKEN 1000

/* Seen so often, at other times each, is a regular. It is forgotten by halves:
 * one for each 65 s (2^16 ms) that an entry stays away. */
#define LIMIT_REGULAR 3

struct limit_entry {
	uint32_t tag; /* 0: free */
	uint32_t last; /* ms, and wraps */
	int32_t balance;
	uint16_t over; /* in the window */
	uint8_t window;
	uint8_t seen;
};
_Static_assert(sizeof(struct limit_entry) * LIMIT_WAYS == 64, "a cache line");

/* What all entries of a kind have in common. */
struct limit_bucket {
	uint32_t rate; /* balance a millisecond, i.e. tokens a second */
	int32_t full, floor; /* bounds of the balance; floor <= 0 */
	uint8_t window; /* the one that over is counted in */
	uint32_t window_ms; /* how long that is; 0: it is not counted */
};

/* rate and burst are tokens; burst * LIMIT_TOKEN fits an int32_t. */
void limit_set_bucket(struct limit_bucket *b, uint32_t rate, uint32_t burst);

/* The set of a hash, of so many, and its tag in it. */
static inline uint32_t
limit_set_of(uint64_t hash, uint32_t sets)
{
	return (uint32_t)((hash >> 32) * sets >> 32);
}

static inline uint32_t
limit_tag_of(uint64_t hash)
{
	return (uint32_t)hash + ((uint32_t)hash == 0);
}

/* The entry of a tag, or NULL. */
struct limit_entry *limit_set_find(struct limit_entry *set, uint32_t tag);

/* The entry of a tag, with what its balance has grown since; one with a full
 * balance if there was none. now is in milliseconds and may have wrapped. */
struct limit_entry *limit_set_visit(struct limit_entry *set, uint32_t tag,
    const struct limit_bucket *bucket, uint32_t now);

/* Counts a question over the limit in the window: the how manieth it is, as far
 * as 65535. Beyond that it goes on from the half, so that slips go on. */
uint16_t limit_set_over(struct limit_entry *e);

/* Takes cost from the balance, as far as its floor. */
void limit_set_pay(
    struct limit_entry *e, const struct limit_bucket *bucket, uint32_t cost);

#endif
