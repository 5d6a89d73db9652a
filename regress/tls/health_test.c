/*
 * Suspects: what makes an address one, how it is probed, what makes it well.
 */
#include "script.h"

/* The second upstream is up, the first refuses until it is suspect. */
static void
begin_suspect(void)
{
	size_t i;

	begin(2, 1);
	fresh();
	end(s.opened[0], REASON_REFUSED);
	ATF_REQUIRE_EQ(1, s.opened_upstream[1]);
	up(s.opened[1]);
	answer_to(0);
	for (i = 2; s.suspected == 0; i++) {
		ATF_REQUIRE(i < 8);
		later(POOL_BACKOFF_MAX);
		fresh();
		answer_to(s.nwritten - 1);
		ATF_REQUIRE_EQ(i + 1, s.nopened);
		end(s.opened[i], REASON_REFUSED);
	}
	ATF_CHECK_EQ(POOL_SUSPECT + 1, s.nopened);
}

ATF_TC_WITHOUT_HEAD(failures_in_a_row_make_an_address_suspect_and_no_flood);
ATF_TC_BODY(failures_in_a_row_make_an_address_suspect_and_no_flood, tc)
{
	size_t i;

	begin_suspect();
	ATF_CHECK_EQ(0, s.health_upstream);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_suspects]);
	for (i = 0; i < 10; i++) {
		later(1000);
		fresh();
		answer_to(s.nwritten - 1);
		end(s.opened[s.nopened - 1], REASON_REFUSED);
		if (s.opened_upstream[s.nopened - 1] == 1)
			break;
	}
	ATF_CHECK_EQ(1, s.suspected);
	ATF_CHECK_EQ(0, s.cured);
}

ATF_TC_WITHOUT_HEAD(a_certificate_that_is_refused_makes_suspect_at_once);
ATF_TC_BODY(a_certificate_that_is_refused_makes_suspect_at_once, tc)
{
	begin(2, 1);
	fresh();
	end(s.opened[0], REASON_NO_PIN);
	ATF_CHECK_EQ(1, s.suspected);
}

ATF_TC_WITHOUT_HEAD(connections_that_end_at_once_are_one_failure);
ATF_TC_BODY(connections_that_end_at_once_are_one_failure, tc)
{
	uint32_t i;

	begin_up();
	s.quiet = true;
	for (i = 0; i < 4 * POOL_CONN_BUSY; i++) {
		fresh();
		if (s.nopened > 1 && s.nopened > s.nclosed + 1 && i % 8 == 0)
			up(s.opened[s.nopened - 1]);
	}
	ATF_REQUIRE(s.nopened > POOL_SUSPECT);
	for (i = 0; i < s.nopened; i++)
		pool_conn_ended(s.pool, s.opened[i], REASON_RESET, s.now);
	(void)turn();
	ATF_CHECK_EQ(0, s.suspected);
}

ATF_TC_WITHOUT_HEAD(that_there_is_no_socket_makes_nobody_suspect);
ATF_TC_BODY(that_there_is_no_socket_makes_nobody_suspect, tc)
{
	unsigned int i;

	begin_up();
	end(0, REASON_CLOSED);
	s.no_socket = true;
	for (i = 0; i < 4 * POOL_SUSPECT; i++) {
		fresh();
		later(POOL_BACKOFF_MAX);
	}
	ATF_CHECK(s.nfailed > POOL_SUSPECT);
	ATF_CHECK_EQ(0, s.suspected);
}

ATF_TC_WITHOUT_HEAD(a_connection_that_ends_unused_once_is_replaced_at_once);
ATF_TC_BODY(a_connection_that_ends_unused_once_is_replaced_at_once, tc)
{
	size_t i, n = 0;

	/* Closed as idle, just when it was asked. */
	begin(1, 1);
	fresh();
	for (i = 0; i < 2; i++) {
		ATF_REQUIRE_EQ(i + 1, s.nopened);
		up(s.opened[i]);
		s.now++;
		end(s.opened[i], REASON_CLOSED);
	}
	/* Time and again: that is not chance. */
	ATF_REQUIRE_EQ(3, s.nopened);
	up(s.opened[2]);
	for (i = 2; i < s.nopened; i++) {
		n = s.nopened;
		s.now++;
		end(s.opened[i], REASON_CLOSED);
	}
	ATF_CHECK_EQ(n, s.nopened);
	ATF_CHECK_EQ(1, s.suspected);
	later(POOL_BACKOFF_MAX);
	ATF_CHECK_EQ(n + 1, s.nopened);
}

ATF_TC_WITHOUT_HEAD(a_suspect_is_probed_and_one_answer_makes_it_well);
ATF_TC_BODY(a_suspect_is_probed_and_one_answer_makes_it_well, tc)
{
	size_t n, opened;

	begin_suspect();
	opened = s.nopened;
	/* Questions alone do not connect to it. */
	fresh();
	answer_to(s.nwritten - 1);
	ATF_CHECK_EQ(opened, s.nopened);
	later(POOL_PROBE_MAX / 8);
	ATF_REQUIRE_EQ(opened + 1, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[opened]);
	n = s.nwritten;
	up(s.opened[opened]);
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	ATF_CHECK(is_probe(n));
	/* It is up, but nobody is sent there before it has answered. */
	fresh();
	ATF_CHECK_EQ(1, s.written[n + 1].upstream);
	ATF_CHECK_EQ(0, s.cured);
	answer_to(n);
	ATF_CHECK_EQ(1, s.cured);
	fresh();
	ATF_CHECK_EQ(0, s.written[n + 2].upstream);
}

ATF_TC_WITHOUT_HEAD(probes_back_off_to_half_a_minute_with_jitter);
ATF_TC_BODY(probes_back_off_to_half_a_minute_with_jitter, tc)
{
	uint64_t start, before, gap, least = UINT64_MAX, most = 0;
	size_t opened, i;

	begin_suspect();
	start = before = s.now;
	for (i = 0; i < 40000; i++) {
		opened = s.nopened;
		s.next_id = (uint16_t)(i * 7919);
		/* Somebody asks, now and then, and is answered. */
		if (i % 50 == 0) {
			fresh();
			if (s.opened_upstream[s.nopened - 1] == 1)
				up(s.opened[s.nopened - 1]);
			answer_to(s.nwritten - 1);
			s.nanswered = 0;
		}
		later(20);
		if (s.nopened == opened)
			continue;
		if (s.opened_upstream[s.nopened - 1] == 1) {
			up(s.opened[s.nopened - 1]);
			continue;
		}
		end(s.opened[s.nopened - 1], REASON_REFUSED);
		gap = s.now - before;
		before = s.now;
		/* As long as it is not down for long, at least each second. */
		if (s.now - start < 4000)
			ATF_CHECK(gap <= 1000);
		if (s.now - start > 400000) {
			least = gap < least ? gap : least;
			most = gap > most ? gap : most;
		}
		s.nopened = 1;
		s.opened_upstream[0] = 0;
		s.nclosed = 0;
	}
	ATF_CHECK(most <= POOL_PROBE_MAX * 9 / 8 + 40);
	ATF_CHECK(least >= POOL_PROBE_MAX * 7 / 8 - 40);
	ATF_CHECK(most - least > 1000);
	ATF_CHECK_EQ(1, s.suspected);
}

ATF_TC_WITHOUT_HEAD(nobody_is_probed_for_a_proxy_that_nobody_asks);
ATF_TC_BODY(nobody_is_probed_for_a_proxy_that_nobody_asks, tc)
{
	size_t opened, i;

	begin_suspect();
	for (i = 0; i < 70; i++) {
		opened = s.nopened;
		later(1000);
		if (s.nopened > opened)
			end(s.opened[opened], REASON_REFUSED);
	}
	opened = s.nopened;
	ATF_CHECK_EQ(UINT64_MAX, turn());
	later(3600000);
	ATF_CHECK_EQ(opened, s.nopened);
	fresh();
	turn();
	ATF_CHECK_EQ(opened + 2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(what_failed_lately_is_not_waited_for_alone);
ATF_TC_BODY(what_failed_lately_is_not_waited_for_alone, tc)
{
	begin(2, 1);
	fresh();
	end(s.opened[0], REASON_REFUSED);
	end(s.opened[1], REASON_REFUSED);
	ATF_REQUIRE_EQ(2, s.nopened);
	/* The first hangs now: it is not sound enough for half a second. */
	later(POOL_BACKOFF_MIN);
	fresh();
	ATF_REQUIRE_EQ(4, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[2]);
	ATF_CHECK_EQ(1, s.opened_upstream[3]);
	/* Nor are there more of the same. */
	later(POOL_STAGGER - 1);
	ATF_CHECK_EQ(4, s.nopened);
	up(s.opened[3]);
	answer_to(0);
	answer_to(1);
	ATF_CHECK_EQ(2, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(when_all_are_down_each_second_the_best_is_tried);
ATF_TC_BODY(when_all_are_down_each_second_the_best_is_tried, tc)
{
	uint64_t last, most = 0;
	size_t i, opened = 0;

	begin(2, 1);
	last = s.now;
	/* Down for five minutes: refused, at once. */
	for (i = 0; i < 3000; i++) {
		fresh();
		for (; opened < s.nopened; opened++) {
			if (s.opened_upstream[opened] == 0) {
				if (s.now - last > most)
					most = s.now - last;
				last = s.now;
			}
			end(s.opened[opened], REASON_UNREACHABLE);
		}
		s.nopened = opened = 0;
		later(100);
		for (; opened < s.nopened; opened++)
			end(s.opened[opened], REASON_UNREACHABLE);
	}
	ATF_CHECK(most <= 1100);
	ATF_CHECK_EQ(2, s.suspected);
	/* And then they are back. */
	for (i = 0; s.nopened == opened && i < 11; i++) {
		fresh();
		later(100);
	}
	ATF_REQUIRE(s.nopened > opened);
	up(s.opened[s.nopened - 1]);
	s.nanswered = 0;
	fresh();
	answer_to(s.nwritten - 1);
	ATF_CHECK_EQ(1, s.nanswered);
	ATF_CHECK_EQ(1, s.cured);
}

ATF_TC_WITHOUT_HEAD(a_change_of_routes_drops_connections_and_suspicion);
ATF_TC_BODY(a_change_of_routes_drops_connections_and_suspicion, tc)
{
	size_t n;

	begin_up();
	fresh();
	fresh();
	n = s.nwritten;
	pool_network_changed(s.pool, 0, 0, s.now);
	turn();
	ATF_REQUIRE_EQ(1, s.nclosed);
	ATF_REQUIRE_EQ(2, s.nopened);
	up(s.opened[1]);
	ATF_CHECK_EQ(n + 2, s.nwritten);
	answer_to(n);
	answer_to(n + 1);
	ATF_CHECK_EQ(3, s.nanswered);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_hedged]);
	ATF_CHECK_EQ(0, s.suspected);

	begin_suspect();
	n = s.nopened;
	pool_network_changed(s.pool, 0, 0, s.now);
	ATF_CHECK_EQ(1, s.cured);
	fresh();
	turn();
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[n]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, failures_in_a_row_make_an_address_suspect_and_no_flood);
	ATF_TP_ADD_TC(tp, a_certificate_that_is_refused_makes_suspect_at_once);
	ATF_TP_ADD_TC(tp, connections_that_end_at_once_are_one_failure);
	ATF_TP_ADD_TC(tp, that_there_is_no_socket_makes_nobody_suspect);
	ATF_TP_ADD_TC(
	    tp, a_connection_that_ends_unused_once_is_replaced_at_once);
	ATF_TP_ADD_TC(tp, a_suspect_is_probed_and_one_answer_makes_it_well);
	ATF_TP_ADD_TC(tp, probes_back_off_to_half_a_minute_with_jitter);
	ATF_TP_ADD_TC(tp, nobody_is_probed_for_a_proxy_that_nobody_asks);
	ATF_TP_ADD_TC(tp, what_failed_lately_is_not_waited_for_alone);
	ATF_TP_ADD_TC(tp, when_all_are_down_each_second_the_best_is_tried);
	ATF_TP_ADD_TC(tp, a_change_of_routes_drops_connections_and_suspicion);
	return atf_no_error();
}
