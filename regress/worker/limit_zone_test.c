/* The limit of questions beneath one name, with time scripted. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/worker/limit_zone.h"

#include "cache_room.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define NAME(text) (const uint8_t *)(text), sizeof(text)

static struct limit_zone zone;
static uint64_t now;

static void
set_up(uint32_t rate, uint32_t burst, uint32_t labels)
{
	const struct siphash_key key = { 5, 6 };
	const struct conf_limit conf = {
		.zone_rate = rate, .zone_burst = burst, .zone_labels = labels
	};

	limit_zone_init(&zone, &key);
	limit_zone_set(&zone, &conf);
	now = UINT32_MAX - 500;
}

static uint32_t
taken(const uint8_t *name, size_t len, uint32_t n)
{
	uint32_t got = 0;

	while (n-- > 0)
		got += limit_zone_take(&zone, name, len, now);
	return got;
}

/* Random names beneath a victim's: "xxxxxxxx.VICTIM.example". */
static size_t
random_name(uint64_t *state, uint8_t name[32])
{
	const uint64_t random = room_random(state);
	size_t i;

	memcpy(name, "\10xxxxxxxx\6ViCtIm\7example", 25);
	for (i = 0; i < 8; i++)
		name[1 + i] = (uint8_t)('a' + (random >> (8 * i)) % 26);
	if (random % 2 == 0)
		name[10] = 'v';
	return 25;
}

CASE(random_names_beneath_one_name_are_one_zone_in_any_case_of_letters)
{
	uint32_t got = 0, i;
	uint64_t state = 1;
	uint8_t name[32];
	size_t len;

	(void)tc;
	set_up(100, 200, 2);
	for (i = 0; i < 10000; i++) {
		len = random_name(&state, name);
		got += taken(name, len, 1);
		now += i % 2;
	}
	/* 200 at once, and 5 seconds of 100. */
	ATF_CHECK_MSG(got >= 699 && got <= 700, "%u", got);
	ATF_CHECK_EQ(200, taken(NAME("\5other\7example"), 1000));
	(void)taken(NAME("\6victim\7example"), 1);
	ATF_CHECK_EQ(0, taken(NAME("\1a\6victim\7example"), 1));
	ATF_CHECK_EQ(0, taken(NAME("\6VICTIM\7EXAMPLE"), 1));
}

CASE(a_name_of_fewer_labels_is_a_zone_of_its_own)
{
	(void)tc;
	set_up(100, 200, 2);
	ATF_CHECK_EQ(200, taken(NAME(""), 300));
	ATF_CHECK_EQ(200, taken(NAME("\7example"), 300));
	ATF_CHECK_EQ(200, taken(NAME("\1a\7example"), 300));
}

CASE(a_zone_has_as_many_labels_as_the_config_says)
{
	uint32_t labels;

	(void)tc;
	for (labels = 1; labels <= CONF_LIMIT_LABELS_MAX; labels++) {
		set_up(100, 10, labels);
		ATF_CHECK_EQ(
		    10, taken(NAME("\1i\1h\1g\1f\1e\1d\1c\1b\1a"), 100));
		ATF_CHECK_EQ(labels >= 9 ? 10 : 0,
		    taken(NAME("\1x\1h\1g\1f\1e\1d\1c\1b\1a"), 100));
		ATF_CHECK_EQ(labels >= 3 ? 10 : 0,
		    taken(NAME("\1x\1x\1x\1x\1x\1x\1x\1b\1a"), 100));
		ATF_CHECK_EQ(labels >= 2 ? 10 : 0,
		    taken(NAME("\1x\1x\1x\1x\1x\1x\1x\1x\1a"), 100));
	}
}

CASE(others_are_still_asked_for_while_one_is_flooded)
{
	uint32_t ms, got = 0, asked = 0;
	uint64_t state = 2;
	uint8_t name[32], other[] = "\1a\3one\7example";
	size_t len;

	(void)tc;
	set_up(100, 200, 2);
	for (ms = 0; ms < 10000; ms++, now++) {
		len = random_name(&state, name);
		(void)taken(name, len, 200);
		if (ms % 10 != 0)
			continue;
		other[3] = (uint8_t)('a' + asked % 26);
		got += taken(other, sizeof(other), 1);
		asked++;
	}
	ATF_CHECK_EQ(asked, got);
}

/* A zone that is flooded is not pushed out by a flood of zones. */
CASE(a_flood_of_zones_does_not_free_the_one_that_is_over)
{
	uint8_t name[] = "\10xxxxxxxx\7example";
	uint32_t i, got = 0;
	uint64_t state = 3, random;
	size_t at;

	(void)tc;
	set_up(100, 200, 2);
	for (i = 0; i < 1000000; i++) {
		random = room_random(&state);
		for (at = 1; at <= 8; at++, random >>= 8)
			name[at] = (uint8_t)('a' + random % 26);
		(void)taken(name, sizeof(name), 1);
		if (i % 10 == 0)
			got += taken(NAME("\1a\6victim\7example"), 1);
		now += i % 100 == 0;
	}
	ATF_CHECK_MSG(got <= 1200 + 1, "%u", got);
}

/* None of these is read beyond its end: valgrind and the sanitizers look. */
CASE(a_name_that_is_none_harms_nobody)
{
	uint8_t longest[256];
	size_t len;

	(void)tc;
	set_up(100, 200, 2);
	ATF_CHECK_EQ(1, taken(NAME("\77a"), 1));
	ATF_CHECK_EQ(1, taken((const uint8_t *)"\3abc", 4, 1));
	memset(longest, 1, sizeof(longest));
	for (len = 0; len <= sizeof(longest); len++)
		(void)taken(longest, len, 1);
	memset(longest, 0xff, sizeof(longest));
	(void)taken(longest, sizeof(longest), 1);
}

CASE(the_longest_name_has_its_zone)
{
	uint8_t longest[255] = { 0 };
	size_t i;

	(void)tc;
	set_up(100, 200, 2);
	/* Labels of one letter, and the root. */
	for (i = 0; i + 1 < sizeof(longest); i++)
		longest[i] = i % 2 == 0 ? 1 : 'a';
	ATF_CHECK_EQ(200, taken(longest, sizeof(longest), 1000));
	ATF_CHECK_EQ(0, taken(NAME("\1a\1a"), 1));
}

CASE(a_rate_of_0_is_no_limit)
{
	(void)tc;
	set_up(0, 0, 2);
	ATF_CHECK_EQ(100000, taken(NAME("\1a\6victim\7example"), 100000));
}

#define MOST 1600

static bool
enters(const uint8_t *name, size_t len, uint32_t used, uint32_t *share)
{
	return limit_zone_enter(&zone, name, len, used, MOST, share);
}

CASE(one_zone_has_its_share_of_what_is_in_flight_without_a_rate)
{
	uint32_t share, first, used = 0, i;
	uint64_t state = 3;
	uint8_t name[32];

	(void)tc;
	set_up(0, 0, 2);
	/* Alone, it may have more: nobody needs the rest. */
	for (i = 0; i < MOST; i++, used += share != 0)
		if (!enters(name, random_name(&state, name), used, &share))
			break;
	ATF_CHECK_EQ(MOST / LIMIT_ZONE_BUSY, i);
	ATF_CHECK(enters(NAME("\1a\5other\7example"), used, &share));
	first = share;
	ATF_REQUIRE(first != 0);
	/* Others to theirs. */
	for (i = 1; enters(NAME("\1b\5OTHER\7example"), used, &share); i++)
		ATF_REQUIRE_EQ(first, share);
	ATF_CHECK_EQ(MOST / LIMIT_ZONE_SHARE, i);
	/* One is answered, one may be asked. */
	limit_zone_leave(&zone, first);
	ATF_CHECK(enters(NAME("\1c\5other\7example"), used, &share));
	ATF_CHECK(!enters(NAME("\1d\5other\7example"), used, &share));
	/* There is room again: anyone. */
	ATF_CHECK(enters(NAME("\1d\5other\7example"), 0, &share));
}

CASE(what_is_not_counted_leaves_without_a_trace)
{
	uint32_t share, i;

	(void)tc;
	set_up(0, 0, 2);
	limit_zone_leave(&zone, 0);
	ATF_REQUIRE(enters(NAME("\5other\7example"), MOST, &share));
	limit_zone_leave(&zone, share);
	limit_zone_leave(&zone, share);
	for (i = 0; enters(NAME("\5other\7example"), MOST, &share); i++)
		ATF_REQUIRE(i < MOST);
	ATF_CHECK_EQ(MOST / LIMIT_ZONE_SHARE, i);
	/* A name that is none is not bounded, nor read. */
	ATF_CHECK(limit_zone_enter(&zone, NULL, 0, MOST, MOST, &share));
	ATF_CHECK_EQ(0, share);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp,
	    random_names_beneath_one_name_are_one_zone_in_any_case_of_letters);
	ATF_TP_ADD_TC(tp, a_name_of_fewer_labels_is_a_zone_of_its_own);
	ATF_TP_ADD_TC(tp, a_zone_has_as_many_labels_as_the_config_says);
	ATF_TP_ADD_TC(tp, others_are_still_asked_for_while_one_is_flooded);
	ATF_TP_ADD_TC(tp, a_flood_of_zones_does_not_free_the_one_that_is_over);
	ATF_TP_ADD_TC(tp, a_name_that_is_none_harms_nobody);
	ATF_TP_ADD_TC(tp, the_longest_name_has_its_zone);
	ATF_TP_ADD_TC(tp, a_rate_of_0_is_no_limit);
	ATF_TP_ADD_TC(
	    tp, one_zone_has_its_share_of_what_is_in_flight_without_a_rate);
	ATF_TP_ADD_TC(tp, what_is_not_counted_leaves_without_a_trace);
	return atf_no_error();
}
