/* Nanoseconds of the cache's calls, best of five rounds: for a person. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache_room.h"

#define ROUNDS	5
#define PAYLOAD 100

static struct cache cache;
static uint8_t buf[CACHE_PAYLOAD_MAX], keys[200000][ROOM_KEY_MAX];
static uint64_t hashes[200000];
static uint8_t key_lens[200000];
static uint32_t order[1 << 20];
static uint64_t found;

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
prepare(uint32_t names, size_t size)
{
	uint64_t state = 3;
	uint32_t i;

	room_attach(&cache, room_new(size), size, 1);
	for (i = 0; i < names; i++) {
		key_lens[i] = (uint8_t)room_key(i, keys[i]);
		hashes[i] = cache_hash(&cache, keys[i], key_lens[i]);
		cache_put(&cache, hashes[i], keys[i], key_lens[i], buf, PAYLOAD,
		    1, 2, 3, 1);
	}
	for (i = 0; i < 1 << 20; i++)
		order[i] = (uint32_t)(room_random(&state) % names);
}

static double
time_gets(int ahead)
{
	struct cache_hit hit;
	double best = 1e9, from, took;
	uint32_t i, n;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		from = seconds();
		for (i = 0; i < (1 << 20) - 8; i++) {
			if (ahead > 0)
				cache_prefetch(&cache, hashes[order[i + 8]]);
			if (ahead > 1)
				cache_prefetch_entry(
				    &cache, hashes[order[i + 4]]);
			n = order[i];
			found += cache_get(
			    &cache, hashes[n], keys[n], key_lens[n], buf, &hit);
		}
		took = (seconds() - from) * 1e9 / ((1 << 20) - 8);
		best = took < best ? took : best;
	}
	return best;
}

static double
time_hash(uint32_t names)
{
	double best = 1e9, from, took;
	uint32_t i;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		from = seconds();
		for (i = 0; i < names; i++)
			found += cache_hash(&cache, keys[i], key_lens[i]) & 1;
		took = (seconds() - from) * 1e9 / names;
		best = took < best ? took : best;
	}
	return best;
}

/* Fresh names, forever. */
static double
time_puts(void)
{
	double best = 1e9, from, took;
	uint64_t n = 0, i;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		from = seconds();
		for (i = 0; i < 300000; i++, n++)
			cache_put(&cache, n * 0x9e3779b97f4a7c15, &n, 8, buf,
			    PAYLOAD, 1, 2, 3, 1);
		took = (seconds() - from) * 1e9 / 300000;
		best = took < best ? took : best;
	}
	return best;
}

int
main(void)
{
	prepare(1000, (size_t)32 << 20);
	printf("hash of a key of 8 .. 40 bytes: %.0f ns\n", time_hash(1000));
	printf("get, 1,000 entries: %.0f ns\n", time_gets(0));
	prepare(10000, (size_t)32 << 20);
	printf("get, 10,000 entries: %.0f ns\n", time_gets(0));
	printf("  bucket and entry prefetched: %.0f ns\n", time_gets(2));
	prepare(200000, (size_t)64 << 20);
	printf("get, 200,000 entries: %.0f ns\n", time_gets(0));
	printf("  bucket prefetched: %.0f ns\n", time_gets(1));
	printf("  bucket and entry prefetched: %.0f ns\n", time_gets(2));
	printf("put of a fresh name, 64 MiB full: %.0f ns\n", time_puts());
	printf("(found %ju)\n", (uintmax_t)found);
	return 0;
}
