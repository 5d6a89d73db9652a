/* The cache as its header tells of it, one process at a time. */
#include <atf-c.h>
#include <string.h>

#include "cache_room.h"

#define SIZE	((size_t)4 << 20)
#define WWW	"\3www\7example\0\1\1"
#define WWW_LEN sizeof(WWW)

static uint8_t buf[CACHE_PAYLOAD_MAX], payload[CACHE_PAYLOAD_MAX];
static struct cache_hit hit;
static struct cache cache;

static void
make(size_t size)
{
	room_attach(&cache, room_new(size), size, 1);
}

static uint64_t
www(void)
{
	return cache_hash(&cache, WWW, WWW_LEN);
}

static bool
put(const void *data, size_t len)
{
	return cache_put(
	    &cache, www(), WWW, WWW_LEN, data, len, 11, 22, 33, 11);
}

static bool
get(void)
{
	return cache_get(&cache, www(), WWW, WWW_LEN, buf, &hit);
}

static bool
claim(uint64_t now, uint32_t ms)
{
	return cache_claim(&cache, www(), WWW, WWW_LEN, now, ms);
}

ATF_TC_WITHOUT_HEAD(what_is_put_is_found_with_all_that_was_said_of_it);
ATF_TC_BODY(what_is_put_is_found_with_all_that_was_said_of_it, tc)
{
	make(SIZE);
	ATF_CHECK(!get());
	ATF_CHECK(put("an answer", 9));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(9, hit.len);
	ATF_CHECK(memcmp(buf, "an answer", 9) == 0);
	ATF_CHECK_EQ(11, hit.stored);
	ATF_CHECK_EQ(22, hit.expires);
	ATF_CHECK_EQ(33, hit.tag);
}

ATF_TC_WITHOUT_HEAD(times_are_kept_to_the_millisecond_up_to_48_bits);
ATF_TC_BODY(times_are_kept_to_the_millisecond_up_to_48_bits, tc)
{
	make(SIZE);
	ATF_CHECK(cache_put(&cache, www(), WWW, WWW_LEN, "x", 1,
	    CACHE_TIME_MAX - 1, UINT64_MAX, UINT32_MAX, 0));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(CACHE_TIME_MAX - 1, hit.stored);
	ATF_CHECK_EQ(CACHE_TIME_MAX, hit.expires);
	ATF_CHECK_EQ(UINT32_MAX, hit.tag);
}

ATF_TC_WITHOUT_HEAD(a_put_takes_the_place_of_the_one_before);
ATF_TC_BODY(a_put_takes_the_place_of_the_one_before, tc)
{
	const size_t lens[] = { 100, 100, 90, 8, 0, 1, 101, 5000, 4999, 7 };
	struct cache_figures figures;
	size_t i;

	make(SIZE);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		room_payload(i, 0, payload, lens[i]);
		ATF_CHECK(put(payload, lens[i]));
		ATF_REQUIRE(get());
		ATF_CHECK_EQ(lens[i], hit.len);
		ATF_CHECK(memcmp(buf, payload, lens[i]) == 0);
		cache_figures(&cache, &figures);
		ATF_CHECK_EQ(1, figures.entries);
		ATF_CHECK_EQ(32 + (WWW_LEN + 7) / 8 * 8 + (lens[i] + 7) / 8 * 8,
		    figures.bytes);
		ATF_CHECK_EQ(0, figures.evicted);
	}
}

ATF_TC_WITHOUT_HEAD(what_is_dropped_is_not_found_and_may_come_back);
ATF_TC_BODY(what_is_dropped_is_not_found_and_may_come_back, tc)
{
	struct cache_figures figures;

	make(SIZE);
	cache_drop(&cache, www(), WWW, WWW_LEN);
	ATF_CHECK(put("one", 3));
	cache_drop(&cache, www(), WWW, WWW_LEN);
	ATF_CHECK(!get());
	cache_figures(&cache, &figures);
	ATF_CHECK_EQ(0, figures.entries);
	ATF_CHECK_EQ(0, figures.bytes);
	ATF_CHECK(put("two", 3));
	ATF_REQUIRE(get());
	ATF_CHECK(memcmp(buf, "two", 3) == 0);
}

/* As if SipHash had collided: only the bytes of the keys differ. */
ATF_TC_WITHOUT_HEAD(keys_of_the_same_hash_are_told_apart);
ATF_TC_BODY(keys_of_the_same_hash_are_told_apart, tc)
{
	const uint64_t hash = 0x5555555555555555;
	uint8_t key[10];
	uint8_t i;

	make(SIZE);
	memset(key, 'k', sizeof(key));
	for (i = 0; i < 16; i++) {
		key[9] = i;
		ATF_CHECK(cache_put(&cache, hash, key, 10, &i, 1, 1, 2, 3, 1));
	}
	for (i = 0; i < 16; i++) {
		key[9] = i;
		ATF_CHECK(cache_get(&cache, hash, key, 10, buf, &hit));
		ATF_CHECK_EQ(i, buf[0]);
	}
	key[9] = 16;
	ATF_CHECK(!cache_get(&cache, hash, key, 10, buf, &hit));
	/* A key is not found by its beginning, nor with a zero behind it. */
	ATF_CHECK(!cache_get(&cache, hash, key, 9, buf, &hit));
	key[9] = 0;
	ATF_CHECK(!cache_get(&cache, hash, key, 9, buf, &hit));
}

ATF_TC_WITHOUT_HEAD(more_of_one_hash_than_slots_push_each_other_out);
ATF_TC_BODY(more_of_one_hash_than_slots_push_each_other_out, tc)
{
	const uint64_t hash = 0x5555555555555555;
	struct cache_figures figures;
	uint32_t i, found = 0;

	make(SIZE);
	for (i = 0; i < 1000; i++)
		ATF_CHECK(cache_put(&cache, hash, &i, 4, &i, 4, 1, 2, 3, 1));
	for (i = 0; i < 1000; i++)
		if (cache_get(&cache, hash, &i, 4, buf, &hit)) {
			ATF_CHECK(memcmp(buf, &i, 4) == 0);
			found++;
		}
	ATF_CHECK_EQ(16, found);
	cache_figures(&cache, &figures);
	ATF_CHECK_EQ(16, figures.entries);
	ATF_CHECK_EQ(1000 - 16, figures.evicted);
}

ATF_TC_WITHOUT_HEAD(the_largest_entry_fits_and_a_larger_is_refused);
ATF_TC_BODY(the_largest_entry_fits_and_a_larger_is_refused, tc)
{
	uint8_t key[CACHE_KEY_MAX + 1];
	uint64_t hash;
	int i;

	make(CACHE_SIZE_MIN);
	memset(key, 'k', sizeof(key));
	hash = cache_hash(&cache, key, CACHE_KEY_MAX);
	for (i = 0; i < 40; i++) {
		key[0] = (uint8_t)i;
		room_payload((uint64_t)i, 0, payload, sizeof(payload));
		ATF_CHECK(cache_put(&cache, hash, key, CACHE_KEY_MAX, payload,
		    sizeof(payload), 1, 2, 3, 1));
		ATF_REQUIRE(
		    cache_get(&cache, hash, key, CACHE_KEY_MAX, buf, &hit));
		ATF_CHECK_EQ(CACHE_PAYLOAD_MAX, hit.len);
		ATF_CHECK(memcmp(buf, payload, sizeof(payload)) == 0);
	}
	ATF_CHECK(!cache_put(
	    &cache, hash, key, CACHE_KEY_MAX + 1, payload, 1, 1, 2, 3, 1));
	ATF_CHECK(!cache_get(&cache, hash, key, CACHE_KEY_MAX + 1, buf, &hit));
	ATF_CHECK(!cache_put(&cache, hash, key, CACHE_KEY_MAX, payload,
	    CACHE_PAYLOAD_MAX + 1, 1, 2, 3, 1));
}

ATF_TC_WITHOUT_HEAD(sizes_out_of_bounds_and_owner_0_are_refused);
ATF_TC_BODY(sizes_out_of_bounds_and_owner_0_are_refused, tc)
{
	const struct siphash_key key = { 1, 2 };
	uint8_t *memory = room_new(SIZE);

	ATF_CHECK_EQ(
	    -1, cache_attach(&cache, memory, CACHE_SIZE_MIN - 4096, &key, 1));
	ATF_CHECK_EQ(
	    -1, cache_attach(&cache, memory, CACHE_SIZE_MAX + 4096, &key, 1));
	ATF_CHECK_EQ(-1, cache_attach(&cache, memory, SIZE - 8, &key, 1));
	ATF_CHECK_EQ(
	    -1, cache_attach(&cache, memory + 64, SIZE - 4096, &key, 1));
	ATF_CHECK_EQ(-1, cache_attach(&cache, memory, SIZE, &key, 0));
	ATF_CHECK_EQ(-1, cache_attach(&cache, memory, SIZE, &key, 65));
	ATF_CHECK_EQ(0, cache_attach(&cache, memory, SIZE, &key, 64));
}

/* The guards on both sides would end the program. */
ATF_TC_WITHOUT_HEAD(the_size_is_a_hard_bound_and_is_used_well);
ATF_TC_BODY(the_size_is_a_hard_bound_and_is_used_well, tc)
{
	const size_t sizes[] = { CACHE_SIZE_MIN, CACHE_SIZE_MIN + 4096,
		(size_t)4 << 20, ((size_t)7 << 20) + 12288 };
	struct cache_figures figures;
	uint64_t n, state = 1;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(sizes[i]);
		for (n = 0; n < sizes[i] / 64; n++)
			ATF_CHECK(
			    room_put(&cache, n, 1, room_random(&state) % 400));
		cache_figures(&cache, &figures);
		ATF_CHECK(figures.bytes < sizes[i]);
		ATF_CHECK_MSG(figures.bytes > sizes[i] / 100 * 85, "%ju of %zu",
		    (uintmax_t)figures.bytes, sizes[i]);
		ATF_CHECK_EQ(n, figures.entries + figures.evicted);
	}
}

ATF_TC_WITHOUT_HEAD(an_empty_cache_touches_a_page);
ATF_TC_BODY(an_empty_cache_touches_a_page, tc)
{
	struct cache_figures figures;
	uint8_t *memory = room_new((size_t)32 << 20);
	size_t i;

	room_attach(&cache, memory, (size_t)32 << 20, 1);
	cache_figures(&cache, &figures);
	ATF_CHECK_EQ(0, figures.entries);
	ATF_CHECK_EQ(16, cache.shards);
	ATF_CHECK_EQ(4096, cache.shards_at);
	for (i = 0; i < cache.size; i++)
		if (memory[i] != 0)
			atf_tc_fail("byte %zu is written", i);
}

ATF_TC_WITHOUT_HEAD(uses_count_to_three_and_a_put_leaves_one);
ATF_TC_BODY(uses_count_to_three_and_a_put_leaves_one, tc)
{
	const uint8_t want[] = { 0, 1, 2, 3, 3, 3 };
	size_t i;

	make(SIZE);
	ATF_CHECK(put("x", 1));
	for (i = 0; i < sizeof(want); i++) {
		ATF_REQUIRE(get());
		ATF_CHECK_EQ(want[i], hit.uses);
	}
	ATF_CHECK(put("y", 1));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(1, hit.uses);
	ATF_CHECK(put("in another place", 16));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(1, hit.uses);
	cache_drop(&cache, www(), WWW, WWW_LEN);
	ATF_CHECK(put("z", 1));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(0, hit.uses);
}

ATF_TC_WITHOUT_HEAD(one_claims_an_entry_until_the_time_is_over_or_it_is_put);
ATF_TC_BODY(one_claims_an_entry_until_the_time_is_over_or_it_is_put, tc)
{
	struct cache other;

	make(SIZE);
	room_attach(&other, cache.base, cache.size, 2);
	ATF_CHECK(!claim(100, 50));
	ATF_CHECK(put("x", 1));
	ATF_CHECK(claim(100, 50));
	ATF_CHECK(!claim(100, 50));
	ATF_CHECK(!cache_claim(&other, www(), WWW, WWW_LEN, 149, 50));
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(33, hit.tag);
	ATF_CHECK(cache_claim(&other, www(), WWW, WWW_LEN, 150, 50));
	ATF_CHECK(!claim(199, 50));
	ATF_CHECK(put("y", 1));
	ATF_CHECK(claim(199, 50));
	ATF_CHECK(!claim(199, 50));
	cache_drop(&cache, www(), WWW, WWW_LEN);
	ATF_CHECK(!claim(1000, 50));
}

/* The main ring is full of what nobody has used; half of it is long over. */
ATF_TC_WITHOUT_HEAD(what_expired_long_ago_goes_before_what_did_not);
ATF_TC_BODY(what_expired_long_ago_goes_before_what_did_not, tc)
{
	const uint64_t day = 24 * 3600 * 1000, now = 3 * day;
	uint64_t n, kept = 0, all = CACHE_SIZE_MIN / 160;
	uint8_t key[ROOM_KEY_MAX];

	make(CACHE_SIZE_MIN);
	for (n = 0; n < all; n++) {
		memset(key, 0, sizeof(key));
		memcpy(key, &n, sizeof(n));
		ATF_CHECK(cache_put(&cache, cache_hash(&cache, key, 16), key,
		    16, payload, 88, 0, n < all / 2 ? now - day - 1 : now, 0,
		    0));
	}
	/* As many new ones as a quarter of it. */
	for (; n < all + all / 4; n++) {
		memcpy(key, &n, sizeof(n));
		ATF_CHECK(cache_put(&cache, cache_hash(&cache, key, 16), key,
		    16, payload, 88, now, now, 0, now));
	}
	for (n = all / 2; n < all + all / 4; n++) {
		memcpy(key, &n, sizeof(n));
		kept += cache_get(
		    &cache, cache_hash(&cache, key, 16), key, 16, buf, &hit);
	}
	ATF_CHECK_MSG(kept >= all / 4 * 3 * 96 / 100, "%ju of %ju",
	    (uintmax_t)kept, (uintmax_t)all / 4 * 3);
}

ATF_TC_WITHOUT_HEAD(prefetching_what_is_and_is_not_there_changes_nothing);
ATF_TC_BODY(prefetching_what_is_and_is_not_there_changes_nothing, tc)
{
	make(SIZE);
	cache_prefetch(&cache, www());
	cache_prefetch_entry(&cache, www());
	ATF_CHECK(put("x", 1));
	cache_prefetch(&cache, www());
	cache_prefetch_entry(&cache, www());
	ATF_REQUIRE(get());
	ATF_CHECK_EQ(0, hit.uses);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_put_is_found_with_all_that_was_said_of_it);
	ATF_TP_ADD_TC(tp, times_are_kept_to_the_millisecond_up_to_48_bits);
	ATF_TP_ADD_TC(tp, a_put_takes_the_place_of_the_one_before);
	ATF_TP_ADD_TC(tp, what_is_dropped_is_not_found_and_may_come_back);
	ATF_TP_ADD_TC(tp, keys_of_the_same_hash_are_told_apart);
	ATF_TP_ADD_TC(tp, more_of_one_hash_than_slots_push_each_other_out);
	ATF_TP_ADD_TC(tp, the_largest_entry_fits_and_a_larger_is_refused);
	ATF_TP_ADD_TC(tp, sizes_out_of_bounds_and_owner_0_are_refused);
	ATF_TP_ADD_TC(tp, the_size_is_a_hard_bound_and_is_used_well);
	ATF_TP_ADD_TC(tp, an_empty_cache_touches_a_page);
	ATF_TP_ADD_TC(tp, uses_count_to_three_and_a_put_leaves_one);
	ATF_TP_ADD_TC(
	    tp, one_claims_an_entry_until_the_time_is_over_or_it_is_put);
	ATF_TP_ADD_TC(tp, what_expired_long_ago_goes_before_what_did_not);
	ATF_TP_ADD_TC(tp, prefetching_what_is_and_is_not_there_changes_nothing);
	return atf_no_error();
}
