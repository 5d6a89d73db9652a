/*
 * Asking again: of what is late, what is lost, and what is dead.
 */
#include "script.h"

ATF_TC_WITHOUT_HEAD(patience_is_learned_from_the_upstream);
ATF_TC_BODY(patience_is_learned_from_the_upstream, tc)
{
	begin_up();
	flow(30);
	fresh();
	later(19);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_overdue]);
	later(1);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_overdue]);
}

ATF_TC_WITHOUT_HEAD(a_connection_that_is_dead_is_left_at_once_by_all_on_it);
ATF_TC_BODY(a_connection_that_is_dead_is_left_at_once_by_all_on_it, tc)
{
	uint32_t dead;
	size_t i, n;

	begin_up();
	flow(150);
	n = s.nwritten;
	/* Twelve on it in 12 ms, and it never says anything again. */
	fresh();
	dead = s.written[n].conn;
	for (i = 0; i < 12; i++) {
		s.now++;
		fresh();
	}
	for (i = 0; i < 30; i++) {
		for (; n < s.nwritten; n++)
			if (s.written[n].conn != dead)
				answer_to(n);
		later(1);
	}
	ATF_CHECK_EQ(13, s.nanswered);
	ATF_REQUIRE(s.nclosed >= 1);
	ATF_CHECK_EQ(dead, s.closed[0]);
	/* Of the budget went what was asked again before that was known. */
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] <= 2 + POOL_MISSED);
}

ATF_TC_WITHOUT_HEAD(a_connection_that_dies_amid_what_was_asked_at_once_is_left);
ATF_TC_BODY(a_connection_that_dies_amid_what_was_asked_at_once_is_left, tc)
{
	size_t i, n;
	uint32_t dead;

	begin_up();
	flow(150);
	n = s.nwritten;
	for (i = 0; i < 60; i++)
		fresh();
	/* All went at the same time, to both: one of them answers but two. */
	dead = s.written[n].conn;
	s.now++;
	for (i = 0; n < s.nwritten; n++)
		if (s.written[n].conn != dead || i++ < 2)
			answer_to(n);
	/* More than there is budget for, and nothing else is asked. */
	ATF_REQUIRE(s.nanswered < 60 - 2 * BUDGET_BURST);
	for (i = 0; i < 60; i++) {
		later(1);
		for (; n < s.nwritten; n++)
			if (s.written[n].conn != dead)
				answer_to(n);
	}
	ATF_CHECK_EQ(60, s.nanswered);
	ATF_REQUIRE(s.nclosed >= 1);
	ATF_CHECK_EQ(dead, s.closed[0]);
}

/* So many fresh questions at once; the first of them. */
static size_t
burst(size_t n)
{
	size_t at = s.nwritten;

	while (n-- > 0)
		fresh();
	return at;
}

ATF_TC_WITHOUT_HEAD(a_machine_that_wakes_may_answer_on_one_connection_first);
ATF_TC_BODY(a_machine_that_wakes_may_answer_on_one_connection_first, tc)
{
	size_t i, n, last;
	uint32_t one;

	begin_up();
	flow(150);
	n = burst(12);
	one = s.written[n].conn;
	for (i = 0; i < 60; i++)
		later(1);
	last = s.nwritten;
	ATF_CHECK(counter_value[COUNTER_upstream_overdue] > 0);
	for (i = n; i < last; i++)
		if (s.written[i].conn == one)
			answer_to(i);
	later(POOL_MISSED - 1);
	for (i = n; i < last; i++)
		if (s.written[i].conn != one)
			answer_to(i);
	later(100);
	ATF_CHECK_EQ(12, s.nanswered);
	ATF_CHECK_EQ(0, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(who_was_held_up_itself_blames_nobody);
ATF_TC_BODY(who_was_held_up_itself_blames_nobody, tc)
{
	size_t i, n, last;

	begin_up();
	flow(150);
	n = burst(12);
	last = s.nwritten;
	s.now += 80;
	pool_late(s.pool, 60, s.now);
	ATF_CHECK(turn() <= s.now + 60);
	s.now += 59;
	turn();
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_overdue]);
	ATF_CHECK_EQ(last, s.nwritten);
	for (i = n; i < last; i++)
		answer_to(i);
	later(100);
	ATF_CHECK_EQ(12, s.nanswered);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_overdue]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_excused]);
}

ATF_TC_WITHOUT_HEAD(who_is_held_up_itself_closes_nothing_meanwhile);
ATF_TC_BODY(who_is_held_up_itself_closes_nothing_meanwhile, tc)
{
	uint32_t dead;
	size_t i, n;

	begin_up();
	flow(150);
	n = s.nwritten;
	fresh();
	dead = s.written[n].conn;
	for (i = 0; i < 12; i++) {
		s.now++;
		fresh();
	}
	/* Just before it is known that it is dead, ... */
	for (i = 0; counter_value[COUNTER_upstream_overdue] < 2; i++) {
		ATF_REQUIRE(i < 30);
		later(1);
		for (; n < s.nwritten; n++)
			if (s.written[n].conn != dead)
				answer_to(n);
	}
	ATF_REQUIRE_EQ(0, s.nclosed);
	s.now += POOL_MISSED;
	pool_late(s.pool, 60, s.now);
	for (i = 0; i < 60; i++) {
		(void)turn();
		ATF_CHECK_EQ(0, s.nclosed);
		s.now++;
	}
	later(POOL_MISSED);
	ATF_CHECK_EQ(1, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(who_is_held_up_time_and_again_blames_all_the_same);
ATF_TC_BODY(who_is_held_up_time_and_again_blames_all_the_same, tc)
{
	size_t i;

	begin_up();
	flow(150);
	(void)burst(2);
	for (i = 0; i < 8; i++) {
		s.now += 40;
		pool_late(s.pool, 30, s.now);
		turn();
	}
	ATF_CHECK(counter_value[COUNTER_upstream_overdue] > 0);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_excused]);
	/* A turn that is hardly late is none. */
	s.now += 60000;
	pool_late(s.pool, POOL_LATE - 1, s.now);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_excused]);
	pool_late(s.pool, POOL_LATE, s.now);
	ATF_CHECK_EQ(2, counter_value[COUNTER_upstream_excused]);
}

ATF_TC_WITHOUT_HEAD(a_slow_answer_is_no_reason_to_leave_a_connection);
ATF_TC_BODY(a_slow_answer_is_no_reason_to_leave_a_connection, tc)
{
	size_t n;

	begin_up();
	flow(150);
	n = s.nwritten;
	fresh();
	later(20);
	/* It is asked whether it is alive, and it is. */
	ATF_REQUIRE_EQ(n + 3, s.nwritten);
	ATF_REQUIRE(is_probe(n + 1) != is_probe(n + 2));
	answer_to(is_probe(n + 1) ? n + 1 : n + 2);
	answer_to(is_probe(n + 1) ? n + 2 : n + 1);
	later(100);
	flow(20);
	ATF_CHECK_EQ(0, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(a_connection_that_answered_since_is_not_in_doubt);
ATF_TC_BODY(a_connection_that_answered_since_is_not_in_doubt, tc)
{
	size_t n;

	begin_up();
	n = s.nwritten;
	fresh();
	s.now++;
	fresh();
	s.now++;
	answer_to(n + 1);
	later(PATIENCE_START);
	ATF_REQUIRE_EQ(1, counter_value[COUNTER_upstream_overdue]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_probes]);
	n = s.nwritten;
	fresh();
	ATF_CHECK_EQ(n + 1, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(one_name_that_another_answered_closes_no_connection);
ATF_TC_BODY(one_name_that_another_answered_closes_no_connection, tc)
{
	size_t i, n;

	begin_up();
	flow(150);
	n = s.nwritten;
	fresh();
	later(20);
	ATF_REQUIRE_EQ(n + 3, s.nwritten);
	/* The other has it at once; whether this one is alive, it can say
	 * only a while later. */
	for (i = n + 1; i < n + 3; i++)
		if (!is_probe(i))
			answer_to(i);
	for (i = 0; i < 10; i++)
		later(1);
	ATF_CHECK_EQ(0, s.nclosed);
	answer_to(is_probe(n + 1) ? n + 1 : n + 2);
	later(100);
	ATF_CHECK_EQ(0, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(of_several_in_doubt_one_is_closed_after_a_second);
ATF_TC_BODY(of_several_in_doubt_one_is_closed_after_a_second, tc)
{
	unsigned int i;

	begin_up();
	flow(150);
	ATF_REQUIRE_EQ(2, s.nopened);
	fresh();
	fresh();
	for (i = 0; i < POOL_SILENCES - 1; i++)
		later(1);
	ATF_CHECK_EQ(0, s.nclosed);
	later(1);
	ATF_CHECK_EQ(1, s.nclosed);
}

/* Names that begin with z are never answered, all else is after 30 ms. */
static void
answer_but_slow(size_t *opened, size_t *seen, size_t *n)
{
	struct written *w;
	size_t i;

	for (; *opened < s.nopened; (*opened)++)
		up(s.opened[*opened]);
	for (; *seen < s.nwritten; (*seen)++)
		s.written[*seen].due = s.now + 30;
	for (i = *n; i < s.nwritten; i++) {
		w = &s.written[i];
		if (w->due == s.now && !w->over && w->question.name[1] != 'z')
			answer_to(i);
	}
	for (; *n < s.nwritten && s.written[*n].due < s.now; (*n)++)
		;
}

/* 50 slow names a second, 10 other questions, and those of another zone. */
ATF_TC_WITHOUT_HEAD(slow_names_cost_no_connection_and_nobody_else_an_answer);
ATF_TC_BODY(slow_names_cost_no_connection_and_nobody_else_an_answer, tc)
{
	static const uint8_t first[] = { 0 }, other[] = { 1 };
	size_t opened = 0, seen = 0, n = 0, asked = 0, answered = 0;
	char name[32];
	uint64_t i;

	s.nzone = 0;
	zone(".", CONF_FAILOVER, 1, first);
	zone("corp.", CONF_FAILOVER, 1, other);
	begin(2, 1);
	for (i = 0; i < 8000; i++) {
		if (i > 1000 && i < 6000 && i % 20 == 0) {
			(void)snprintf(name, sizeof(name), "z%u.example.",
			    (unsigned int)i);
			ask(0, 100000 + i, name);
		}
		if (i % 100 == 7 && i < 7000) {
			fresh();
			asked++;
		}
		if (i % 30 == 3 && i < 7000) {
			(void)snprintf(
			    name, sizeof(name), "a%u.corp.", (unsigned int)i);
			ask(0, 200000 + i, name);
			asked++;
		}
		answer_but_slow(&opened, &seen, &n);
		later(1);
		answered += s.nanswered;
		s.nanswered = 0;
	}
	ATF_CHECK_EQ(asked, answered);
	ATF_CHECK_EQ(0, s.suspected);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_closed]);
	ATF_CHECK_EQ(REASON_NONE, s.reported);
}

ATF_TC_WITHOUT_HEAD(one_slow_name_now_and_then_costs_no_connection);
ATF_TC_BODY(one_slow_name_now_and_then_costs_no_connection, tc)
{
	size_t opened, seen, n;
	uint64_t i;

	begin_up();
	opened = s.nopened;
	seen = n = s.nwritten;
	for (i = 0; i < 30000; i++) {
		if (i % 3700 == 0)
			ask(0, i + 2,
			    (char[]){ 'z', (char)('a' + i / 3700), '.', 0 });
		answer_but_slow(&opened, &seen, &n);
		later(1);
	}
	ATF_CHECK(counter_value[COUNTER_upstream_probes] > 0);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_closed]);
	ATF_CHECK_EQ(REASON_NONE, s.reported);
	ATF_CHECK_EQ(0, s.suspected);
}

ATF_TC_WITHOUT_HEAD(what_is_overdue_takes_no_place_in_a_narrow_window);
ATF_TC_BODY(what_is_overdue_takes_no_place_in_a_narrow_window, tc)
{
	size_t i, n, opened = 0, asked = 0;

	begin_up();
	opened = s.nopened;
	fresh();
	/* It takes a question with it: the next gets few. */
	end(0, REASON_RESET);
	for (i = 0; i < 2000; i++) {
		for (; opened < s.nopened; opened++)
			up(s.opened[opened]);
		for (n = asked; n < s.nwritten; n++)
			if (is_probe(n))
				answer_to(n);
		asked = s.nwritten;
		if (i % 20 == 0)
			fresh();
		later(1);
	}
	/* They never get an answer; but the next is asked at once. */
	n = s.nwritten;
	fresh();
	ATF_CHECK(s.nwritten > n);
	ATF_CHECK_EQ(0, s.nfailed);
}

ATF_TC_WITHOUT_HEAD(when_all_is_slow_one_question_in_ten_is_asked_again);
ATF_TC_BODY(when_all_is_slow_one_question_in_ten_is_asked_again, tc)
{
	size_t i, n, seen;
	uint64_t hedged;

	begin(1, 2);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_to(0);
	flow(150);
	n = seen = s.nwritten;
	hedged = counter_value[COUNTER_upstream_hedged];
	/* Each answer comes after 200 ms, from one moment on. */
	for (i = 0; i < 1000; i++) {
		fresh();
		for (; seen < s.nwritten; seen++)
			s.written[seen].due = s.now + 200;
		for (; n < s.nwritten && s.written[n].due <= s.now; n++)
			answer_to(n);
		s.nanswered = 0;
		later(1);
	}
	hedged = counter_value[COUNTER_upstream_hedged] - hedged;
	ATF_CHECK(hedged >= 10);
	ATF_CHECK_MSG(hedged <= 10 + 100 + 2, "%u", (unsigned int)hedged);
	ATF_CHECK(counter_value[COUNTER_upstream_withheld] > 0);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK_EQ(0, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(what_is_lost_costs_nothing_of_the_budget);
ATF_TC_BODY(what_is_lost_costs_nothing_of_the_budget, tc)
{
	size_t i, n = 51, opened = 1;

	begin_up();
	for (i = 0; i < 50; i++)
		fresh();
	end(0, REASON_RESET);
	for (i = 0; i < 100; i++) {
		for (; opened < s.nopened; opened++)
			up(s.opened[opened]);
		for (; n < s.nwritten; n++)
			answer_to(n);
		turn();
	}
	ATF_CHECK_EQ(51, s.nanswered);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_hedged]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, patience_is_learned_from_the_upstream);
	ATF_TP_ADD_TC(
	    tp, a_connection_that_is_dead_is_left_at_once_by_all_on_it);
	ATF_TP_ADD_TC(
	    tp, a_connection_that_dies_amid_what_was_asked_at_once_is_left);
	ATF_TP_ADD_TC(
	    tp, a_machine_that_wakes_may_answer_on_one_connection_first);
	ATF_TP_ADD_TC(tp, who_was_held_up_itself_blames_nobody);
	ATF_TP_ADD_TC(tp, who_is_held_up_itself_closes_nothing_meanwhile);
	ATF_TP_ADD_TC(tp, who_is_held_up_time_and_again_blames_all_the_same);
	ATF_TP_ADD_TC(tp, a_slow_answer_is_no_reason_to_leave_a_connection);
	ATF_TP_ADD_TC(tp, a_connection_that_answered_since_is_not_in_doubt);
	ATF_TP_ADD_TC(tp, one_name_that_another_answered_closes_no_connection);
	ATF_TP_ADD_TC(tp, of_several_in_doubt_one_is_closed_after_a_second);
	ATF_TP_ADD_TC(
	    tp, slow_names_cost_no_connection_and_nobody_else_an_answer);
	ATF_TP_ADD_TC(tp, one_slow_name_now_and_then_costs_no_connection);
	ATF_TP_ADD_TC(tp, what_is_overdue_takes_no_place_in_a_narrow_window);
	ATF_TP_ADD_TC(tp, when_all_is_slow_one_question_in_ten_is_asked_again);
	ATF_TP_ADD_TC(tp, what_is_lost_costs_nothing_of_the_budget);
	return atf_no_error();
}
