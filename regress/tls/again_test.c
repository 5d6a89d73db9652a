/*
 * SERVFAIL and REFUSED are tried once more.
 */
#include "script.h"

/* The nth question is answered so; code: of an extended error, or NONE. */
static void
answer_with(size_t n, uint16_t rcode, uint16_t code)
{
	uint8_t msg[512];
	uint8_t *opt;
	size_t len;

	ATF_REQUIRE(n < s.nwritten);
	len = dns_upstream_query_write(
	    msg, sizeof(msg), s.written[n].id, &s.written[n].question, 0, 0);
	msg[2] |= DNS_QR >> 8;
	msg[3] |= (uint8_t)rcode;
	if (code != DNS_EDE_NONE) {
		/* The OPT is the last, without options. */
		opt = &msg[len - 2];
		opt[1] = 6;
		opt[3] = DNS_OPT_EDE;
		opt[2] = opt[4] = 0;
		opt[5] = 2;
		opt[6] = (uint8_t)(code >> 8);
		opt[7] = (uint8_t)code;
		len += 6;
	}
	ATF_CHECK(
	    pool_conn_message(s.pool, s.written[n].conn, msg, len, s.now));
	turn();
}

ATF_TC_WITHOUT_HEAD(servfail_is_tried_at_the_next_upstream);
ATF_TC_BODY(servfail_is_tried_at_the_next_upstream, tc)
{
	begin(2, 1);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_with(0, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_CHECK_EQ(0, s.nanswered);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_upstream[1]);
	ATF_CHECK_EQ(1, s.nwritten);
	up(s.opened[1]);
	ATF_REQUIRE_EQ(2, s.nwritten);
	ATF_CHECK_EQ(s.opened[1], s.written[1].conn);
	answer_with(1, DNS_NOERROR, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(1, s.nanswered);
	ATF_CHECK_EQ(DNS_NOERROR, s.rcode);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_again]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_hedged]);
}

ATF_TC_WITHOUT_HEAD(refused_is_tried_at_the_next_address);
ATF_TC_BODY(refused_is_tried_at_the_next_address, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_with(0, DNS_REFUSED, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[1]);
	up(s.opened[1]);
	answer_with(1, DNS_NOERROR, DNS_EDE_NONE);
	ATF_CHECK_EQ(1, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(where_there_is_only_one_it_is_asked_again);
ATF_TC_BODY(where_there_is_only_one_it_is_asked_again, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	answer_with(1, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK_EQ(0, s.written[2].conn);
	ATF_CHECK_EQ(1, s.nopened);
	answer_with(2, DNS_NOERROR, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(2, s.nanswered);
	ATF_CHECK_EQ(DNS_NOERROR, s.rcode);
}

ATF_TC_WITHOUT_HEAD(where_the_next_cannot_be_had_it_is_asked_again);
ATF_TC_BODY(where_the_next_cannot_be_had_it_is_asked_again, tc)
{
	begin(2, 1);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_with(0, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(2, s.nopened);
	end(s.opened[1], REASON_REFUSED);
	ATF_REQUIRE_EQ(2, s.nwritten);
	ATF_CHECK_EQ(s.opened[0], s.written[1].conn);
	answer_with(1, DNS_NOERROR, DNS_EDE_NONE);
	ATF_CHECK_EQ(1, s.nanswered);
	/* Nor is it waited for longer than for any other. */
	later(POOL_BACKOFF_MIN);
	ask(0, 2, "b.example.");
	answer_with(2, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(3, s.nwritten);
	later(POOL_STAGGER - 1);
	ATF_REQUIRE_EQ(3, s.nwritten);
	later(1);
	ATF_REQUIRE_EQ(4, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(of_two_failures_the_client_is_told_the_first);
ATF_TC_BODY(of_two_failures_the_client_is_told_the_first, tc)
{
	begin_up();
	ask(0, 2, "a.example.");
	answer_with(1, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(3, s.nwritten);
	answer_with(2, DNS_REFUSED, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(2, s.nanswered);
	ATF_CHECK_EQ(DNS_SERVFAIL, s.rcode);
	ATF_CHECK_EQ(3, s.nwritten);
	/* The second is lost, until the deadline. */
	ask(0, 3, "b.example.");
	answer_with(3, DNS_REFUSED, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(5, s.nwritten);
	later(POOL_DEADLINE);
	ATF_REQUIRE_EQ(3, s.nanswered);
	ATF_CHECK_EQ(DNS_REFUSED, s.rcode);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK_EQ(0, pool_waiting(s.pool));
}

ATF_TC_WITHOUT_HEAD(what_is_so_on_purpose_or_anywhere_is_not_tried_again);
ATF_TC_BODY(what_is_so_on_purpose_or_anywhere_is_not_tried_again, tc)
{
	static const uint16_t final[] = { 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 15,
		16, 17, 27 };
	static const uint16_t passing[] = { 0, 3, 13, 14, 18, 22, 23 };
	char name[32];
	size_t i, n;

	begin_up();
	for (i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
		(void)snprintf(name, sizeof(name), "f%zu.example.", i);
		n = s.nwritten;
		ask(0, 10 + i, name);
		answer_with(n, DNS_SERVFAIL, final[i]);
		ATF_CHECK_EQ_MSG(n + 1, s.nwritten, "code %u", final[i]);
		ATF_CHECK_EQ(2 + i, s.nanswered);
	}
	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		(void)snprintf(name, sizeof(name), "p%zu.example.", i);
		n = s.nwritten;
		ask(0, 50 + i, name);
		answer_with(n, DNS_SERVFAIL, passing[i]);
		ATF_CHECK_EQ_MSG(n + 2, s.nwritten, "code %u", passing[i]);
		answer_with(n + 1, DNS_NOERROR, DNS_EDE_NONE);
	}
	/* Another rcode is an answer. */
	n = s.nwritten;
	ask(0, 90, "nx.example.");
	answer_with(n, DNS_NXDOMAIN, DNS_EDE_NONE);
	ATF_CHECK_EQ(n + 1, s.nwritten);
}

ATF_TC_WITHOUT_HEAD(in_a_race_the_first_good_answer_wins);
ATF_TC_BODY(in_a_race_the_first_good_answer_wins, tc)
{
	size_t n;

	s.zone[0].policy = CONF_RACE;
	s.nzone = 1;
	begin(2, 1);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	up(s.opened[1]);
	answer_to(0);
	n = s.nwritten;
	ask(0, 2, "b.example.");
	ATF_REQUIRE_EQ(n + 2, s.nwritten);
	answer_with(n, DNS_SERVFAIL, DNS_EDE_NONE);
	ATF_CHECK_EQ(1, s.nanswered);
	answer_with(n + 1, DNS_NOERROR, DNS_EDE_NONE);
	ATF_REQUIRE_EQ(2, s.nanswered);
	ATF_CHECK_EQ(DNS_NOERROR, s.rcode);
	ATF_CHECK_EQ(n + 2, s.nwritten);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_again]);
}

ATF_TC_WITHOUT_HEAD(more_failures_than_can_be_kept_are_told_at_once);
ATF_TC_BODY(more_failures_than_can_be_kept_are_told_at_once, tc)
{
	char name[32];
	size_t i, round;

	begin_up();
	for (round = 0; round < 2; round++) {
		size_t n = s.nwritten;

		s.nanswered = 0;
		s.no_room = false;
		for (i = 0; i < 1030; i++) {
			(void)snprintf(name, sizeof(name), "n%zu.example.", i);
			ask(0, 10 + i, name);
			turn();
		}
		/* None can be written for the second time yet. */
		s.no_room = true;
		for (i = n; i < n + 1030; i++)
			answer_with(i, DNS_SERVFAIL, DNS_EDE_NONE);
		ATF_CHECK_EQ(6, s.nanswered);
		/* At the deadline all of them are told. */
		s.nanswered = 0;
		s.quiet = true;
		later(POOL_DEADLINE);
		s.quiet = false;
		ATF_CHECK_EQ(0, pool_waiting(s.pool));
		ATF_CHECK_EQ(0, s.nfailed);
		s.no_room = false;
		pool_conn_room(s.pool, 0);
		turn();
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, servfail_is_tried_at_the_next_upstream);
	ATF_TP_ADD_TC(tp, refused_is_tried_at_the_next_address);
	ATF_TP_ADD_TC(tp, where_there_is_only_one_it_is_asked_again);
	ATF_TP_ADD_TC(tp, where_the_next_cannot_be_had_it_is_asked_again);
	ATF_TP_ADD_TC(tp, of_two_failures_the_client_is_told_the_first);
	ATF_TP_ADD_TC(tp, what_is_so_on_purpose_or_anywhere_is_not_tried_again);
	ATF_TP_ADD_TC(tp, in_a_race_the_first_good_answer_wins);
	ATF_TP_ADD_TC(tp, more_failures_than_can_be_kept_are_told_at_once);
	return atf_no_error();
}
