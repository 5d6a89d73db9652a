/*
 * What the cache keeps: against a plain map, and its hit rates against LRU and
 * FIFO with the same bytes, which each case prints.
 */
#include <atf-c.h>
#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_room.h"

#define NAMES	 100000
#define CACHE	 ((size_t)2 << 20)
#define WARM_UP	 500000
#define REQUESTS 1500000

/* A queue over names, of so many bytes: LRU, or FIFO if a hit moves nothing. */
struct queue {
	uint32_t *next, *previous; /* by name; the last is the ends of both */
	size_t bytes, most;
	bool moves;
};

static struct cache cache;
static struct cache_hit hit;
static double *chance;

ATF_TC(what_is_found_is_always_what_was_last_put);
ATF_TC_HEAD(what_is_found_is_always_what_was_last_put, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(what_is_found_is_always_what_was_last_put, tc)
{
	const size_t sizes[] = { CACHE_SIZE_MIN, (size_t)16 << 20 };
	const uint64_t names = 20000;
	static uint32_t version[20000];
	static uint16_t len[20000];
	uint64_t n, state = 7, there, hits, i;
	size_t size;
	uint32_t op;

	for (size = 0; size < 2; size++) {
		memset(version, 0, sizeof(version));
		room_attach(&cache, room_new(sizes[size]), sizes[size], 1);
		there = hits = 0;
		for (i = 1; i <= 1000000; i++) {
			n = room_random(&state) % names;
			op = (uint32_t)(room_random(&state) % 10);
			if (op < 3) {
				len[n] = (uint16_t)(room_random(&state) % 300);
				ATF_REQUIRE(
				    room_put(&cache, n, (uint32_t)i, len[n]));
				version[n] = (uint32_t)i;
			} else if (op == 3) {
				uint8_t key[ROOM_KEY_MAX];
				size_t key_len = room_key(n, key);

				cache_drop(&cache,
				    cache_hash(&cache, key, key_len), key,
				    key_len);
				version[n] = 0;
			} else {
				there += version[n] != 0;
				if (!room_get(&cache, n, &hit))
					continue;
				hits++;
				ATF_REQUIRE_EQ(version[n], hit.tag);
				ATF_REQUIRE_EQ(len[n], hit.len);
			}
		}
		printf("%zu MiB: %.3f of what was put is found\n",
		    sizes[size] >> 20, (double)hits / (double)there);
		ATF_CHECK(hits > there / 10);
		ATF_CHECK(size == 0 || hits > there / 100 * 99);
	}
}

static void
queue_make(struct queue *q, size_t names, size_t most, bool moves)
{
	q->next = calloc(names + 1, sizeof(*q->next));
	q->previous = calloc(names + 1, sizeof(*q->previous));
	if (q->next == NULL || q->previous == NULL)
		err(1, NULL);
	q->bytes = 0;
	q->most = most;
	q->moves = moves;
}

static void
queue_unmake(struct queue *q)
{
	free(q->next);
	free(q->previous);
}

/* Names are counted from 1: 0 is both ends of the ring. */
static void
queue_remove(struct queue *q, uint32_t n)
{
	q->next[q->previous[n]] = q->next[n];
	q->previous[q->next[n]] = q->previous[n];
	q->next[n] = q->previous[n] = 0;
}

static void
queue_add(struct queue *q, uint32_t n)
{
	q->next[n] = q->next[0];
	q->previous[n] = 0;
	q->previous[q->next[0]] = n;
	q->next[0] = n;
}

/* What is put for name n, and what it takes in the cache. */
static size_t
length_of(uint64_t n)
{
	uint64_t state = n;

	return 40 + room_random(&state) % 160;
}

static size_t
bytes_of(uint64_t n)
{
	uint8_t key[ROOM_KEY_MAX];

	return 32 + (room_key(n, key) + 7) / 8 * 8 + (length_of(n) + 7) / 8 * 8;
}

static bool
queue_ask(struct queue *q, uint32_t n)
{
	bool there = q->next[n] != 0 || q->next[0] == n || q->previous[0] == n;
	uint32_t last;

	if (there && q->moves) {
		queue_remove(q, n);
		queue_add(q, n);
	}
	if (there)
		return true;
	queue_add(q, n);
	q->bytes += bytes_of(n);
	while (q->bytes > q->most) {
		last = q->previous[0];
		queue_remove(q, last);
		q->bytes -= bytes_of(last);
	}
	return false;
}

static bool
cache_ask(uint32_t n)
{
	if (room_get(&cache, n, &hit))
		return true;
	ATF_REQUIRE(room_put(&cache, n, 1, length_of(n)));
	return false;
}

static void
zipf_make(double alpha)
{
	double sum = 0;
	uint32_t i;

	if (chance == NULL)
		chance = calloc(NAMES, sizeof(*chance));
	if (chance == NULL)
		err(1, NULL);
	for (i = 0; i < NAMES; i++)
		chance[i] = sum += 1 / pow(i + 1, alpha);
	for (i = 0; i < NAMES; i++)
		chance[i] /= sum;
}

static uint32_t
zipf(uint64_t *state)
{
	double x = (double)(room_random(state) >> 11) / (double)(1ULL << 53);
	uint32_t low = 0, high = NAMES - 1, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (chance[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

struct rates {
	double s3, lru, fifo;
};

/* Hit rates over the known names, after a warm-up; with a scan each second
 * question is for a name that never comes again. The queues have the bytes of
 * both rings; for their own index they pay nothing. */
static struct rates
measure(double alpha, bool scan)
{
	struct queue lru, fifo;
	uint64_t state = 42, s3_hits = 0, lru_hits = 0, fifo_hits = 0, i;
	uint32_t n, fresh = NAMES, counted = REQUESTS - WARM_UP;
	size_t bytes;

	zipf_make(alpha);
	room_attach(&cache, room_new(CACHE), CACHE, 1);
	bytes = (size_t)8 * cache.shards *
	    (cache.ring_words[CACHE_SMALL] + cache.ring_words[CACHE_MAIN]);
	queue_make(&lru, NAMES + REQUESTS, bytes, true);
	queue_make(&fifo, NAMES + REQUESTS, bytes, false);
	for (i = 0; i < REQUESTS; i++) {
		n = zipf(&state);
		s3_hits += cache_ask(n) && i >= WARM_UP;
		lru_hits += queue_ask(&lru, n) && i >= WARM_UP;
		fifo_hits += queue_ask(&fifo, n) && i >= WARM_UP;
		if (!scan)
			continue;
		fresh++;
		ATF_REQUIRE(!cache_ask(fresh));
		queue_ask(&lru, fresh);
		queue_ask(&fifo, fresh);
	}
	queue_unmake(&lru);
	queue_unmake(&fifo);
	return (struct rates){ (double)s3_hits / counted,
		(double)lru_hits / counted, (double)fifo_hits / counted };
}

ATF_TC(a_scan_does_not_spoil_it_and_without_one_it_is_no_worse_than_lru);
ATF_TC_HEAD(
    a_scan_does_not_spoil_it_and_without_one_it_is_no_worse_than_lru, tc)
{
	atf_tc_set_md_var(tc, "timeout", "300");
}
ATF_TC_BODY(
    a_scan_does_not_spoil_it_and_without_one_it_is_no_worse_than_lru, tc)
{
	const double alphas[] = { 0.9, 1.0, 1.1 };
	struct rates r;
	int scan;
	size_t i;

	printf("Zipf  scan  S3-FIFO  LRU    FIFO\n");
	for (scan = 0; scan < 2; scan++) {
		for (i = 0; i < 3; i++) {
			r = measure(alphas[i], scan);
			printf("%.1f   %-4s  %.3f    %.3f  %.3f\n", alphas[i],
			    scan ? "half" : "no", r.s3, r.lru, r.fifo);
			ATF_CHECK(r.s3 > r.lru - 0.01);
			ATF_CHECK(!scan || r.s3 > r.lru + 0.03);
			ATF_CHECK(r.s3 > r.fifo);
		}
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_found_is_always_what_was_last_put);
	ATF_TP_ADD_TC(tp,
	    a_scan_does_not_spoil_it_and_without_one_it_is_no_worse_than_lru);
	return atf_no_error();
}
