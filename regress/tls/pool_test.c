/*
 * The life of a question and of its connections in the pool.
 */
#include "unpriv/tls/question.h"

#include "script.h"

ATF_TC_WITHOUT_HEAD(a_question_waits_for_its_connection_and_is_answered);
ATF_TC_BODY(a_question_waits_for_its_connection_and_is_answered, tc)
{
	begin(1, 1);
	ask(3, 42, "www.example.com.");
	ATF_CHECK_EQ(1, s.nopened);
	ATF_CHECK_EQ(0, s.nwritten);
	up(0);
	ATF_REQUIRE_EQ(1, s.nwritten);
	answer_to(0);
	ATF_REQUIRE_EQ(1, s.nanswered);
	ATF_CHECK_EQ(42, s.answered[0]);
	ATF_CHECK_EQ(3, s.answered_worker[0]);
	ATF_CHECK_EQ(0, pool_waiting(s.pool));
	/* The next goes on the same, at once. */
	ask(3, 43, "www.example.com.");
	ATF_CHECK_EQ(2, s.nwritten);
	ATF_CHECK_EQ(1, s.nopened);
}

ATF_TC_WITHOUT_HEAD(the_same_question_joins_the_one_in_flight);
ATF_TC_BODY(the_same_question_joins_the_one_in_flight, tc)
{
	begin_up();
	ask(0, 2, "www.example.com.");
	ask(1, 3, "WWW.Example.com.");
	ask(1, 4, "other.example.com.");
	ATF_CHECK_EQ(3, s.nwritten);
	answer_to(1);
	ATF_REQUIRE_EQ(3, s.nanswered);
	ATF_CHECK_EQ(2, s.answered[1]);
	ATF_CHECK_EQ(3, s.answered[2]);
	ATF_CHECK_EQ(1, s.answered_worker[2]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_shared]);
}

ATF_TC_WITHOUT_HEAD(what_was_in_flight_on_an_ended_connection_is_asked_again);
ATF_TC_BODY(what_was_in_flight_on_an_ended_connection_is_asked_again, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	ask(0, 3, "b.example.");
	ATF_CHECK_EQ(3, s.nwritten);
	end(0, REASON_CLOSED);
	/* At once, without a back-off: it had delivered. */
	ATF_REQUIRE_EQ(2, s.nopened);
	up(s.opened[1]);
	ATF_REQUIRE_EQ(5, s.nwritten);
	ATF_CHECK_EQ(2, counter_value[COUNTER_upstream_retried]);
	/* The oldest first. */
	ATF_CHECK(
	    dns_question_equal(&s.written[1].question, &s.written[3].question));
	answer_to(3);
	answer_to(4);
	ATF_CHECK_EQ(3, s.nanswered);
	ATF_CHECK_EQ(0, s.nfailed);
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_ends_connections_early_answers_all);
ATF_TC_BODY(an_upstream_that_ends_connections_early_answers_all, tc)
{
	char name[32];
	size_t i, k, n, taken;
	uint32_t conn;

	begin_up();
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "n%zu.example.", i);
		ask(0, 10 + i, name);
	}
	for (i = 0; i < 64 && pool_waiting(s.pool) > 0; i++) {
		/* All that were opened live, for two answers each. */
		ATF_REQUIRE(i < s.nopened);
		conn = s.opened[i];
		if (i > 0)
			up(conn);
		taken = i == 0;
		n = s.nwritten;
		for (k = 0; k < n && taken < 2; k++)
			if (s.written[k].conn == conn && !s.written[k].over) {
				s.written[k].over = true;
				if (k == 0)
					continue;
				answer_to(k);
				taken++;
			}
		for (k = 0; k < s.nwritten; k++)
			s.written[k].over |= s.written[k].conn == conn;
		end(conn, REASON_CLOSED);
	}
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK_EQ(41, s.nanswered);
}

/* Every connection ends as soon as it is asked: when what was, but for probes,
 * and how often. */
static size_t
lose_all(uint64_t until, uint64_t *written, size_t max)
{
	size_t opened = 0, seen = 0, n = 0;

	while (s.now < until && s.nfailed == 0) {
		for (; opened < s.nopened; opened++) {
			up(s.opened[opened]);
			for (; seen < s.nwritten; seen++) {
				ATF_REQUIRE(n < max);
				if (s.written[seen].question.name_len > 1)
					written[n++] = s.now;
			}
			end(s.opened[opened], REASON_RESET);
		}
		later(1);
	}
	return n;
}

ATF_TC_WITHOUT_HEAD(a_question_lost_four_times_rests_before_each_other_attempt);
ATF_TC_BODY(a_question_lost_four_times_rests_before_each_other_attempt, tc)
{
	uint64_t written[32], rest;
	size_t i, n;

	/* There is always another address to ask, so only that counts. */
	begin(1, 8);
	ask(0, 2, "a.example.");
	n = lose_all(1000 + POOL_DEADLINE - 1, written, 32);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_REQUIRE(n > 8);
	for (i = 0; i < 4; i++)
		ATF_CHECK(written[i] <= 1003);
	for (; i < n; i++) {
		rest = written[i] - written[i - 1];
		ATF_CHECK(rest >= QUESTION_REST);
		ATF_CHECK(rest >= (written[i - 1] - 1000) / 4);
	}
	ATF_CHECK_EQ(n - 4, counter_value[COUNTER_upstream_hedged]);
	later(1);
	ATF_REQUIRE_EQ(1, s.nfailed);
	ATF_CHECK_EQ(2, s.failed[0]);
	ATF_CHECK_EQ(DNS_EDE_NETWORK_ERROR, s.ede);
	ATF_CHECK_STREQ("upstream u0: reset", s.text);
}

ATF_TC_WITHOUT_HEAD(what_was_lost_four_times_is_asked_again_within_the_budget);
ATF_TC_BODY(what_was_lost_four_times_is_asked_again_within_the_budget, tc)
{
	uint64_t written[512];
	uint64_t i;

	begin(1, 8);
	for (i = 0; i < 100; i++)
		ask(0, i + 1,
		    (char[]){ (char)('a' + i / 10), (char)('a' + i % 10), '.',
			'\0' });
	(void)lose_all(1000 + POOL_DEADLINE - 1, written, 512);
	/* The burst, and one a second. */
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] > 0);
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] <=
	    BUDGET_BURST + 100 / BUDGET_EVERY + POOL_DEADLINE / 1000);
}

ATF_TC_WITHOUT_HEAD(
    an_overdue_question_is_asked_elsewhere_and_a_late_answer_counts);
ATF_TC_BODY(an_overdue_question_is_asked_elsewhere_and_a_late_answer_counts, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	later(PATIENCE_START);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_overdue]);
	ATF_REQUIRE_EQ(2, s.nopened);
	/* The doubted one takes nothing but the probe, also while the other
	 * opens. */
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK_EQ(1, s.written[2].question.name_len);
	ask(0, 3, "b.example.");
	ATF_CHECK_EQ(3, s.nwritten);
	up(s.opened[1]);
	ATF_REQUIRE_EQ(5, s.nwritten);
	ATF_CHECK_EQ(s.opened[1], s.written[3].conn);
	ATF_CHECK_EQ(s.opened[1], s.written[4].conn);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_hedged]);
	/* The first answer wins, and it is the late one. */
	answer_to(1);
	ATF_REQUIRE_EQ(2, s.nanswered);
	ATF_CHECK_EQ(2, s.answered[1]);
	/* Having delivered it is no longer doubted: it has less to do. */
	ask(0, 4, "c.example.");
	ATF_CHECK_EQ(s.opened[0], s.written[5].conn);
	/* The other's answer to the same is nobody's. */
	answer_to(3);
	answer_to(4);
	ATF_CHECK_EQ(3, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(a_question_is_never_twice_in_flight_on_a_connection);
ATF_TC_BODY(a_question_is_never_twice_in_flight_on_a_connection, tc)
{
	size_t i, k;

	begin_up();
	ask(0, 2, "a.example.");
	later(PATIENCE_START);
	up(s.opened[1]);
	answer_to(s.nwritten - 1);
	ATF_REQUIRE_EQ(2, s.nanswered);
	/* Still unanswered on the first, which is alive ... */
	ATF_REQUIRE_EQ(4, s.nwritten);
	answer_to(2);
	/* ... and asked for again it goes to the second only. */
	for (i = 0; i < 3; i++) {
		ask(0, 10 + i, "a.example.");
		turn();
		answer_to(s.nwritten - 1);
	}
	for (i = 4, k = 0; i < s.nwritten; i++)
		if (s.written[i].conn == 0)
			k++;
	ATF_CHECK_EQ(0, k);
	ATF_CHECK_EQ(5, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(a_doubted_connection_that_stays_silent_is_closed);
ATF_TC_BODY(a_doubted_connection_that_stays_silent_is_closed, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	later(PATIENCE_START);
	/* Nothing else is answered either: it is not known to be dead. */
	later(POOL_SILENCE - PATIENCE_START - 1);
	ATF_CHECK_EQ(0, s.nclosed);
	later(1);
	ATF_REQUIRE_EQ(1, s.nclosed);
	ATF_CHECK_EQ(0, s.closed[0]);
	ATF_CHECK_EQ(REASON_TIMED_OUT, s.reported);
}

ATF_TC_WITHOUT_HEAD(a_worker_is_told_after_four_seconds_at_the_latest);
ATF_TC_BODY(a_worker_is_told_after_four_seconds_at_the_latest, tc)
{
	uint64_t due;
	int i;

	begin_up();
	ask(0, 2, "a.example.");
	/* Only when it says so, as the loop does. */
	for (i = 0; i < 100 && s.nfailed == 0; i++) {
		due = turn();
		if (s.nfailed > 0)
			break;
		ATF_REQUIRE(due != UINT64_MAX);
		ATF_REQUIRE(due >= s.now);
		s.now = due > s.now ? due : s.now + 1;
	}
	ATF_REQUIRE_EQ(1, s.nfailed);
	ATF_CHECK(s.now <= 1000 + 4000);
	ATF_CHECK_STREQ("upstream u0: timed out", s.text);
}

ATF_TC_WITHOUT_HEAD(another_id_or_question_or_connection_is_no_answer);
ATF_TC_BODY(another_id_or_question_or_connection_is_no_answer, tc)
{
	struct dns_question other = question_of("b.example.");
	const struct written *w;

	begin_up();
	ask(0, 2, "a.example.");
	w = &s.written[1];
	ATF_CHECK(say(0, w->id + 1, &w->question, DNS_QR));
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_unasked]);
	ATF_CHECK(say(0, w->id, &other, DNS_QR));
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_mismatched]);
	ATF_CHECK(say(0, w->id, &w->question, 0));
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_malformed]);
	later(PATIENCE_START);
	up(s.opened[1]);
	ATF_CHECK(say(s.opened[1], w->id, &w->question, DNS_QR));
	ATF_CHECK_EQ(1, s.nanswered);
	answer_to(1);
	ATF_CHECK_EQ(2, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(a_connection_of_nothing_but_garbage_is_closed);
ATF_TC_BODY(a_connection_of_nothing_but_garbage_is_closed, tc)
{
	uint8_t byte = 0;
	int i;

	begin_up();
	for (i = 1; i < POOL_BAD_MAX; i++)
		ATF_REQUIRE(pool_conn_message(s.pool, 0, &byte, 0, s.now));
	ATF_CHECK(!pool_conn_message(s.pool, 0, &byte, 0, s.now));
	ATF_CHECK_EQ(1, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(one_answer_makes_up_for_the_garbage_before_it);
ATF_TC_BODY(one_answer_makes_up_for_the_garbage_before_it, tc)
{
	uint8_t byte = 0;
	int i;

	begin_up();
	for (i = 1; i < POOL_BAD_MAX; i++)
		ATF_REQUIRE(pool_conn_message(s.pool, 0, &byte, 0, s.now));
	ask(0, 2, "a.example.");
	answer_to(1);
	for (i = 1; i < POOL_BAD_MAX; i++)
		ATF_REQUIRE(pool_conn_message(s.pool, 0, &byte, 0, s.now));
	ATF_CHECK_EQ(0, s.nclosed);
}

ATF_TC_WITHOUT_HEAD(ids_are_unique_on_a_connection);
ATF_TC_BODY(ids_are_unique_on_a_connection, tc)
{
	char name[32];
	size_t i, k;

	begin_up();
	for (i = 0; i < 60; i++) {
		/* The generator says each number twice. */
		s.next_id = (uint16_t)(500 + i / 2);
		(void)snprintf(name, sizeof(name), "n%zu.example.", i);
		ask(0, 10 + i, name);
	}
	for (i = 1; i < s.nwritten; i++)
		for (k = i + 1; k < s.nwritten; k++)
			ATF_REQUIRE(s.written[i].id != s.written[k].id);
}

ATF_TC_WITHOUT_HEAD(a_connection_without_room_is_passed_over_until_it_has);
ATF_TC_BODY(a_connection_without_room_is_passed_over_until_it_has, tc)
{
	begin_up();
	s.no_room = true;
	ask(0, 2, "a.example.");
	ATF_CHECK_EQ(1, s.nwritten);
	s.no_room = false;
	turn();
	ATF_CHECK_EQ(1, s.nwritten);
	pool_conn_room(s.pool, 0);
	turn();
	ATF_CHECK_EQ(2, s.nwritten);
}

/* A worker that is broken into asks without end, of new names or of one. */
ATF_TC_WITHOUT_HEAD(a_worker_takes_no_more_than_half_of_the_table);
ATF_TC_BODY(a_worker_takes_no_more_than_half_of_the_table, tc)
{
	char name[32];
	size_t i, of_one;

	for (of_one = 0; of_one < 2; of_one++) {
		begin(1, 1);
		for (i = 0; i < POOL_QUESTIONS + POOL_WAITERS; i++) {
			(void)snprintf(name, sizeof(name), "n%zu.example.",
			    of_one ? 0 : i);
			ask(0, i, name);
		}
		ATF_CHECK_EQ(POOL_WAITERS / 2, pool_waiting(s.pool));
		s.nfailed = 0;
		ask(1, 1, "another.example.");
		ATF_CHECK_EQ(0, s.nfailed);
		pool_forget(s.pool, 0);
		ask(0, 1, "once.again.");
		ATF_CHECK_EQ(0, s.nfailed);
	}
}

ATF_TC_WITHOUT_HEAD(a_full_table_sheds_and_recovers);
ATF_TC_BODY(a_full_table_sheds_and_recovers, tc)
{
	char name[32];
	size_t i;

	begin(1, 1);
	for (i = 0; i < POOL_QUESTIONS; i++) {
		(void)snprintf(name, sizeof(name), "n%zu.example.", i);
		ask(i % 2, i, name);
	}
	ATF_CHECK_EQ(0, s.nfailed);
	ask(0, 99999, "one.too.many.");
	ATF_REQUIRE_EQ(1, s.nfailed);
	ATF_CHECK_EQ(99999, s.failed[0]);
	ATF_CHECK_STREQ("too many in flight", s.text);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_shed]);
	pool_forget(s.pool, 0);
	ATF_CHECK_EQ(POOL_QUESTIONS / 2, pool_waiting(s.pool));
	ask(0, 5, "one.too.many.");
	ATF_CHECK_EQ(1, s.nfailed);
	ATF_CHECK_EQ(POOL_QUESTIONS / 2 + 1, pool_waiting(s.pool));
}

ATF_TC_WITHOUT_HEAD(the_waiters_of_a_dead_worker_are_forgotten);
ATF_TC_BODY(the_waiters_of_a_dead_worker_are_forgotten, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	ask(1, 3, "a.example.");
	ask(0, 4, "b.example.");
	pool_forget(s.pool, 0);
	answer_to(1);
	answer_to(2);
	ATF_REQUIRE_EQ(2, s.nanswered);
	ATF_CHECK_EQ(3, s.answered[1]);
	ATF_CHECK_EQ(0, pool_waiting(s.pool));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_waits_for_its_connection_and_is_answered);
	ATF_TP_ADD_TC(tp, the_same_question_joins_the_one_in_flight);
	ATF_TP_ADD_TC(
	    tp, what_was_in_flight_on_an_ended_connection_is_asked_again);
	ATF_TP_ADD_TC(tp, an_upstream_that_ends_connections_early_answers_all);
	ATF_TP_ADD_TC(
	    tp, a_question_lost_four_times_rests_before_each_other_attempt);
	ATF_TP_ADD_TC(
	    tp, what_was_lost_four_times_is_asked_again_within_the_budget);
	ATF_TP_ADD_TC(tp, a_question_is_never_twice_in_flight_on_a_connection);
	ATF_TP_ADD_TC(tp,
	    an_overdue_question_is_asked_elsewhere_and_a_late_answer_counts);
	ATF_TP_ADD_TC(tp, a_doubted_connection_that_stays_silent_is_closed);
	ATF_TP_ADD_TC(tp, a_worker_is_told_after_four_seconds_at_the_latest);
	ATF_TP_ADD_TC(tp, another_id_or_question_or_connection_is_no_answer);
	ATF_TP_ADD_TC(tp, a_connection_of_nothing_but_garbage_is_closed);
	ATF_TP_ADD_TC(tp, one_answer_makes_up_for_the_garbage_before_it);
	ATF_TP_ADD_TC(tp, ids_are_unique_on_a_connection);
	ATF_TP_ADD_TC(
	    tp, a_connection_without_room_is_passed_over_until_it_has);
	ATF_TP_ADD_TC(tp, a_worker_takes_no_more_than_half_of_the_table);
	ATF_TP_ADD_TC(tp, a_full_table_sheds_and_recovers);
	ATF_TP_ADD_TC(tp, the_waiters_of_a_dead_worker_are_forgotten);
	return atf_no_error();
}
