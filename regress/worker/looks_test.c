/* The first looks at a message, with time scripted and no socket. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/worker/guard.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define START 1000 /* ms */

static struct guard g;
static struct conf_limit conf;
static struct limit_key key;
static _Alignas(64) uint8_t memory[CONF_LIMIT_MEMORY_MIN];

/* Five at once, and nobody leaks. */
static void
set_up(void)
{
	memset(&g, 0, sizeof(g));
	memset(memory, 0, sizeof(memory));
	conf = (struct conf_limit){ .rate = 1,
		.burst = 5,
		.prefix = 32,
		.prefix6 = 56,
		.hit_cost = LIMIT_TOKEN,
		.memory = sizeof(memory),
		.zone_burst = 1,
		.zone_labels = 2 };
	guard_init(&g, &conf, memory);
}

static void
client(const char *text, bool proven)
{
	struct netaddr a;

	ATF_REQUIRE(netaddr_parse(&a, text));
	memset(&key, 0, sizeof(key));
	guard_find(&g, &a, proven, &key);
}

/* So often over the limit that there is nothing to leak from either. */
static void
ask_too_often(void)
{
	int i;

	for (i = 0; i < 20; i++) {
		(void)guard_udp(&g, &key, START);
		guard_charge_miss(&g, &key);
	}
}

CASE(before_there_is_a_config_all_are_taken_and_nobody_pays)
{
	uint32_t share = 1;

	(void)tc;
	memset(&g, 0, sizeof(g));
	memset(&key, 0, sizeof(key));
	ATF_CHECK_EQ(GUARD_TAKE, guard_udp(&g, &key, START));
	ATF_CHECK_EQ(GUARD_TAKE, guard_proven(&g, &key, START));
	ATF_CHECK_EQ(GUARD_TAKE, guard_tcp(&g, &key, START));
	guard_charge_hit(&g, &key);
	guard_charge_miss(&g, &key);
	guard_charge_failed(&g, &key);
	ATF_CHECK(guard_zone(&g, (const uint8_t *)"\1a", 3, START));
	ATF_CHECK(guard_enter(&g, (const uint8_t *)"\1a", 3, 9, 1, &share));
	ATF_CHECK_EQ(0, share);
	guard_leave(&g, share);
}

CASE(how_often_a_client_was_over_is_told_while_it_is)
{
	uint16_t over;

	(void)tc;
	set_up();
	client("192.0.2.1", false);
	ATF_CHECK_EQ(GUARD_TAKE, guard_udp(&g, &key, START));
	ATF_CHECK_EQ(0, g.over);
	ask_too_often();
	over = g.over;
	ATF_CHECK(over > 1);
	ATF_CHECK_EQ(GUARD_DROP, guard_udp(&g, &key, START));
	ATF_CHECK_EQ(over + 1, g.over);
	/* And that is of this client. */
	client("192.0.2.2", false);
	ATF_CHECK_EQ(GUARD_TAKE, guard_udp(&g, &key, START));
	ATF_CHECK_EQ(0, g.over);
}

CASE(what_is_dropped_is_counted_by_what_it_came_with)
{
	uint64_t before;
	int i;

	(void)tc;
	set_up();
	client("192.0.2.1", false);
	ask_too_often();
	before = counter_value[COUNTER_limit_dropped];
	ATF_CHECK_EQ(GUARD_DROP, guard_udp(&g, &key, START));
	ATF_CHECK_EQ(before + 1, counter_value[COUNTER_limit_dropped]);
	/* Its own limit is another's that a forger does not use up. */
	client("192.0.2.1", true);
	ATF_CHECK_EQ(GUARD_TAKE, guard_proven(&g, &key, START));
	for (i = 0; i < 5; i++)
		guard_charge_miss(&g, &key);
	ATF_CHECK_EQ(GUARD_DROP, guard_proven(&g, &key, START));
	ATF_CHECK_EQ(before + 2, counter_value[COUNTER_limit_dropped]);
	ATF_CHECK_EQ(1, g.over);
	ATF_CHECK_EQ(GUARD_DROP, guard_tcp(&g, &key, START));
	ATF_CHECK_EQ(before + 2, counter_value[COUNTER_limit_dropped]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_limit_refused]);
}

CASE(who_is_exempt_passes_limit_and_overload)
{
	const struct admit_load most = { 1, 1, 0, 0 };

	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse_prefix(&conf.exempt[0], "192.0.2.0/24"));
	conf.nexempt = 1;
	guard_set(&g, &conf);
	ATF_CHECK(guard_turn(&g, &most, START));
	client("192.0.2.1", false);
	ask_too_often();
	ATF_CHECK_EQ(GUARD_TAKE, guard_udp(&g, &key, START));
	ATF_CHECK(!g.stranger);
	ATF_CHECK_EQ(GUARD_TAKE, guard_proven(&g, &key, START));
	ATF_CHECK_EQ(GUARD_TAKE, guard_tcp(&g, &key, START));
	client("198.51.100.1", false);
	ATF_CHECK_EQ(GUARD_CUT, guard_udp(&g, &key, START));
	ATF_CHECK(g.stranger);
}

CASE(what_a_full_turn_left_counts_in_the_next_and_once)
{
	const struct admit_load idle = { 0, 1000, 0, 0 };

	(void)tc;
	set_up();
	g.was_full = true;
	g.queued = ADMIT_QUEUE - 1;
	ATF_CHECK(!guard_turn(&g, &idle, START));
	g.was_full = true;
	g.queued = ADMIT_QUEUE;
	ATF_CHECK(!guard_turn(&g, &idle, START)); /* the same turn */
	ATF_CHECK(guard_turn(&g, &idle, START + 1));
	ATF_CHECK(g.admit.on);
	ATF_CHECK(!guard_turn(&g, &idle, START + 2));
	ATF_CHECK(guard_turn(&g, &idle, START + 1 + ADMIT_CALM_MS));
	ATF_CHECK(!g.admit.on);
}

CASE(another_config_has_other_limits_of_the_same_clients)
{
	(void)tc;
	set_up();
	client("192.0.2.1", false);
	ask_too_often();
	ATF_CHECK_EQ(GUARD_DROP, guard_udp(&g, &key, START));
	conf.rate = 0;
	guard_set(&g, &conf);
	ATF_CHECK_EQ(GUARD_TAKE, guard_udp(&g, &key, START));
}

CASE(what_was_to_be_told_is_counted_by_what_became_of_it)
{
	static const struct {
		enum guard_fate fate;
		int told, dropped;
	} cases[] = {
		{ GUARD_SLIP, COUNTER_limit_slipped, COUNTER_limit_dropped },
		{ GUARD_CUT, COUNTER_overload_cut, COUNTER_overload_dropped },
		{ GUARD_BLOCKED, COUNTER_blocked_cut, COUNTER_blocked_udp },
	};
	size_t i;

	(void)tc;
	set_up();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		guard_told(&g, cases[i].fate, true);
		ATF_CHECK_EQ(1, counter_value[cases[i].told]);
		ATF_CHECK_EQ(0, counter_value[cases[i].dropped]);
		guard_told(&g, cases[i].fate, false);
		guard_told(&g, cases[i].fate, false);
		ATF_CHECK_EQ(1, counter_value[cases[i].told]);
		ATF_CHECK_EQ(2, counter_value[cases[i].dropped]);
	}
}

CASE(under_overload_a_stranger_who_is_told_nothing_costs_no_other)
{
	const struct admit_load most = { 1, 1, 0, 0 };
	uint32_t i, told = 0;

	(void)tc;
	set_up();
	conf.rate = 0;
	guard_set(&g, &conf);
	(void)guard_turn(&g, &most, START);
	client("192.0.2.1", false);
	for (i = 0; i < 10 * ADMIT_TC_BURST; i++) {
		ATF_REQUIRE_EQ(GUARD_CUT, guard_udp(&g, &key, START));
		guard_told(&g, GUARD_CUT, false);
	}
	for (i = 0; i < 10 * ADMIT_TC_BURST; i++) {
		if (guard_udp(&g, &key, START) != GUARD_CUT)
			continue;
		guard_told(&g, GUARD_CUT, true);
		told++;
	}
	ATF_CHECK_EQ(ADMIT_TC_BURST, told);
}

CASE(a_share_is_anothers_once_it_is_left)
{
	const uint8_t name[] = "\1a\6victim\7example";
	uint32_t share[2], i;

	(void)tc;
	set_up();
	/* As if all but these few were in flight: one name may have one. */
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(guard_enter(&g, name, sizeof(name), 8, 8, share));
		ATF_CHECK(
		    !guard_enter(&g, name, sizeof(name), 8, 8, share + 1));
		guard_leave(&g, share[0]);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, before_there_is_a_config_all_are_taken_and_nobody_pays);
	ATF_TP_ADD_TC(tp, how_often_a_client_was_over_is_told_while_it_is);
	ATF_TP_ADD_TC(tp, what_is_dropped_is_counted_by_what_it_came_with);
	ATF_TP_ADD_TC(tp, who_is_exempt_passes_limit_and_overload);
	ATF_TP_ADD_TC(tp, what_a_full_turn_left_counts_in_the_next_and_once);
	ATF_TP_ADD_TC(tp, another_config_has_other_limits_of_the_same_clients);
	ATF_TP_ADD_TC(tp, what_was_to_be_told_is_counted_by_what_became_of_it);
	ATF_TP_ADD_TC(
	    tp, under_overload_a_stranger_who_is_told_nothing_costs_no_other);
	ATF_TP_ADD_TC(tp, a_share_is_anothers_once_it_is_left);
	return atf_no_error();
}
