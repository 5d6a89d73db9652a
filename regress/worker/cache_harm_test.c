/* The cache when others do it harm: workers that die at any instruction, that
 * write at the same time, and that scribble over all of it. */
#include <atf-c.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

#include "cache_room.h"

#define SIZE  ((size_t)4 << 20)
#define NAMES 2000

static struct cache cache;
static struct cache_hit hit;

/* Puts and gets until it is killed, or so many times. */
static pid_t
child_start(void *memory, uint32_t owner, uint64_t times)
{
	struct cache own;
	uint64_t state = owner, n, i, put = 0, found = 0;
	uint32_t version = owner << 24;
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid != 0)
		return pid;
	room_attach(&own, memory, SIZE, owner);
	for (i = 0; times == 0 || i < times; i++) {
		n = room_random(&state) % NAMES;
		if (i % 2 == 0)
			put += room_put(
			    &own, n, ++version, room_random(&state) % 2000);
		else
			found += room_get(&own, n, &hit);
	}
	_exit(put < times / 10 || found < times / 10);
}

static void
child_kill(pid_t pid)
{
	int status;

	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static uint64_t
sequence_sum(void)
{
	uint64_t sum = 0, word;
	uint32_t i;

	for (i = 0; i < cache.shards; i++) {
		memcpy(&word, cache.base + i * 128 + 8, sizeof(word));
		sum += word;
	}
	return sum;
}

/* Each of its locks is free and each sequence even. */
static void
check_free(void)
{
	uint32_t i, lock;
	uint64_t sequence;

	for (i = 0; i < cache.shards; i++) {
		memcpy(&lock, cache.base + i * 128, sizeof(lock));
		memcpy(&sequence, cache.base + i * 128 + 8, sizeof(sequence));
		ATF_REQUIRE_EQ(0, lock);
		ATF_REQUIRE_EQ(0, sequence % 2);
	}
}

ATF_TC(a_worker_killed_at_any_point_costs_no_more_than_its_shard);
ATF_TC_HEAD(a_worker_killed_at_any_point_costs_no_more_than_its_shard, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(a_worker_killed_at_any_point_costs_no_more_than_its_shard, tc)
{
	uint8_t *memory = room_new(SIZE);
	uint64_t n, state = 9, before, locked = 0, odd = 0, words;
	uint32_t i, s, lock;
	pid_t pid;
	struct cache successor;

	room_attach(&cache, memory, SIZE, 1);
	for (i = 0; i < 300; i++) {
		before = sequence_sum();
		pid = child_start(memory, 2, 0);
		/* Once it writes, the others go on; it dies while they do. */
		while (sequence_sum() < before + 40)
			sched_yield();
		for (n = room_random(&state) % 200; n > 0; n--) {
			room_put(&cache, n % NAMES, i, n * 7);
			room_get(&cache, (n + 1) % NAMES, &hit);
		}
		child_kill(pid);
		for (s = 0; s < cache.shards; s++) {
			memcpy(&lock, memory + s * 128, sizeof(lock));
			memcpy(&words, memory + s * 128 + 8, sizeof(words));
			locked += lock == 2;
			odd += words % 2;
		}
		/* What it left is not found torn: room_get sees to that. */
		for (n = 0; n < NAMES; n++)
			room_get(&cache, n, &hit);
		room_attach(&successor, memory, SIZE, 2);
		check_free();
		ATF_REQUIRE(room_put(&successor, i % NAMES, i, 50));
		ATF_REQUIRE(room_get(&cache, i % NAMES, &hit));
		ATF_REQUIRE_EQ(i, hit.tag);
	}
	printf("300 killed: %ju held a lock, %ju left a shard half written\n",
	    (uintmax_t)locked, (uintmax_t)odd);
	ATF_CHECK(locked > 0);
}

/* The same without luck: locked and half written by a dead worker 2. */
ATF_TC_WITHOUT_HEAD(
    what_a_dead_worker_left_half_written_is_emptied_by_its_heir);
ATF_TC_BODY(what_a_dead_worker_left_half_written_is_emptied_by_its_heir, tc)
{
	const uint32_t dead = 2;
	uint8_t *memory = room_new(CACHE_SIZE_MIN);
	struct cache_figures figures;
	struct cache heir;

	room_attach(&cache, memory, CACHE_SIZE_MIN, 1);
	ATF_CHECK(room_put(&cache, 1, 1, 100));
	/* Killed before it wrote: nothing is lost, but nobody else writes. */
	memcpy(memory, &dead, sizeof(dead));
	ATF_CHECK(!room_put(&cache, 2, 1, 100));
	ATF_CHECK(room_get(&cache, 1, &hit));
	room_attach(&heir, memory, CACHE_SIZE_MIN, 2);
	check_free();
	ATF_CHECK(room_get(&cache, 1, &hit));
	/* Killed in the middle. */
	memcpy(memory, &dead, sizeof(dead));
	memory[8] |= 1;
	ATF_CHECK(!room_get(&cache, 1, &hit));
	ATF_CHECK(!room_put(&cache, 2, 1, 100));
	room_attach(&heir, memory, CACHE_SIZE_MIN, 2);
	check_free();
	ATF_CHECK(!room_get(&cache, 1, &hit));
	cache_figures(&cache, &figures);
	ATF_CHECK_EQ(0, figures.entries);
	ATF_CHECK(room_put(&cache, 2, 1, 100));
	ATF_CHECK(room_get(&heir, 2, &hit));
}

ATF_TC_WITHOUT_HEAD(a_lock_in_ones_own_or_in_nobodys_name_is_taken);
ATF_TC_BODY(a_lock_in_ones_own_or_in_nobodys_name_is_taken, tc)
{
	const uint32_t forged[] = { 1, 65, 0xdeadbeef, UINT32_MAX };
	uint8_t *memory = room_new(CACHE_SIZE_MIN);
	uint32_t i;

	room_attach(&cache, memory, CACHE_SIZE_MIN, 1);
	for (i = 0; i < 4; i++) {
		memcpy(memory, &forged[i], sizeof(forged[i]));
		ATF_CHECK(room_put(&cache, i, 1, 100));
		check_free();
	}
}

ATF_TC(two_who_write_at_once_never_see_a_torn_entry);
ATF_TC_HEAD(two_who_write_at_once_never_see_a_torn_entry, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(two_who_write_at_once_never_see_a_torn_entry, tc)
{
	uint8_t *memory = room_new(SIZE);
	pid_t pids[2];
	int status;
	uint32_t i;

	room_attach(&cache, memory, SIZE, 1);
	/* room_get aborts the child at the first byte that is not right. */
	for (i = 0; i < 2; i++)
		pids[i] = child_start(memory, i + 2, 300000);
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(pids[i], waitpid(pids[i], &status, 0));
		ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	check_free();
}

static void
scribble(uint8_t *memory, uint64_t *state)
{
	uint64_t at, word;

	switch (room_random(state) % 4) {
	case 0: /* heads of the shards */
		at = room_random(state) % (cache.shards * 128);
		break;
	case 1: /* the first index and its rings' beginning */
		at = cache.shards_at + room_random(state) % 300000;
		break;
	default:
		at = room_random(state) % SIZE;
		break;
	}
	switch (room_random(state) % 3) {
	case 0:
		memory[at] ^= (uint8_t)(1U << room_random(state) % 8);
		break;
	case 1: /* small numbers and large ones */
		word = room_random(state) >> room_random(state) % 64;
		memcpy(memory + at / 8 * 8, &word, sizeof(word));
		break;
	default: /* what is right in another place */
		word = room_random(state) % SIZE;
		memcpy(memory + at / 8 * 8, memory + word / 8 * 8, 8);
		break;
	}
}

/* Any answer is allowed, but to stay within the memory and to come back. */
ATF_TC(whatever_is_scribbled_over_it_nothing_outside_is_touched);
ATF_TC_HEAD(whatever_is_scribbled_over_it_nothing_outside_is_touched, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(whatever_is_scribbled_over_it_nothing_outside_is_touched, tc)
{
	static uint8_t buf[CACHE_PAYLOAD_MAX], payload[CACHE_PAYLOAD_MAX];
	uint8_t *memory = room_new(SIZE);
	uint8_t key[ROOM_KEY_MAX];
	uint64_t n, state = 5, hash, i, hits = 0;
	struct cache_figures figures;
	size_t key_len, len;

	room_attach(&cache, memory, SIZE, 1);
	for (i = 0; i < 600000; i++) {
		n = room_random(&state) % 20000;
		key_len = room_key(n, key);
		hash = cache_hash(&cache, key, key_len);
		len = room_random(&state) % (i % 100 == 0 ? 65536 : 300);
		if (i > 30000 && i % 4 == 0)
			scribble(memory, &state);
		switch (room_random(&state) % 8) {
		case 0:
			cache_drop(&cache, hash, key, key_len);
			break;
		case 1:
			cache_claim(&cache, hash, key, key_len, i, 10);
			cache_prefetch_entry(&cache, hash);
			break;
		case 2:
		case 3:
		case 4:
			hits +=
			    cache_get(&cache, hash, key, key_len, buf, &hit);
			break;
		default:
			cache_put(&cache, hash, key, key_len, payload, len, i,
			    i, 1, i);
			break;
		}
	}
	cache_figures(&cache, &figures);
	ATF_CHECK(hits > 1000);
	/* What makes no sense is emptied, and then it is a cache again. */
	for (i = 0; i < cache.shards; i++)
		memory[i * 128 + 8] |= 1;
	for (n = 0; n < 1000; n++)
		ATF_REQUIRE(room_put(&cache, n, 7, 100));
	for (n = 0; n < 1000; n++)
		ATF_REQUIRE(room_get(&cache, n, &hit));
}

/* The words of an entry before its hash say how long it is: all are made as
 * long as can be said, so that the last reach past the memory. */
ATF_TC_WITHOUT_HEAD(an_entry_that_reaches_past_its_shard_is_not_found);
ATF_TC_BODY(an_entry_that_reaches_past_its_shard_is_not_found, tc)
{
	uint8_t *memory = room_new(CACHE_SIZE_MIN);
	static uint8_t buf[CACHE_PAYLOAD_MAX];
	uint8_t key[ROOM_KEY_MAX];
	uint64_t *words = (uint64_t *)(void *)memory, n, hash;
	uint32_t i, found = 0, changed = 0;
	size_t key_len;

	room_attach(&cache, memory, CACHE_SIZE_MIN, 1);
	for (n = 0; n < 20000; n++)
		ATF_REQUIRE(room_put(&cache, n, 1, 100));
	/* After the hash: the tag, and the key, which begins with n. */
	for (i = 512; i < CACHE_SIZE_MIN / 8 - 2; i++) {
		if ((n = words[i + 2]) >= 20000)
			continue;
		key_len = room_key(n, key);
		if (words[i] != cache_hash(&cache, key, key_len))
			continue;
		words[i - 1] |= 0xffff;
		changed++;
	}
	for (n = 0; n < 20000; n++) {
		key_len = room_key(n, key);
		hash = cache_hash(&cache, key, key_len);
		found += cache_get(&cache, hash, key, key_len, buf, &hit);
	}
	ATF_CHECK(found > 1000);
	ATF_CHECK(changed > found + CACHE_PAYLOAD_MAX / 200);
}

ATF_TC_WITHOUT_HEAD(a_forged_filler_empties_the_shard);
ATF_TC_BODY(a_forged_filler_empties_the_shard, tc)
{
	const uint64_t fillers[] = { 0, 1 << 30, ((uint64_t)1 << 48) - 1,
		((uint64_t)1 << 32) + 1 };
	struct cache_figures figures;
	uint64_t *words;
	uint8_t *memory;
	uint32_t i, first;
	uint64_t n;

	for (i = 0; i < 4; i++) {
		memory = room_new(CACHE_SIZE_MIN);
		room_attach(&cache, memory, CACHE_SIZE_MIN, 1);
		for (n = 0; n < 20000; n++)
			ATF_REQUIRE(room_put(&cache, n, 1, 100));
		memcpy(&first, memory + 16, sizeof(first));
		words = (uint64_t *)(void *)(memory + cache.shards_at);
		words[cache.ring_at[CACHE_SMALL] + first] =
		    fillers[i] << 16 | 0xffff;
		for (n = 20000; n < 20003; n++)
			ATF_REQUIRE(room_put(&cache, n, 2, 100));
		cache_figures(&cache, &figures);
		ATF_CHECK_MSG(figures.entries <= 3, "filler %u: %ju", i,
		    (uintmax_t)figures.entries);
		ATF_REQUIRE(room_get(&cache, 20002, &hit));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, a_worker_killed_at_any_point_costs_no_more_than_its_shard);
	ATF_TP_ADD_TC(
	    tp, what_a_dead_worker_left_half_written_is_emptied_by_its_heir);
	ATF_TP_ADD_TC(tp, a_lock_in_ones_own_or_in_nobodys_name_is_taken);
	ATF_TP_ADD_TC(tp, two_who_write_at_once_never_see_a_torn_entry);
	ATF_TP_ADD_TC(
	    tp, whatever_is_scribbled_over_it_nothing_outside_is_touched);
	ATF_TP_ADD_TC(tp, an_entry_that_reaches_past_its_shard_is_not_found);
	ATF_TP_ADD_TC(tp, a_forged_filler_empties_the_shard);
	return atf_no_error();
}
