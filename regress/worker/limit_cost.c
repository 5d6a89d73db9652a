/*
 * What a look at a limit costs, for a person: nanoseconds, best of five rounds;
 * under `valgrind --tool=callgrind --toggle-collect=looks` instructions.
 *
 *   limit_cost [clients [rounds]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unpriv/worker/limit.h"

#include "cache_room.h"

#define BATCH 32
#define LOOKS (1 << 20)

static struct limit limit;
static struct netaddr client[LOOKS];
static uint64_t now = 1000;
static uint32_t verdicts[4];

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
prepare(uint32_t clients, uint8_t family)
{
	uint64_t state = 11, high, n;
	uint32_t i;

	for (i = 0; i < LOOKS; i++) {
		n = room_random(&state) % clients;
		high = room_random(&n);
		client[i] = (struct netaddr){ .family = family,
			.bits = family == 4 ? 32 : 128 };
		memcpy(client[i].bytes, &high, family == 4 ? 4 : 8);
	}
}

/* As a batch of packets has them. */
__attribute__((noinline)) static void
looks(uint32_t n, uint32_t cost)
{
	struct limit_key key[BATCH];
	struct limit_look look;
	uint32_t i, at;

	for (at = 0; at < n; at += BATCH, now++) {
		for (i = 0; i < BATCH; i++)
			limit_find(&limit, &client[at + i], false, &key[i]);
		for (i = 0; i < BATCH; i++) {
			look = limit_look(&limit, &key[i], now / 6);
			verdicts[look.verdict]++;
			if (cost != 0 && look.verdict <= LIMIT_LEAK)
				limit_charge(&limit, &key[i], cost);
		}
	}
}

static void
measure(const char *what, uint32_t clients, uint8_t family, uint32_t cost,
    int rounds, uint32_t n)
{
	double best = 1e9, from, took;
	int i;

	prepare(clients, family);
	for (i = 0; i < rounds; i++) {
		memset(verdicts, 0, sizeof(verdicts));
		from = seconds();
		looks(n, cost);
		took = (seconds() - from) * 1e9 / n;
		best = took < best ? took : best;
	}
	printf("%-34s %5.1f ns  (under %u, leak %u, slip %u, drop %u)\n", what,
	    best, verdicts[0], verdicts[1], verdicts[2], verdicts[3]);
}

int
main(int argc, char *argv[])
{
	const struct siphash_key key = { 3, 4 };
	const struct conf_limit conf = { .rate = 500,
		.burst = 1000,
		.prefix = 32,
		.prefix6 = 56,
		.hit_cost = 250,
		.slip = 2,
		.memory = CONF_LIMIT_MEMORY };
	const int only = argc > 1 ? atoi(argv[1]) : -1;
	const int rounds = argc > 2 ? atoi(argv[2]) : 5;
	const uint32_t n = argc > 3 ? (uint32_t)atoi(argv[3]) : LOOKS;
	const struct {
		const char *what;
		uint32_t clients;
		uint8_t family;
		uint32_t cost;
	} c[] = { { "10000 clients, IPv4", 10000, 4, 0 },
		{ "the same, and what they pay", 10000, 4, 10 },
		{ "10000 clients, IPv6", 10000, 6, 0 },
		{ "one client over its limit", 1, 4, 1000 },
		{ "new addresses only, IPv4", UINT32_MAX, 4, 0 },
		{ "new addresses only, IPv6", UINT32_MAX, 6, 0 } };
	size_t i;

	limit_init(&limit, &conf, room_new(conf.memory), &key);
	for (i = 0; i < sizeof(c) / sizeof(*c); i++)
		if (only == -1 || only == (int)i)
			measure(c[i].what, c[i].clients, c[i].family, c[i].cost,
			    rounds, n);
	return 0;
}
