/*
 * The connection to spare, where questions flow.
 */
#include "script.h"

ATF_TC_WITHOUT_HEAD(where_questions_flow_there_is_a_connection_to_spare);
ATF_TC_BODY(where_questions_flow_there_is_a_connection_to_spare, tc)
{
	size_t n;

	begin_up();
	flow(150);
	ATF_REQUIRE_EQ(2, s.nopened);
	/* When one ends, the other takes what it had, and there is a third
	 * before it is needed. */
	fresh();
	fresh();
	n = s.nwritten;
	end(s.written[n - 2].conn, REASON_CLOSED);
	ATF_CHECK(s.nwritten > n);
	ATF_CHECK_EQ(3, s.nopened);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_hedged]);
}

ATF_TC_WITHOUT_HEAD(the_spare_is_to_another_address_where_there_is_one);
ATF_TC_BODY(the_spare_is_to_another_address_where_there_is_one, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	up(s.opened[0]);
	answer_to(0);
	flow(150);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK(s.opened_address[0] != s.opened_address[1]);
}

ATF_TC_WITHOUT_HEAD(a_spare_is_kept_alive_while_questions_flow_and_no_longer);
ATF_TC_BODY(a_spare_is_kept_alive_while_questions_flow_and_no_longer, tc)
{
	size_t i;

	begin_up();
	flow(150);
	flow(1000);
	ATF_CHECK_EQ(2, s.nopened);
	ATF_CHECK_EQ(0, s.nclosed);
	ATF_CHECK(counter_value[COUNTER_upstream_probes] > 0);
	for (i = 0; i < 20; i++)
		later(1000);
	ATF_CHECK_EQ(2, s.nclosed);
	ATF_CHECK_EQ(2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(a_clients_own_question_is_never_beside_a_probe_like_it);
ATF_TC_BODY(a_clients_own_question_is_never_beside_a_probe_like_it, tc)
{
	struct dns_question root_ns = question_of("");
	size_t n, i;

	root_ns.type = DNS_TYPE_NS;
	begin_up();
	flow(150);
	/* The one that has had nothing to do is asked whether it lives. */
	for (i = 0; i < 1000; i++) {
		n = s.nwritten;
		fresh();
		later(10);
		if (is_probe(s.nwritten - 1))
			break;
		answer_to(n);
		s.nanswered = 0;
	}
	ATF_REQUIRE(is_probe(s.nwritten - 1));
	n = s.nwritten;
	pool_ask(s.pool, 0, 1, &root_ns, DNS_ASK_RD, s.now);
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	ATF_CHECK(s.written[n].conn != s.written[n - 1].conn);
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_ends_spares_is_given_none);
ATF_TC_BODY(an_upstream_that_ends_spares_is_given_none, tc)
{
	begin_up();
	flow(150);
	ATF_REQUIRE_EQ(2, s.nopened);
	end(s.opened[1], REASON_CLOSED);
	flow(500);
	ATF_CHECK_EQ(2, s.nopened);
	flow(600);
	ATF_CHECK_EQ(3, s.nopened);
}

ATF_TC_WITHOUT_HEAD(the_spare_is_to_no_address_that_failed_where_one_did_not);
ATF_TC_BODY(the_spare_is_to_no_address_that_failed_where_one_did_not, tc)
{
	begin(1, 2);
	ask(0, 1, "a.example.");
	end(s.opened[0], REASON_REFUSED);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_REQUIRE_EQ(1, s.opened_address[1]);
	up(s.opened[1]);
	answer_to(0);
	flow(150);
	ATF_REQUIRE_EQ(3, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[2]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, where_questions_flow_there_is_a_connection_to_spare);
	ATF_TP_ADD_TC(tp, the_spare_is_to_another_address_where_there_is_one);
	ATF_TP_ADD_TC(
	    tp, a_spare_is_kept_alive_while_questions_flow_and_no_longer);
	ATF_TP_ADD_TC(
	    tp, a_clients_own_question_is_never_beside_a_probe_like_it);
	ATF_TP_ADD_TC(tp, an_upstream_that_ends_spares_is_given_none);
	ATF_TP_ADD_TC(
	    tp, the_spare_is_to_no_address_that_failed_where_one_did_not);
	return atf_no_error();
}
