/*
 * Zones and policies: which upstream a question goes to, and never goes to.
 */
#include "script.h"

static const uint8_t first[] = { 0 }, second[] = { 1 };
static uint64_t asked;

/* The upstream that the nth question was written to. */
static uint32_t
upstream_of(size_t n)
{
	ATF_REQUIRE(n < s.nwritten);
	return s.written[n].upstream;
}

/* Asks, has what is opened for it up, and answers after as long as the upstream
 * takes that was asked. */
static uint32_t
ask_timed(uint64_t id, const uint64_t *takes)
{
	size_t opened = s.nopened, n = s.nwritten;
	char name[32];

	(void)snprintf(name, sizeof(name), "q%u.example.", (unsigned int)id);
	ask(0, id, name);
	for (; opened < s.nopened; opened++)
		up(s.opened[opened]);
	s.now += takes[upstream_of(n)];
	answer_to(n);
	turn();
	s.nanswered = 0;
	return upstream_of(n);
}

/* ... the same of each. */
static uint32_t
ask_one(uint64_t id, uint64_t took)
{
	return ask_timed(id, (const uint64_t[]){ took, took, took });
}

static void
begin_with(enum conf_policy policy, uint32_t upstreams, uint32_t addresses)
{
	s.zone[0].policy = policy;
	s.nzone = 1;
	begin(upstreams, addresses);
}

static void
split(void)
{
	zone("", CONF_FAILOVER, 1, first);
	zone("corp.example.", CONF_FAILOVER, 1, second);
	begin(2, 1);
}

ATF_TC_WITHOUT_HEAD(a_question_goes_to_the_upstream_of_its_zone);
ATF_TC_BODY(a_question_goes_to_the_upstream_of_its_zone, tc)
{
	split();
	ask(0, 1, "www.CORP.example.");
	ask(0, 2, "www.example.");
	ask(0, 3, "notcorp.example.");
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_upstream[0]);
	ATF_CHECK_EQ(0, s.opened_upstream[1]);
	up(s.opened[0]);
	ATF_REQUIRE_EQ(1, s.nwritten);
	up(s.opened[1]);
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK_EQ(1, upstream_of(0));
	ATF_CHECK_EQ(0, upstream_of(1));
	ATF_CHECK_EQ(0, upstream_of(2));
}

ATF_TC_WITHOUT_HEAD(whatever_fails_no_question_leaves_its_zone);
ATF_TC_BODY(whatever_fails_no_question_leaves_its_zone, tc)
{
	size_t i;

	split();
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_to(0);
	/* The zone's own cannot be connected to, ... */
	ask(0, 2, "a.corp.example.");
	end(s.opened[1], REASON_NO_PIN);
	ATF_CHECK_EQ(1, s.nfailed);
	ATF_CHECK_STREQ("upstream u1: no pin matched", s.text);
	/* ... resets, is silent, and ends with questions in flight. */
	later(POOL_BACKOFF_MAX);
	ask(0, 3, "b.corp.example.");
	for (i = 0; i < 100; i++) {
		if (i % 7 == 3)
			end(s.opened[s.nopened - 1], REASON_RESET);
		else if (i % 7 == 0)
			up(s.opened[s.nopened - 1]);
		later(100);
		ask(0, 10 + i, "c.corp.example.");
	}
	ATF_REQUIRE(s.nwritten > 5);
	for (i = 1; i < s.nwritten; i++)
		ATF_CHECK_EQ(1, upstream_of(i));
	for (i = 1; i < s.nopened; i++)
		ATF_CHECK_EQ(1, s.opened_upstream[i]);
	ATF_CHECK(s.nfailed > 1);
}

ATF_TC_WITHOUT_HEAD(the_upstream_of_a_zone_is_no_fallback_of_the_default);
ATF_TC_BODY(the_upstream_of_a_zone_is_no_fallback_of_the_default, tc)
{
	size_t i;

	split();
	ask(0, 1, "a.corp.example.");
	up(s.opened[0]);
	answer_to(0);
	for (i = 0; i < 10; i++) {
		ask(0, 2 + i, "a.example.");
		if (s.opened_upstream[s.nopened - 1] == 0)
			end(s.opened[s.nopened - 1], REASON_REFUSED);
		later(1000);
	}
	ATF_CHECK_EQ(1, s.nwritten);
	ATF_CHECK(s.nfailed > 0);
}

ATF_TC_WITHOUT_HEAD(what_waits_follows_its_zone_through_a_reload);
ATF_TC_BODY(what_waits_follows_its_zone_through_a_reload, tc)
{
	const uint32_t same[] = { 0, 1 };

	split();
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_to(0);
	ask(0, 2, "a.corp.example.");
	ask(0, 3, "a.lab.example.");
	ATF_REQUIRE_EQ(2, s.nwritten); /* a.lab on the first */
	ATF_REQUIRE_EQ(0, upstream_of(1));
	/* One waits for the second's connection, the other is in flight on
	 * the first's: and both zones change. */
	s.nzone = 0;
	memset(s.zone, 0, sizeof(s.zone));
	zone("", CONF_FAILOVER, 1, first);
	zone("lab.example.", CONF_FAILOVER, 1, second);
	configure(2, 1, same);
	turn();
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK_EQ(0, upstream_of(2)); /* a.corp */
	/* The answer of who is not asked any more is none. */
	answer_to(1);
	ATF_CHECK_EQ(1, s.nanswered);
	ATF_CHECK_EQ(1, s.opened_upstream[s.nopened - 1]);
	up(s.opened[s.nopened - 1]);
	ATF_REQUIRE_EQ(4, s.nwritten);
	ATF_CHECK_EQ(1, upstream_of(3));
	answer_to(3);
	ATF_CHECK_EQ(2, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(one_zone_that_waits_holds_up_no_other);
ATF_TC_BODY(one_zone_that_waits_holds_up_no_other, tc)
{
	split();
	ask(0, 1, "a.corp.example.");
	ask(0, 2, "b.corp.example.");
	ask(0, 3, "a.example.");
	ATF_REQUIRE_EQ(2, s.nopened);
	up(s.opened[1]);
	ATF_CHECK_EQ(1, s.nwritten);
	ask(0, 4, "b.example.");
	ATF_CHECK_EQ(2, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(failover_asks_in_the_order_written);
ATF_TC_BODY(failover_asks_in_the_order_written, tc)
{
	uint64_t i;

	begin_with(CONF_FAILOVER, 3, 1);
	for (i = 0; i < 20; i++)
		ATF_CHECK_EQ(0, ask_one(i, 30));
	end(s.opened[0], REASON_CLOSED);
	ask(0, 100, "x.example.");
	end(s.opened[1], REASON_REFUSED);
	ATF_REQUIRE_EQ(1, s.opened_upstream[2]);
	up(s.opened[2]);
	answer_to(s.nwritten - 1);
	ATF_CHECK_EQ(1, upstream_of(s.nwritten - 1));
	/* Back to the first, as soon as that is well. */
	later(POOL_BACKOFF_MIN);
	ask(0, 101, "y.example.");
	ATF_CHECK_EQ(1, upstream_of(s.nwritten - 1));
	ATF_REQUIRE_EQ(4, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[3]);
	up(s.opened[3]);
	ATF_CHECK_EQ(0, ask_one(102, 1));
}

ATF_TC_WITHOUT_HEAD(round_robin_takes_turns);
ATF_TC_BODY(round_robin_takes_turns, tc)
{
	uint64_t i;

	begin_with(CONF_ROUND_ROBIN, 3, 1);
	/* At first there is one connection; the others come as their turns
	 * do. */
	for (i = 0; i < 3; i++)
		(void)ask_one(i, 1);
	ATF_REQUIRE_EQ(3, s.nopened);
	for (i = 3; i < 30; i++)
		ATF_CHECK_EQ(i % 3, ask_one(i, 1));
	/* Of two that are left each gets its turns. */
	for (i = 0; s.opened_upstream[i] != 1; i++)
		;
	end(s.opened[i], REASON_CLOSED);
	ask(0, 31, "one.example.");
	ATF_CHECK(upstream_of(s.nwritten - 1) != 1);
}

ATF_TC_WITHOUT_HEAD(fastest_asks_the_fastest_and_tries_the_others_now_and_then);
ATF_TC_BODY(fastest_asks_the_fastest_and_tries_the_others_now_and_then, tc)
{
	static const uint64_t takes[] = { 30, 10, 20 };
	uint32_t to, each[3] = { 0, 0, 0 };
	uint64_t i;

	begin_with(CONF_FASTEST, 3, 1);
	for (i = 0; i < 1000; i++) {
		to = ask_timed(i, takes);
		if (i >= 500)
			each[to]++;
	}
	ATF_CHECK(each[1] >= 480);
	ATF_CHECK(each[0] >= 3 && each[0] <= 10);
	ATF_CHECK(each[2] >= 3 && each[2] <= 10);
}

ATF_TC_WITHOUT_HEAD(fastest_follows_a_change_of_speed);
ATF_TC_BODY(fastest_follows_a_change_of_speed, tc)
{
	static uint64_t takes[] = { 10, 20 };
	uint32_t to, changed = 0;
	uint64_t i;

	begin_with(CONF_FASTEST, 2, 1);
	for (i = 0; i < 1000; i++) {
		if (i == 300)
			takes[0] = 40;
		to = ask_timed(i, takes);
		if (i > 300 && to == 1 && changed == 0)
			changed = (uint32_t)i;
		if (i > 320 && (i + 1) % 50 > 2)
			ATF_CHECK_EQ_MSG(1, to, "question %u", (unsigned)i);
	}
	ATF_CHECK(changed > 300 && changed < 320);
}

/* So many questions, each answered at once; what is opened comes up. */
static void
ask_all(unsigned int n)
{
	while (n-- > 0)
		(void)ask_one(++asked, 1);
}

ATF_TC_WITHOUT_HEAD(fastest_tries_nobody_before_it_is_due);
ATF_TC_BODY(fastest_tries_nobody_before_it_is_due, tc)
{
	begin_with(CONF_FASTEST, 2, 1);
	ask_all(POOL_EXPLORE - 1);
	ATF_CHECK_EQ(1, s.nopened);
	ask_all(1);
	ATF_CHECK_EQ(2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(fastest_tries_another_with_one_question_alone);
ATF_TC_BODY(fastest_tries_another_with_one_question_alone, tc)
{
	char name[] = "a.example.";
	unsigned int tried = 0;
	size_t n;

	begin_with(CONF_FASTEST, 2, 1);
	ask_all(POOL_EXPLORE);
	ATF_REQUIRE_EQ(2, s.nopened);
	n = s.nwritten;
	/* Nothing of what is asked now is answered. */
	for (; name[0] < 'k'; name[0]++)
		ask(0, ++asked, name);
	ATF_REQUIRE_EQ(n + 10, s.nwritten);
	for (; n < s.nwritten; n++)
		tried += upstream_of(n) == 1;
	ATF_CHECK_EQ(1, tried);
}

ATF_TC_WITHOUT_HEAD(fastest_tries_one_that_failed_again_in_its_turn);
ATF_TC_BODY(fastest_tries_one_that_failed_again_in_its_turn, tc)
{
	begin_with(CONF_FASTEST, 2, 1);
	ask_all(POOL_EXPLORE - 1);
	ask(0, ++asked, "x.example.");
	ATF_REQUIRE_EQ(2, s.nopened);
	end(s.opened[1], REASON_REFUSED);
	answer_to(s.nwritten - 1);
	/* Once was enough for now; too few come for a connection to spare. */
	later(2 * POOL_BACKOFF_MAX);
	ask_all(POOL_EXPLORE - 1);
	ATF_CHECK_EQ(2, s.nopened);
	ask_all(1);
	ATF_REQUIRE_EQ(3, s.nopened);
	ATF_CHECK_EQ(1, s.opened_upstream[2]);
	ATF_CHECK_EQ(1, ask_one(++asked, 1));
}

ATF_TC_WITHOUT_HEAD(fastest_leaves_a_suspect_to_its_probes);
ATF_TC_BODY(fastest_leaves_a_suspect_to_its_probes, tc)
{
	size_t n;

	begin_with(CONF_FASTEST, 2, 1);
	ask_all(POOL_EXPLORE - 1);
	ask(0, ++asked, "x.example.");
	ATF_REQUIRE_EQ(2, s.nopened);
	end(s.opened[1], REASON_NO_PIN);
	answer_to(s.nwritten - 1);
	ATF_CHECK_EQ(1, s.suspected);
	for (n = 2 * POOL_EXPLORE; n > 0; n--) {
		ask(0, ++asked, "x.example.");
		answer_to(s.nwritten - 1);
		s.nanswered = 0;
	}
	ATF_CHECK_EQ(2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(fastest_is_not_swayed_by_one_answer);
ATF_TC_BODY(fastest_is_not_swayed_by_one_answer, tc)
{
	static const uint64_t takes[] = { 10, 20 }, once[] = { 50, 20 };
	unsigned int i;

	begin_with(CONF_FASTEST, 2, 1);
	for (i = 0; i < POOL_EXPLORE + 5; i++)
		(void)ask_timed(++asked, takes);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(0, ask_timed(++asked, once));
	ATF_CHECK_EQ(0, ask_timed(++asked, takes));
}

ATF_TC_WITHOUT_HEAD(race_asks_two_at_once_and_the_first_answer_wins);
ATF_TC_BODY(race_asks_two_at_once_and_the_first_answer_wins, tc)
{
	size_t n;

	s.zone[0].policy = CONF_RACE;
	s.nzone = 1;
	begin(3, 2);
	/* The second is connected to as the first is asked. */
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[0]);
	ATF_CHECK_EQ(1, s.opened_upstream[1]);
	up(s.opened[1]);
	answer_to(0);
	n = s.nwritten;
	ask(0, 2, "b.example.");
	ATF_REQUIRE_EQ(n + 2, s.nwritten);
	ATF_CHECK_EQ(s.opened[0], s.written[n].conn);
	ATF_CHECK_EQ(s.opened[1], s.written[n + 1].conn);
	answer_to(n + 1);
	ATF_CHECK_EQ(2, s.nanswered);
	answer_to(n);
	ATF_CHECK_EQ(2, s.nanswered);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_raced]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_hedged]);
	ATF_CHECK_EQ(2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(a_race_is_run_by_two_addresses_where_there_is_one_upstream);
ATF_TC_BODY(a_race_is_run_by_two_addresses_where_there_is_one_upstream, tc)
{
	begin_with(CONF_RACE, 1, 2);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[1]);
	up(s.opened[1]);
	ask(0, 2, "b.example.");
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK(s.written[1].conn != s.written[2].conn);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_raced]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_goes_to_the_upstream_of_its_zone);
	ATF_TP_ADD_TC(tp, whatever_fails_no_question_leaves_its_zone);
	ATF_TP_ADD_TC(tp, the_upstream_of_a_zone_is_no_fallback_of_the_default);
	ATF_TP_ADD_TC(tp, what_waits_follows_its_zone_through_a_reload);
	ATF_TP_ADD_TC(tp, one_zone_that_waits_holds_up_no_other);
	ATF_TP_ADD_TC(tp, failover_asks_in_the_order_written);
	ATF_TP_ADD_TC(tp, round_robin_takes_turns);
	ATF_TP_ADD_TC(
	    tp, fastest_asks_the_fastest_and_tries_the_others_now_and_then);
	ATF_TP_ADD_TC(tp, fastest_follows_a_change_of_speed);
	ATF_TP_ADD_TC(tp, fastest_tries_nobody_before_it_is_due);
	ATF_TP_ADD_TC(tp, fastest_tries_another_with_one_question_alone);
	ATF_TP_ADD_TC(tp, fastest_tries_one_that_failed_again_in_its_turn);
	ATF_TP_ADD_TC(tp, fastest_leaves_a_suspect_to_its_probes);
	ATF_TP_ADD_TC(tp, fastest_is_not_swayed_by_one_answer);
	ATF_TP_ADD_TC(tp, race_asks_two_at_once_and_the_first_answer_wins);
	ATF_TP_ADD_TC(
	    tp, a_race_is_run_by_two_addresses_where_there_is_one_upstream);
	return atf_no_error();
}
