/*
 * Which address is asked, and connected to, and when.
 */
#include "unpriv/tls/question.h"

#include "script.h"

ATF_TC_WITHOUT_HEAD(a_failed_address_gives_way_at_once_then_the_next_upstream);
ATF_TC_BODY(a_failed_address_gives_way_at_once_then_the_next_upstream, tc)
{
	begin(2, 2);
	ask(0, 1, "a.example.");
	ATF_CHECK_EQ(1, s.nopened);
	end(s.opened[0], REASON_REFUSED);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[1]);
	ATF_CHECK_EQ(1, s.opened_address[1]);
	end(s.opened[1], REASON_NO_PIN);
	ATF_REQUIRE_EQ(3, s.nopened);
	ATF_CHECK_EQ(1, s.opened_upstream[2]);
	up(s.opened[2]);
	answer_to(0);
	ATF_CHECK_EQ(1, s.nanswered);
	/* After its back-off the preferred one is tried again, meanwhile the
	 * question is asked where it can be. */
	later(POOL_BACKOFF_MIN);
	ask(0, 2, "b.example.");
	ATF_CHECK_EQ(2, s.nwritten);
	ATF_REQUIRE_EQ(4, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[3]);
	up(s.opened[3]);
	ask(0, 3, "c.example.");
	ATF_CHECK_EQ(s.opened[3], s.written[2].conn);
}

ATF_TC_WITHOUT_HEAD(a_slow_address_is_joined_by_the_next_after_half_a_second);
ATF_TC_BODY(a_slow_address_is_joined_by_the_next_after_half_a_second, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	later(POOL_STAGGER - 1);
	ATF_CHECK_EQ(1, s.nopened);
	later(1);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[1]);
	up(s.opened[1]);
	answer_to(0);
	ATF_CHECK_EQ(1, s.nanswered);
	later(POOL_CONNECT);
	ATF_CHECK_EQ(1, s.nclosed);
	ATF_CHECK_EQ(REASON_TIMED_OUT, s.reported);
}

ATF_TC_WITHOUT_HEAD(when_all_fail_the_most_telling_reason_is_told);
ATF_TC_BODY(when_all_fail_the_most_telling_reason_is_told, tc)
{
	begin(2, 1);
	ask(0, 1, "a.example.");
	end(s.opened[0], REASON_NO_PIN);
	end(s.opened[1], REASON_EXPIRED);
	ATF_REQUIRE_EQ(1, s.nfailed);
	ATF_CHECK_STREQ("upstream u0: no pin matched", s.text);
	ATF_CHECK_EQ(DNS_EDE_NO_REACHABLE, s.ede);
	/* A new question waits for a back-off that ends soon ... */
	s.now++;
	ask(0, 2, "b.example.");
	ATF_CHECK_EQ(1, s.nfailed);
	ATF_CHECK_EQ(2, s.nopened);
	later(POOL_BACKOFF_MIN - 1);
	ATF_CHECK_EQ(3, s.nopened);
	end(s.opened[2], REASON_NO_PIN);
	end(s.opened[3], REASON_EXPIRED);
	ATF_CHECK_EQ(2, s.nfailed);
	later(200);
	ask(0, 3, "c.example.");
	end(s.opened[4], REASON_NO_PIN);
	end(s.opened[5], REASON_EXPIRED);
	ATF_CHECK_EQ(3, s.nfailed);
	/* ... and for none that does not. */
	ask(0, 4, "d.example.");
	ATF_CHECK_EQ(4, s.nfailed);
	ATF_CHECK_EQ(6, s.nopened);
}

ATF_TC_WITHOUT_HEAD(a_socket_that_cannot_be_asked_for_fails_the_address);
ATF_TC_BODY(a_socket_that_cannot_be_asked_for_fails_the_address, tc)
{
	int i;

	begin(1, 2);
	s.no_socket = true;
	ask(0, 1, "a.example.");
	ATF_CHECK_EQ(REASON_NO_SOCKET, s.reported);
	/* It passes: the question waits, and no longer each time. */
	for (i = 0; i < 20; i++)
		later(POOL_BACKOFF_MIN);
	ATF_CHECK_EQ(0, s.nfailed);
	s.no_socket = false;
	later(POOL_BACKOFF_MIN);
	ATF_CHECK_EQ(1, s.nopened);
}

ATF_TC_WITHOUT_HEAD(load_opens_more_connections_but_four_for_an_address);
ATF_TC_BODY(load_opens_more_connections_but_four_for_an_address, tc)
{
	char name[32];
	size_t i, before;

	begin_up();
	for (i = 0; i < 2000; i++) {
		(void)snprintf(name, sizeof(name), "n%zu.example.", i);
		before = s.nopened;
		ask(0, 10 + i, name);
		if (i < POOL_CONN_BUSY)
			ATF_REQUIRE_EQ(1, s.nopened);
		if (s.nopened > before)
			up(s.opened[s.nopened - 1]);
	}
	ATF_CHECK_EQ(POOL_CONNS_ADDRESS, s.nopened);
	ATF_CHECK_EQ(2001, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(an_idle_connection_is_retired_after_eight_seconds);
ATF_TC_BODY(an_idle_connection_is_retired_after_eight_seconds, tc)
{
	begin_up();
	/* Public upstreams close theirs after ten. */
	ATF_CHECK_EQ(s.now + 8000, turn());
	later(7999);
	ATF_CHECK_EQ(0, s.nclosed);
	later(1);
	ATF_CHECK_EQ(1, s.nclosed);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_idle]);
	ATF_CHECK_EQ(UINT64_MAX, turn());
}

ATF_TC_WITHOUT_HEAD(a_doomed_connection_is_never_up);
ATF_TC_BODY(a_doomed_connection_is_never_up, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	pool_conn_doomed(s.pool, 0, s.now);
	turn();
	/* Nobody waits for it. */
	ATF_CHECK_EQ(2, s.nopened);
	up(0);
	ATF_CHECK_EQ(0, s.nwritten);
	end(0, REASON_WRONG_NAME);
	up(s.opened[1]);
	ATF_CHECK_EQ(1, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(where_an_address_is_well_one_that_failed_is_not_tried);
ATF_TC_BODY(where_an_address_is_well_one_that_failed_is_not_tried, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	end(0, REASON_REFUSED);
	ATF_REQUIRE_EQ(2, s.nopened);
	up(s.opened[1]);
	answer_to(0);
	end(s.opened[1], REASON_CLOSED);
	/* Its back-off is over: that alone does not make it good. */
	later(POOL_BACKOFF_MAX);
	ask(0, 2, "b.example.");
	ATF_REQUIRE_EQ(3, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[2]);
}

/* Asks so many that a connection of one address is busy. */
static void
load(uint64_t from, size_t n)
{
	char name[32];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(
		    name, sizeof(name), "n%d.example.", (int)(from + i));
		ask(0, from + i, name);
	}
}

ATF_TC_WITHOUT_HEAD(load_is_spread_over_the_addresses);
ATF_TC_BODY(load_is_spread_over_the_addresses, tc)
{
	begin(1, 2);
	ask(0, 1, "first.example.");
	up(0);
	answer_to(0);
	load(1000, POOL_CONN_BUSY + 1);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[1]);
}

ATF_TC_WITHOUT_HEAD(an_overdue_question_avoids_the_address_that_let_it_wait);
ATF_TC_BODY(an_overdue_question_avoids_the_address_that_let_it_wait, tc)
{
	size_t i, n;

	/* Connections 0 and 2 to one address, 1 to the other. */
	begin(1, 2);
	ask(0, 1, "first.example.");
	up(0);
	answer_to(0);
	load(1000, POOL_CONN_BUSY + 1);
	up(s.opened[1]);
	load(2000, POOL_CONN_BUSY + 1);
	ATF_REQUIRE_EQ(3, s.nopened);
	ATF_REQUIRE_EQ(0, s.opened_address[2]);
	up(s.opened[2]);
	n = s.nwritten;
	s.now++;
	for (i = 2; i < n; i++)
		if (s.written[i].conn != 0)
			answer_to(i);
	/* All but those on the first. What is left there is overdue: it goes
	 * to the other address, and so does what is asked then, though the
	 * third connection is to the first and has nothing to do. */
	later(PATIENCE_START);
	ATF_REQUIRE(s.nwritten > n);
	ask(0, 3000, "young.example.");
	for (i = n; i < s.nwritten; i++)
		if (s.written[i].question.name_len > 1)
			ATF_CHECK_EQ(s.opened[1], s.written[i].conn);
}

ATF_TC_WITHOUT_HEAD(an_overdue_question_goes_to_the_next_upstream);
ATF_TC_BODY(an_overdue_question_goes_to_the_next_upstream, tc)
{
	begin(2, 1);
	ask(0, 1, "first.example.");
	up(0);
	answer_to(0);
	ask(0, 2, "a.example.");
	later(PATIENCE_START);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_upstream[1]);
}

/* Three connections; the third has answered least. */
static void
begin_three(void)
{
	size_t i, n;

	begin_up();
	s.quiet = true;
	load(1000, POOL_CONN_BUSY + 1);
	up(s.opened[1]);
	load(2000, POOL_CONN_BUSY + 1);
	ATF_REQUIRE_EQ(3, s.nopened);
	up(s.opened[2]);
	n = s.nwritten;
	for (i = 1; i < n; i++)
		answer_to(i);
	ATF_REQUIRE(turn() > s.now);
}

ATF_TC_WITHOUT_HEAD(what_was_lost_goes_where_least_was_answered);
ATF_TC_BODY(what_was_lost_goes_where_least_was_answered, tc)
{
	begin_three();
	ask(0, 2, "first-attempt.example.");
	ATF_CHECK(s.written[s.nwritten - 1].conn != s.opened[2]);
	end(s.written[s.nwritten - 1].conn, REASON_CLOSED);
	ATF_CHECK_EQ(s.opened[2], s.written[s.nwritten - 1].conn);
}

ATF_TC_WITHOUT_HEAD(what_is_overdue_is_no_load);
ATF_TC_BODY(what_is_overdue_is_no_load, tc)
{
	size_t i, n;

	begin_three();
	n = s.nwritten;
	ask(0, 1, "slow.example.");
	ask(0, 2, "a.example.");
	ask(0, 3, "b.example.");
	s.now++;
	ask(0, 4, "c.example.");
	ATF_REQUIRE_EQ(s.written[n].conn, s.written[n + 3].conn);
	for (i = n + 1; i <= n + 3; i++)
		answer_to(i);
	later(PATIENCE_MIN);
	ATF_REQUIRE_EQ(1, counter_value[COUNTER_upstream_overdue]);
	/* It has answered most, and what it has is not hoped for. */
	i = s.nwritten;
	ask(0, 5, "d.example.");
	ATF_CHECK_EQ(s.written[n].conn, s.written[i].conn);
}

ATF_TC_WITHOUT_HEAD(who_ends_connections_early_is_given_more_at_once);
ATF_TC_BODY(who_ends_connections_early_is_given_more_at_once, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	end(0, REASON_RESET);
	ATF_REQUIRE_EQ(2, s.nopened);
	/* Each gets a few questions; more wait than fit one. */
	load(1000, QUESTION_TRIES);
	ATF_CHECK_EQ(3, s.nopened);
	load(2000, QUESTION_TRIES);
	ATF_CHECK_EQ(4, s.nopened);
}

ATF_TC_WITHOUT_HEAD(what_is_better_is_opened_once);
ATF_TC_BODY(what_is_better_is_opened_once, tc)
{
	begin(2, 1);
	ask(0, 1, "first.example.");
	end(s.opened[0], REASON_REFUSED);
	ATF_REQUIRE_EQ(1, s.opened_upstream[1]);
	up(s.opened[1]);
	answer_to(0);
	later(POOL_BACKOFF_MIN);
	load(1000, 3);
	ATF_CHECK_EQ(3, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[2]);
}

ATF_TC_WITHOUT_HEAD(
    where_nobody_is_to_be_had_a_question_is_told_in_a_second_or_so);
ATF_TC_BODY(where_nobody_is_to_be_had_a_question_is_told_in_a_second_or_so, tc)
{
	unsigned int i;
	size_t opened = 0;

	begin(1, 1);
	ask(0, 1, "a.example.");
	for (i = 0; i < POOL_PATIENCE + POOL_HOLD; i++) {
		for (; opened < s.nopened; opened++)
			end(s.opened[opened], REASON_REFUSED);
		later(1);
	}
	ATF_CHECK_EQ(1, s.nfailed);
}

ATF_TC_WITHOUT_HEAD(where_all_connections_lapse_the_next_upstream_is_opened);
ATF_TC_BODY(where_all_connections_lapse_the_next_upstream_is_opened, tc)
{
	begin(2, 1);
	ask(0, 1, "first.example.");
	up(0);
	answer_to(0);
	load(1000, POOL_CONN_BUSY + 1);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_REQUIRE_EQ(0, s.opened_upstream[1]);
	up(s.opened[1]);
	/* The other connection of the same address takes them, for want of a
	 * better one, which is seen to at once. */
	later(PATIENCE_START);
	ATF_REQUIRE(s.nopened > 2);
	ATF_REQUIRE_EQ(1, s.opened_upstream[2]);
	up(s.opened[2]);
	ask(0, 2, "fresh.example.");
	ATF_CHECK_EQ(s.opened[2], s.written[s.nwritten - 1].conn);
}

ATF_TC_WITHOUT_HEAD(a_handshake_has_three_seconds_of_its_own);
ATF_TC_BODY(a_handshake_has_three_seconds_of_its_own, tc)
{
	size_t i;

	begin(1, 1);
	ask(0, 1, "a.example.");
	later(2000);
	pool_conn_connected(s.pool, 0, s.now);
	turn();
	later(2999);
	/* Others were begun meanwhile, and have no TCP. */
	for (i = 0; i < s.nclosed; i++)
		ATF_CHECK(s.closed[i] != 0);
	i = s.nclosed;
	later(1);
	ATF_REQUIRE(s.nclosed > i);
	ATF_CHECK_EQ(0, s.closed[i]);
	ATF_CHECK_EQ(REASON_TIMED_OUT, s.reported);
}

ATF_TC_WITHOUT_HEAD(an_address_is_never_left_alone_for_more_than_a_second);
ATF_TC_BODY(an_address_is_never_left_alone_for_more_than_a_second, tc)
{
	char name[32];
	size_t i;

	begin(1, 1);
	for (i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "n%zu.example.", i);
		ask(0, i, name);
		ATF_REQUIRE_EQ(i + 1, s.nopened);
		end(s.opened[i], REASON_REFUSED);
		later(1000);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, a_failed_address_gives_way_at_once_then_the_next_upstream);
	ATF_TP_ADD_TC(
	    tp, a_slow_address_is_joined_by_the_next_after_half_a_second);
	ATF_TP_ADD_TC(tp, when_all_fail_the_most_telling_reason_is_told);
	ATF_TP_ADD_TC(tp, a_socket_that_cannot_be_asked_for_fails_the_address);
	ATF_TP_ADD_TC(tp, load_opens_more_connections_but_four_for_an_address);
	ATF_TP_ADD_TC(tp, an_idle_connection_is_retired_after_eight_seconds);
	ATF_TP_ADD_TC(tp, a_doomed_connection_is_never_up);
	ATF_TP_ADD_TC(
	    tp, where_an_address_is_well_one_that_failed_is_not_tried);
	ATF_TP_ADD_TC(tp, load_is_spread_over_the_addresses);
	ATF_TP_ADD_TC(
	    tp, an_overdue_question_avoids_the_address_that_let_it_wait);
	ATF_TP_ADD_TC(tp, an_overdue_question_goes_to_the_next_upstream);
	ATF_TP_ADD_TC(tp, what_was_lost_goes_where_least_was_answered);
	ATF_TP_ADD_TC(tp, what_is_overdue_is_no_load);
	ATF_TP_ADD_TC(tp, who_ends_connections_early_is_given_more_at_once);
	ATF_TP_ADD_TC(tp, what_is_better_is_opened_once);
	ATF_TP_ADD_TC(
	    tp, where_nobody_is_to_be_had_a_question_is_told_in_a_second_or_so);
	ATF_TP_ADD_TC(
	    tp, where_all_connections_lapse_the_next_upstream_is_opened);
	ATF_TP_ADD_TC(tp, a_handshake_has_three_seconds_of_its_own);
	ATF_TP_ADD_TC(
	    tp, an_address_is_never_left_alone_for_more_than_a_second);
	return atf_no_error();
}
