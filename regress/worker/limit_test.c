/* Limits of clients, with time and packets scripted. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "unpriv/worker/limit.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define SECOND 1000

/* Just before the clock's 32 lower bits wrap. */
#define WRAP (((uint64_t)1 << 32) - 3000)

static struct limit limit;
static struct conf_limit conf;
static uint64_t now;

static void
set_up(void)
{
	static _Alignas(64) uint8_t memory[64 << 10];
	const struct siphash_key key = { 1, 2 };

	conf = (struct conf_limit){ .rate = 500,
		.burst = 1000,
		.prefix = 32,
		.prefix6 = 56,
		.slip = 2,
		.memory = sizeof(memory) };
	memset(memory, 0, sizeof(memory));
	limit_init(&limit, &conf, memory, &key);
	now = WRAP;
}

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	ATF_REQUIRE_MSG(netaddr_parse(&a, text), "%s", text);
	return a;
}

static struct limit_key
key_of(const char *text)
{
	const struct netaddr a = address(text);
	struct limit_key key;

	limit_find(&limit, &a, false, &key);
	return key;
}

static enum limit_verdict
look(const struct limit_key *key)
{
	return limit_look(&limit, key, now).verdict;
}

/* A question that goes on, is charged. */
static enum limit_verdict
ask(const struct limit_key *key)
{
	enum limit_verdict verdict = look(key);

	if (verdict == LIMIT_UNDER || verdict == LIMIT_LEAK)
		limit_charge(&limit, key, LIMIT_COST_MISS);
	return verdict;
}

/* How many of n questions are under the limit. */
static uint32_t
under(const struct limit_key *key, uint32_t n)
{
	uint32_t got = 0;

	while (n-- > 0)
		got += ask(key) == LIMIT_UNDER;
	return got;
}

CASE(a_burst_is_answered_whole_and_not_one_more)
{
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	ATF_CHECK_EQ(1000, under(&key, 5000));
	/* To the floor, and from there to the full again: not beyond. */
	now += 10 * SECOND;
	ATF_CHECK_EQ(1000, under(&key, 5000));
}

/* What leaks is paid for like the rest: the sum is what the config says. */
CASE(a_flood_gets_its_rate_over_any_time_also_when_the_clock_wraps)
{
	uint32_t taken = 0, i, ms;
	struct limit_key key;
	enum limit_verdict v;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	for (ms = 0; ms < 60 * SECOND; ms++, now++)
		for (i = 0; i < 20; i++) {
			v = ask(&key);
			taken += v == LIMIT_UNDER || v == LIMIT_LEAK;
		}
	/* A burst, half of one in debt, and 60 s of 500. */
	ATF_CHECK_MSG(taken > 31490 && taken <= 31501, "%u", taken);
}

CASE(who_keeps_to_the_rate_is_never_over_however_the_questions_lie)
{
	struct limit_key steady, bursts;
	uint32_t ms;

	(void)tc;
	set_up();
	steady = key_of("192.0.2.1");
	bursts = key_of("192.0.2.2");
	for (ms = 0; ms < 20 * SECOND; ms++, now++) {
		if (ms % 2 == 0)
			ATF_REQUIRE_EQ(1, under(&steady, 1));
		if (ms % (2 * SECOND) == 0)
			ATF_REQUIRE_EQ(1000, under(&bursts, 1000));
	}
}

CASE(one_a_second_is_one_a_second_and_the_burst)
{
	uint32_t got = 0, ms;
	struct limit_key key;

	(void)tc;
	set_up();
	conf.rate = conf.burst = 1;
	limit_set(&limit, &conf);
	key = key_of("192.0.2.1");
	for (ms = 0; ms < 100 * SECOND; ms += 50, now += 50)
		if (look(&key) == LIMIT_UNDER) {
			limit_charge(&limit, &key, LIMIT_COST_MISS);
			got++;
		}
	ATF_CHECK_EQ(101, got);
}

CASE(a_hit_takes_a_fraction_and_a_failure_more)
{
	uint32_t hits = 0, failed = 0;
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	while (look(&key) == LIMIT_UNDER) {
		limit_charge(&limit, &key, 250);
		hits++;
	}
	ATF_CHECK_EQ(4000, hits);
	key = key_of("192.0.2.2");
	while (look(&key) == LIMIT_UNDER) {
		limit_charge(&limit, &key, LIMIT_COST_MISS);
		limit_charge(&limit, &key, LIMIT_COST_FAILED);
		failed++;
	}
	ATF_CHECK_EQ(334, failed);
}

/* What was in flight may cost a client a burst, and no more. */
CASE(a_debt_is_at_most_a_burst)
{
	struct limit_key key;
	int i;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	ATF_CHECK_EQ(LIMIT_UNDER, look(&key));
	for (i = 0; i < 100000; i++)
		limit_charge(&limit, &key, LIMIT_COST_FAILED);
	limit_charge(&limit, &key, UINT32_MAX);
	now += 2 * SECOND;
	ATF_CHECK(look(&key) != LIMIT_UNDER);
	now += 2;
	ATF_CHECK_EQ(LIMIT_UNDER, look(&key));
}

static void
count(const struct limit_key *key, uint32_t n, uint32_t got[4])
{
	memset(got, 0, 4 * sizeof(*got));
	while (n-- > 0)
		got[look(key)]++;
}

/* At the floor nothing leaks, so that what slips can be counted. */
static struct limit_key
at_the_floor(const char *text)
{
	struct limit_key key = key_of(text);

	(void)look(&key);
	limit_charge(&limit, &key, UINT32_MAX);
	return key;
}

CASE(each_so_manieth_over_the_limit_slips)
{
	const uint32_t slips[] = { 1, 2, 5, 100 };
	struct limit_key key;
	uint32_t got[4];
	size_t i;

	(void)tc;
	for (i = 0; i < 4; i++) {
		set_up();
		conf.slip = slips[i];
		limit_set(&limit, &conf);
		key = at_the_floor("192.0.2.1");
		count(&key, 10000, got);
		ATF_CHECK_EQ(10000 / slips[i], got[LIMIT_SLIP]);
		ATF_CHECK_EQ(10000 - 10000 / slips[i], got[LIMIT_DROP]);
	}
}

CASE(slip_0_drops_all)
{
	struct limit_key key;
	uint32_t got[4];

	(void)tc;
	set_up();
	conf.slip = 0;
	limit_set(&limit, &conf);
	key = at_the_floor("192.0.2.1");
	count(&key, 10000, got);
	ATF_CHECK_EQ(10000, got[LIMIT_DROP]);
}

CASE(slips_go_on_when_the_count_can_not)
{
	struct limit_key key;
	uint32_t got[4];

	(void)tc;
	set_up();
	key = at_the_floor("192.0.2.1");
	count(&key, 200000, got);
	ATF_CHECK(got[LIMIT_SLIP] >= 99990 && got[LIMIT_SLIP] <= 100010);
	ATF_CHECK(limit_look(&limit, &key, now).over > UINT16_MAX / 2);
}

/* Uncharged, so that the balance stays above the floor. */
CASE(one_in_sixteen_leaks_and_nobody_can_tell_which)
{
	uint32_t leaks = 0, after[17] = { 0 }, gap = 0, i;
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	(void)look(&key);
	limit_charge(&limit, &key, 1400 * LIMIT_TOKEN);
	for (i = 0; i < 160000; i++) {
		gap++;
		if (look(&key) != LIMIT_LEAK)
			continue;
		leaks++;
		after[gap < 16 ? gap : 16]++;
		gap = 0;
	}
	ATF_CHECK_MSG(leaks > 9600 && leaks < 10400, "%u leak", leaks);
	/* Gaps as chance has them: 1/16 of 1, 38 % of 16 and more. */
	ATF_CHECK_MSG(after[1] > 500 && after[1] < 750, "%u", after[1]);
	ATF_CHECK_MSG(after[16] > 3500 && after[16] < 4100, "%u", after[16]);
}

/* The client's own questions among 400 times as many of a forger. */
CASE(a_forged_flood_does_not_silence_its_victim)
{
	uint32_t ms, i, through = 0, slips = 0, asked = 0;
	struct limit_key key;
	enum limit_verdict v;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	for (ms = 0; ms < 10 * SECOND; ms++, now++) {
		for (i = 0; i < 20; i++)
			(void)ask(&key);
		if (ms % 20 != 7)
			continue;
		v = ask(&key);
		asked++;
		through += v == LIMIT_UNDER || v == LIMIT_LEAK;
		slips += v == LIMIT_SLIP;
	}
	ATF_CHECK_EQ(500, asked);
	/* Half of them are sent to TCP: three tries are enough for most. */
	ATF_CHECK_MSG(slips + through > 200, "%u, %u", through, slips);
}

CASE(who_is_proven_has_a_bucket_of_its_own_and_never_slips)
{
	struct limit_key forged, proven;
	struct netaddr a;
	uint32_t got[4];

	(void)tc;
	set_up();
	a = address("192.0.2.1");
	limit_find(&limit, &a, false, &forged);
	limit_find(&limit, &a, true, &proven);
	(void)under(&forged, 100000);
	ATF_CHECK_EQ(1000, under(&proven, 2000));
	count(&proven, 1000, got);
	ATF_CHECK_EQ(1000, got[LIMIT_DROP]);
}

/* A hundred clients of one /24, each below its own limit. */
CASE(the_wider_prefix_may_ask_sixteen_times_as_much)
{
	struct limit_key key;
	uint32_t got = 0, i;
	char text[32];

	(void)tc;
	set_up();
	for (i = 1; i <= 100; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		key = key_of(text);
		got += under(&key, 900);
	}
	ATF_CHECK_EQ(16000, got);
	key = key_of("192.0.3.1");
	ATF_CHECK_EQ(1000, under(&key, 2000));
}

CASE(all_of_a_48_is_one_abuser_and_its_neighbour_is_not)
{
	struct limit_key key;
	uint32_t got = 0, i;
	char text[64];

	(void)tc;
	set_up();
	for (i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text), "2001:db8:1:%x::%x", i & 0xffff,
		    i >> 16);
		key = key_of(text);
		got += under(&key, 1);
	}
	/* The balance may pass its end by what one question takes. */
	ATF_CHECK_EQ(16000, got);
	key = key_of("2001:db8:2::1");
	ATF_CHECK_EQ(1000, under(&key, 2000));
}

CASE(addresses_of_a_56_are_one_client_and_the_next_56_is_another)
{
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("2001:db8::1");
	ATF_CHECK_EQ(600, under(&key, 600));
	key = key_of("2001:db8:0:ff:1:2:3:4");
	ATF_CHECK_EQ(400, under(&key, 600));
	key = key_of("2001:db8:0:100::1");
	ATF_CHECK_EQ(1000, under(&key, 1200));
}

static bool
same_client(const char *one, const char *other)
{
	const struct limit_key a = key_of(one), b = key_of(other);

	return a.set[LIMIT_CLIENT] == b.set[LIMIT_CLIENT] &&
	    a.tag[LIMIT_CLIENT] == b.tag[LIMIT_CLIENT];
}

/* Their prefix is everybody's on the link; one host there is no flood of
 * all. */
CASE(a_link_local_client_is_its_address_on_its_link)
{
	struct limit_key key;
	uint32_t got = 0, i;
	char text[64];

	(void)tc;
	set_up();
	ATF_CHECK(same_client("fe80::1%1", "fe80::1%1"));
	ATF_CHECK(!same_client("fe80::1%1", "fe80::2%1"));
	ATF_CHECK(!same_client("fe80::1%1", "fe80::1%2"));
	key = key_of("fe80::1%1");
	ATF_CHECK_EQ(1000, under(&key, 1000));
	key = key_of("fe80::2%1");
	ATF_CHECK_EQ(1000, under(&key, 1000));
	/* All of a link have the wider bucket, and another link its own. */
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "fe80::1:%x%%1", i);
		key = key_of(text);
		got += under(&key, 1000);
	}
	ATF_CHECK_EQ(14000, got);
	key = key_of("fe80::1%2");
	ATF_CHECK_EQ(1000, under(&key, 2000));
}

CASE(a_client_is_as_long_a_prefix_as_the_config_says)
{
	(void)tc;
	set_up();
	conf.prefix = 20;
	conf.prefix6 = 64;
	limit_set(&limit, &conf);
	ATF_CHECK(same_client("192.0.16.1", "192.0.31.255"));
	ATF_CHECK(!same_client("192.0.15.255", "192.0.16.0"));
	ATF_CHECK(same_client("2001:db8::1", "2001:db8::ffff:1:2:3"));
	ATF_CHECK(!same_client("2001:db8::1", "2001:db8:0:1::1"));
	conf.prefix = 8;
	conf.prefix6 = 128;
	limit_set(&limit, &conf);
	ATF_CHECK(same_client("10.0.0.1", "10.255.0.1"));
	ATF_CHECK(!same_client("10.0.0.1", "11.0.0.1"));
	ATF_CHECK(!same_client("2001:db8::1", "2001:db8::2"));
	ATF_CHECK(!same_client("2001:db8:0:1::1", "2001:db8::1"));
	ATF_CHECK(same_client("2001:db8::1", "2001:db8::1"));
	conf.prefix6 = 100;
	limit_set(&limit, &conf);
	ATF_CHECK(same_client("2001:db8::1", "2001:db8::fff:ffff"));
	ATF_CHECK(!same_client("2001:db8::1", "2001:db8::1000:0"));
	conf.prefix6 = 32;
	limit_set(&limit, &conf);
	ATF_CHECK(same_client("2001:db8::1", "2001:db8:ffff::1"));
	ATF_CHECK(!same_client("2001:db8::1", "2001:db9::1"));
}

CASE(who_is_exempt_is_never_over_and_its_neighbour_may_be)
{
	struct netaddr prefix[4];
	struct limit_key key;
	int i;

	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse_prefix(&prefix[0], "127.0.0.0/8"));
	ATF_REQUIRE(netaddr_parse_prefix(&prefix[1], "::1"));
	ATF_REQUIRE(netaddr_parse_prefix(&prefix[2], "192.0.2.64/26"));
	ATF_REQUIRE(netaddr_parse_prefix(&prefix[3], "2001:db8:0:40::/58"));
	limit_exempt(&limit, prefix, 4);
	for (i = 0; i < 4; i++) {
		const char *in[] = { "127.255.0.1", "::1", "192.0.2.127",
			"2001:db8:0:7f:ffff::" };
		const char *out[] = { "128.0.0.1", "::2", "192.0.2.128",
			"2001:db8:0:80::" };

		key = key_of(in[i]);
		ATF_CHECK_EQ(3000, under(&key, 3000));
		ATF_CHECK(limit_look(&limit, &key, now).regular);
		key = key_of(out[i]);
		ATF_CHECK_EQ(1000, under(&key, 3000));
	}
	/* Those of before are forgotten. */
	limit_exempt(&limit, prefix, 1);
	key = key_of("192.0.2.127");
	ATF_CHECK_EQ(1000, under(&key, 3000));
}

CASE(a_rate_of_0_is_no_limit_and_regulars_are_known_nevertheless)
{
	struct limit_key key;
	int i;

	(void)tc;
	set_up();
	conf.rate = conf.burst = 0;
	limit_set(&limit, &conf);
	key = key_of("192.0.2.1");
	ATF_CHECK_EQ(10000, under(&key, 10000));
	for (i = 0; i < LIMIT_REGULAR; i++, now++)
		(void)look(&key);
	ATF_CHECK(limit_look(&limit, &key, now).regular);
}

CASE(other_rates_hold_at_once_and_nobody_has_more_than_a_burst)
{
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	ATF_CHECK_EQ(10, under(&key, 10));
	conf.rate = 10;
	conf.burst = 20;
	limit_set(&limit, &conf);
	now++;
	ATF_CHECK_EQ(20, under(&key, 100));
	now += 4 * SECOND;
	ATF_CHECK_EQ(20, under(&key, 100));
}

CASE(who_comes_at_three_times_is_a_regular_until_it_stays_away)
{
	struct limit_key key;

	(void)tc;
	set_up();
	key = key_of("192.0.2.1");
	/* As often as one likes at one time is once. */
	(void)under(&key, 100);
	ATF_CHECK(!limit_look(&limit, &key, now).regular);
	now += 20;
	ATF_CHECK(!limit_look(&limit, &key, now).regular);
	now += 20;
	ATF_CHECK(limit_look(&limit, &key, now).regular);
	now += 60 * SECOND;
	ATF_CHECK(limit_look(&limit, &key, now).regular);
	now += 70 * SECOND;
	ATF_CHECK(limit_look(&limit, &key, now).regular);
	now += 140 * SECOND;
	ATF_CHECK(!limit_look(&limit, &key, now).regular);
}

CASE(what_is_over_is_counted_for_one_window_at_a_time)
{
	struct limit_key key;
	uint32_t got[4], i;

	(void)tc;
	set_up();
	limit_set_window(&limit, 10 * SECOND);
	key = at_the_floor("192.0.2.1");
	ATF_CHECK_EQ(1, limit_look(&limit, &key, now).over);
	count(&key, 998, got);
	ATF_CHECK_EQ(1000, limit_look(&limit, &key, now).over);
	now += 10 * SECOND;
	limit_charge(&limit, &key, UINT32_MAX);
	(void)look(&key);
	limit_charge(&limit, &key, UINT32_MAX);
	ATF_CHECK_EQ(1, limit_look(&limit, &key, now).over);
	/* Not even when its number comes again. */
	for (i = 0; i < 256; i++) {
		now += 10 * SECOND;
		(void)look(&key);
	}
	(void)look(&key);
	limit_charge(&limit, &key, UINT32_MAX);
	ATF_CHECK_EQ(1, limit_look(&limit, &key, now).over);
}

/* Or whoever is a little over for long would be blocked some day. */
CASE(who_never_pauses_is_counted_from_1_in_each_window_as_well)
{
	uint32_t most = 0, begun = 0, i, over;
	struct limit_key key;

	(void)tc;
	set_up();
	limit_set_window(&limit, 10 * SECOND);
	key = at_the_floor("192.0.2.1");
	for (i = 0; i < 200; i++) {
		now += SECOND / 2;
		(void)look(&key);
		limit_charge(&limit, &key, UINT32_MAX);
		over = limit_look(&limit, &key, now).over;
		begun += over <= 2;
		if (over > most)
			most = over;
	}
	/* Twice in each half second, of a hundred. */
	ATF_CHECK_MSG(most <= 2 * 20 && most >= 20, "%u", most);
	ATF_CHECK_MSG(begun >= 9 && begun <= 12, "%u", begun);
}

CASE(a_pause_within_a_long_window_is_not_its_end)
{
	struct limit_key key;
	uint32_t got[4];

	(void)tc;
	set_up();
	limit_set_window(&limit, 3600 * SECOND);
	key = at_the_floor("192.0.2.1");
	ATF_CHECK_EQ(1, limit_look(&limit, &key, now).over);
	count(&key, 598, got);
	now += 300 * SECOND;
	(void)look(&key);
	limit_charge(&limit, &key, UINT32_MAX);
	ATF_CHECK_EQ(600, limit_look(&limit, &key, now).over);
	now += 3600 * SECOND;
	(void)look(&key);
	limit_charge(&limit, &key, UINT32_MAX);
	ATF_CHECK_EQ(1, limit_look(&limit, &key, now).over);
}

/* The prefix's being over is not the client's doing: nothing to block for. */
CASE(over_is_only_what_the_client_itself_is_over)
{
	struct limit_key key;
	char text[32];
	int i;

	(void)tc;
	set_up();
	for (i = 1; i <= 100; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		key = key_of(text);
		(void)under(&key, 900);
	}
	key = key_of("192.0.2.200");
	ATF_CHECK(look(&key) != LIMIT_UNDER);
	ATF_CHECK_EQ(0, limit_look(&limit, &key, now).over);
}

CASE(a_charge_for_who_is_forgotten_is_nobodys)
{
	struct limit_key gone = { .set = { 1, 2 }, .tag = { 3, 4 } };
	struct limit_key key;

	(void)tc;
	set_up();
	limit_charge(&limit, &gone, UINT32_MAX);
	key = key_of("192.0.2.1");
	ATF_CHECK_EQ(1000, under(&key, 2000));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_burst_is_answered_whole_and_not_one_more);
	ATF_TP_ADD_TC(
	    tp, a_flood_gets_its_rate_over_any_time_also_when_the_clock_wraps);
	ATF_TP_ADD_TC(
	    tp, who_keeps_to_the_rate_is_never_over_however_the_questions_lie);
	ATF_TP_ADD_TC(tp, one_a_second_is_one_a_second_and_the_burst);
	ATF_TP_ADD_TC(tp, a_hit_takes_a_fraction_and_a_failure_more);
	ATF_TP_ADD_TC(tp, a_debt_is_at_most_a_burst);
	ATF_TP_ADD_TC(tp, each_so_manieth_over_the_limit_slips);
	ATF_TP_ADD_TC(tp, slip_0_drops_all);
	ATF_TP_ADD_TC(tp, slips_go_on_when_the_count_can_not);
	ATF_TP_ADD_TC(tp, one_in_sixteen_leaks_and_nobody_can_tell_which);
	ATF_TP_ADD_TC(tp, a_forged_flood_does_not_silence_its_victim);
	ATF_TP_ADD_TC(
	    tp, who_is_proven_has_a_bucket_of_its_own_and_never_slips);
	ATF_TP_ADD_TC(tp, the_wider_prefix_may_ask_sixteen_times_as_much);
	ATF_TP_ADD_TC(tp, all_of_a_48_is_one_abuser_and_its_neighbour_is_not);
	ATF_TP_ADD_TC(
	    tp, addresses_of_a_56_are_one_client_and_the_next_56_is_another);
	ATF_TP_ADD_TC(tp, a_link_local_client_is_its_address_on_its_link);
	ATF_TP_ADD_TC(tp, a_client_is_as_long_a_prefix_as_the_config_says);
	ATF_TP_ADD_TC(tp, who_is_exempt_is_never_over_and_its_neighbour_may_be);
	ATF_TP_ADD_TC(
	    tp, a_rate_of_0_is_no_limit_and_regulars_are_known_nevertheless);
	ATF_TP_ADD_TC(
	    tp, other_rates_hold_at_once_and_nobody_has_more_than_a_burst);
	ATF_TP_ADD_TC(
	    tp, who_comes_at_three_times_is_a_regular_until_it_stays_away);
	ATF_TP_ADD_TC(tp, what_is_over_is_counted_for_one_window_at_a_time);
	ATF_TP_ADD_TC(
	    tp, who_never_pauses_is_counted_from_1_in_each_window_as_well);
	ATF_TP_ADD_TC(tp, a_pause_within_a_long_window_is_not_its_end);
	ATF_TP_ADD_TC(tp, over_is_only_what_the_client_itself_is_over);
	ATF_TP_ADD_TC(tp, a_charge_for_who_is_forgotten_is_nobodys);
	return atf_no_error();
}
