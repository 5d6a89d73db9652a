/* Who goes first under overload, with time and load scripted. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/worker/admit.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define MOST 1000

static struct admit admit;
static uint64_t now;

static void
set_up(void)
{
	memset(&admit, 0, sizeof(admit));
	now = 5000;
}

static bool
turn(uint32_t waiting, bool full)
{
	const struct admit_load load = { waiting, MOST, 0, 0 };

	return admit_turn(&admit, &load, full, now);
}

static uint32_t
strangers(uint32_t n, enum admit_verdict verdict)
{
	uint32_t got = 0;

	while (n-- > 0)
		got += admit_look(&admit, ADMIT_STRANGER, now) == verdict;
	return got;
}

CASE(without_overload_all_are_taken)
{
	(void)tc;
	set_up();
	ATF_CHECK(!turn(MOST / 2 - 1, true));
	ATF_CHECK_EQ(ADMIT_TAKE, admit_look(&admit, ADMIT_PROVEN, now));
	ATF_CHECK_EQ(ADMIT_TAKE, admit_look(&admit, ADMIT_REGULAR, now));
	ATF_CHECK_EQ(100000, strangers(100000, ADMIT_TAKE));
}

CASE(a_half_of_what_can_wait_is_overload)
{
	(void)tc;
	set_up();
	ATF_CHECK(turn(MOST / 2, false));
	ATF_CHECK(admit.on);
	ATF_CHECK(!turn(MOST / 2, false));
}

CASE(a_socket_that_is_never_empty_is_overload)
{
	int i;

	(void)tc;
	set_up();
	for (i = 0; i < 100; i++)
		ATF_CHECK(!turn(0, i % ADMIT_FULL_TURNS != 0));
	ATF_CHECK(!admit.on);
	ATF_CHECK(!turn(0, false));
	for (i = 1; i < ADMIT_FULL_TURNS; i++)
		ATF_CHECK(!turn(0, true));
	ATF_CHECK(turn(0, true));
	ATF_CHECK(admit.on);
}

static bool
wait_for_strangers(uint32_t n)
{
	const struct admit_load load = { n, 16 * MOST, n, 0 };

	return admit_turn(&admit, &load, false, now);
}

CASE(so_many_strangers_that_wait_are_overload_however_much_room_there_is)
{
	(void)tc;
	set_up();
	ATF_CHECK(!wait_for_strangers(ADMIT_FLIGHT - 1));
	ATF_CHECK(wait_for_strangers(ADMIT_FLIGHT));
	ATF_CHECK(admit.on);
	ATF_CHECK_EQ(ADMIT_TAKE, admit_look(&admit, ADMIT_REGULAR, now));
	ATF_CHECK_EQ(0, strangers(100, ADMIT_TAKE));
	/* Its calm is that a half of them is answered. */
	now += ADMIT_CALM_MS;
	ATF_CHECK(!wait_for_strangers(ADMIT_FLIGHT / 2));
	now += ADMIT_CALM_MS - 1;
	ATF_CHECK(!wait_for_strangers(ADMIT_FLIGHT / 2 - 1));
	ATF_CHECK(admit.on);
	now++;
	ATF_CHECK(wait_for_strangers(ADMIT_FLIGHT / 2 - 1));
	ATF_CHECK(!admit.on);
}

/* So many come each millisecond, and each is answered so much later: how long,
 * until it is an overload, in a second at most. */
static uint32_t
rush(uint32_t a_ms, uint32_t answered_ms)
{
	uint32_t ms, waits;

	set_up();
	for (ms = 1; ms <= 1000; ms++, now++) {
		waits = (ms < answered_ms ? ms : answered_ms) * a_ms;
		if (wait_for_strangers(waits))
			break;
	}
	return ms;
}

CASE(a_flood_of_strangers_is_overload_at_once_and_a_rush_of_them_is_none)
{
	(void)tc;
	/* 200,000 a second, though all that wait were room enough. */
	ATF_CHECK(rush(200, 20) <= 6);
	/* All clients of a network come at once, and for long. */
	ATF_CHECK_EQ(1001, rush(50, 20));
	/* Of an upstream that has stopped, no sooner than there are as many. */
	ATF_CHECK_EQ(512, rush(2, 4500));
}

/* What comes next waits behind all of that. */
CASE(a_socket_with_so_much_left_after_a_turn_is_overload_at_once)
{
	struct admit_load load = { 0, MOST, 0, ADMIT_QUEUE - 1 };

	(void)tc;
	set_up();
	ATF_CHECK(!admit_turn(&admit, &load, true, now++));
	load.queued++;
	/* Of a turn that left nothing, there is nothing to say. */
	ATF_CHECK(!admit_turn(&admit, &load, false, now++));
	ATF_CHECK(admit_turn(&admit, &load, true, now++));
	ATF_CHECK(admit.on);
	/* Regulars have their room in flight all the same. */
	ATF_CHECK_EQ(ADMIT_TAKE, admit_look(&admit, ADMIT_REGULAR, now));
	ATF_CHECK_EQ(0, strangers(10, ADMIT_TAKE));
}

CASE(the_proven_go_before_the_regulars_and_those_before_strangers)
{
	uint32_t waiting;

	(void)tc;
	set_up();
	for (waiting = MOST / 2; waiting <= MOST; waiting++, now += 10) {
		(void)turn(waiting, false);
		ATF_CHECK_EQ(ADMIT_TAKE, admit_look(&admit, ADMIT_PROVEN, now));
		ATF_CHECK_EQ(waiting < MOST / 8 * 7 ? ADMIT_TAKE : ADMIT_DROP,
		    admit_look(&admit, ADMIT_REGULAR, now));
		ATF_CHECK_EQ(0, strangers(100, ADMIT_TAKE));
	}
}

CASE(so_many_strangers_a_second_are_sent_to_tcp_and_no_more)
{
	uint32_t ms, got = 0;

	(void)tc;
	set_up();
	(void)turn(MOST / 2, false);
	for (ms = 0; ms < 10000; ms++, now++)
		got += strangers(200, ADMIT_TC);
	ATF_CHECK_MSG(got >= 10 * ADMIT_TC_RATE + ADMIT_TC_BURST - 1 &&
		got <= 10 * ADMIT_TC_RATE + ADMIT_TC_BURST,
	    "%u", got);
}

/* Or a flood that may not ask would take the TC=1 of those who may. */
CASE(who_is_told_nothing_leaves_it_to_another)
{
	uint32_t i;

	(void)tc;
	set_up();
	(void)turn(MOST / 2, false);
	for (i = 0; i < 10 * ADMIT_TC_BURST; i++) {
		ATF_REQUIRE_EQ(1, strangers(1, ADMIT_TC));
		admit_untold(&admit);
	}
	ATF_CHECK_EQ(ADMIT_TC_BURST, strangers(1000, ADMIT_TC));
	/* It is never more than there ever was. */
	now += 60000;
	admit_untold(&admit);
	ATF_CHECK_EQ(ADMIT_TC_BURST, strangers(1000, ADMIT_TC));
}

CASE(it_ends_a_second_after_what_brought_it_about)
{
	(void)tc;
	set_up();
	ATF_CHECK(turn(MOST / 2, false));
	now += 10000;
	/* Between a quarter and a half it stays as it is. */
	ATF_CHECK(!turn(MOST / 4, false));
	now += 10000;
	ATF_CHECK(!turn(MOST / 4, false));
	now++;
	ATF_CHECK(!turn(0, true));
	now += 999;
	ATF_CHECK(!turn(0, false));
	now++;
	ATF_CHECK(turn(0, false));
	ATF_CHECK(!admit.on);
	/* And below a half it does not begin again. */
	ATF_CHECK(!turn(MOST / 2 - 1, false));
}

/* Or the flood would be let in once a second. */
CASE(it_does_not_end_while_strangers_keep_coming)
{
	uint32_t ms;

	(void)tc;
	set_up();
	(void)turn(MOST / 2, false);
	for (ms = 0; ms < 60000; ms++, now++) {
		(void)turn(0, false);
		(void)strangers(10, ADMIT_DROP);
	}
	ATF_CHECK(admit.on);
	/* Not kept on by as many as can be served. */
	for (ms = 0; ms < 2500; ms++, now++) {
		(void)turn(0, false);
		(void)strangers(1, ADMIT_DROP);
	}
	ATF_CHECK(!admit.on);
}

CASE(it_begins_anew_with_its_calm_anew)
{
	(void)tc;
	set_up();
	(void)turn(MOST, false);
	now += 1000;
	(void)turn(0, false);
	now += 5000;
	(void)turn(0, false);
	ATF_CHECK(!admit.on);
	now += 5000;
	ATF_CHECK(turn(MOST, false));
	now += 500;
	ATF_CHECK(!turn(0, false));
	ATF_CHECK(admit.on);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, without_overload_all_are_taken);
	ATF_TP_ADD_TC(tp, a_half_of_what_can_wait_is_overload);
	ATF_TP_ADD_TC(tp, a_socket_that_is_never_empty_is_overload);
	ATF_TP_ADD_TC(
	    tp, a_socket_with_so_much_left_after_a_turn_is_overload_at_once);
	ATF_TP_ADD_TC(tp,
	    so_many_strangers_that_wait_are_overload_however_much_room_there_is);
	ATF_TP_ADD_TC(tp,
	    a_flood_of_strangers_is_overload_at_once_and_a_rush_of_them_is_none);
	ATF_TP_ADD_TC(
	    tp, the_proven_go_before_the_regulars_and_those_before_strangers);
	ATF_TP_ADD_TC(
	    tp, so_many_strangers_a_second_are_sent_to_tcp_and_no_more);
	ATF_TP_ADD_TC(tp, who_is_told_nothing_leaves_it_to_another);
	ATF_TP_ADD_TC(tp, it_ends_a_second_after_what_brought_it_about);
	ATF_TP_ADD_TC(tp, it_does_not_end_while_strangers_keep_coming);
	ATF_TP_ADD_TC(tp, it_begins_anew_with_its_calm_anew);
	return atf_no_error();
}
