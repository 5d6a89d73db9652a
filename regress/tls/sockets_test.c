/* Sockets of UDP: which of them is asked, how long, and what ends one. */
#include "sockets.h"

CASE(several_sockets_of_an_address_are_in_use)
{
	size_t i;

	(void)tc;
	begin_sockets();
	for (i = 0; i < 8; i++)
		asked_and_answered(100, "www.example.");
	ATF_CHECK_EQ(SOCKETS, s.nopened);
	for (i = 0; i < s.nopened; i++)
		ATF_CHECK_EQ(0, s.opened_address[i]);
}

/* Its address answers all else, so no time-out is said of it. */
CASE(a_socket_that_is_left_with_slow_names_on_it_is_nobodys_fault)
{
	size_t n, i;

	(void)tc;
	begin_sockets();
	n = s.nwritten;
	ask(0, 100, "slow.example.");
	open_sockets();
	for (i = 0; i < POOL_UDP_AGE + POOL_UDP_LINGER + 500; i++) {
		for (; n < s.nwritten; n++)
			if (s.written[n].question.name_len == 1)
				answer_to(n);
		later(1);
		open_sockets();
	}
	ATF_CHECK_EQ(REASON_NONE, s.reported);
	ATF_CHECK_EQ(0, s.suspected);
}

/* The other one's datagrams are lost, all of them. */
CASE(a_socket_that_loses_all_is_left_and_its_address_not_blamed)
{
	uint32_t dead;
	size_t n;
	char name[32];
	unsigned int i;

	(void)tc;
	begin_sockets();
	dead = s.opened[0];
	s.reported = REASON_NONE;
	for (i = 0, n = s.nwritten; i < 400; i++) {
		(void)snprintf(name, sizeof(name), "x%u.example.", i);
		ask(0, 0, name);
		open_sockets();
		for (; n < s.nwritten; n++)
			if (s.written[n].conn != dead || !is_open[dead])
				answer_to(n);
		later(10);
		open_sockets();
		if (s.nanswered > ANSWERS - 20)
			break;
	}
	ATF_CHECK(!is_open[dead]);
	ATF_CHECK_EQ(REASON_NONE, s.reported);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_suspects]);
}

CASE(a_socket_is_left_after_so_many_questions)
{
	char name[32];
	unsigned int i;

	(void)tc;
	begin_sockets();
	/* One after the other on one and the same, as chance is here. */
	for (i = 0; i < 2 * POOL_UDP_QUESTIONS &&
	     counter_value[COUNTER_upstream_retired] == 0;
	     i++) {
		(void)snprintf(name, sizeof(name), "x%u.example.", i);
		s.nanswered = 0;
		asked_and_answered(0, name);
	}
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_retired]);
	ATF_CHECK(i <= POOL_UDP_QUESTIONS);
	ATF_REQUIRE_EQ(1, s.nclosed);
	/* Another takes its place. */
	asked_and_answered(1, "one.example.");
	ATF_CHECK_EQ(SOCKETS + 1, s.nopened);
}

CASE(a_socket_that_is_left_takes_no_more_questions)
{
	uint32_t left = POOL_CONNS;
	size_t n;
	unsigned int i;

	(void)tc;
	begin_sockets();
	s.quiet = true;
	n = s.nwritten;
	/* On none of them is all answered. */
	for (i = 0; i < SOCKETS; i++) {
		s.next_id = (uint16_t)-i;
		ask(0, i, "slow.example.");
		open_sockets();
		asked_and_answered(0, "www.example.");
	}
	for (i = 0; counter_value[COUNTER_upstream_retired] == 0; i++) {
		ATF_REQUIRE(i <= SOCKETS * POOL_UDP_QUESTIONS);
		n = s.nwritten;
		asked_and_answered(0, "www.example.");
	}
	left = s.written[n].conn;
	ATF_REQUIRE(is_open[left]);
	for (i = 0; i < 100; i++) {
		n = s.nwritten;
		asked_and_answered(0, "www.example.");
		ATF_CHECK(s.written[n].conn != left);
	}
}

CASE(which_socket_it_is_chance_says)
{
	uint32_t i;

	(void)tc;
	begin_sockets();
	/* The least of what is drawn for each of them in turn: a zero. */
	for (i = 0; i < SOCKETS; i++) {
		s.next_id = (uint16_t)-i;
		asked_and_answered(0, "www.example.");
		ATF_CHECK_EQ(s.opened[i], s.written[s.nwritten - 1].conn);
	}
}

CASE(a_socket_is_left_in_time_and_waits_for_what_it_asked)
{
	uint64_t t;
	size_t n;

	(void)tc;
	begin_sockets();
	for (t = 0; t < POOL_UDP_AGE - 100; t += 500) {
		later(500);
		s.nanswered = 0;
		asked_and_answered(0, "www.example.");
	}
	n = s.nwritten;
	ATF_CHECK(counter_value[COUNTER_upstream_retired] >= SOCKETS - 1);
	/* A late answer on one that is left. */
	ask(0, 7, "late.example.");
	open_sockets();
	ATF_REQUIRE(s.nwritten > n);
	later(50);
	s.nanswered = 0;
	answer_to(n);
	ATF_CHECK_EQ(1, s.nanswered);
}

/* So many messages that nobody asked for; the last of them closes it. */
static void
flood(uint32_t conn)
{
	struct dns_question q = question_of("forged.example.");
	unsigned int i;

	for (i = 1; i < POOL_UDP_BAD; i++)
		ATF_CHECK(say(conn, (uint16_t)(0x8000 + i), &q, DNS_QR));
	ATF_CHECK_EQ(0, s.nclosed);
	ATF_CHECK(!say(conn, 0x9000, &q, DNS_QR));
	ATF_CHECK_EQ(1, s.nclosed);
	(void)turn();
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_attacked]);
}

CASE(who_floods_a_socket_has_it_closed_and_what_it_asked_goes_by_tcp)
{
	uint32_t conn;
	size_t n, opened;

	(void)tc;
	begin_sockets();
	s.reported = REASON_NONE;
	n = s.nwritten;
	ask(0, 100, "victim.example.");
	open_sockets();
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	conn = s.written[n].conn;
	opened = s.nopened;
	flood(conn);
	ATF_CHECK_EQ(conn, s.closed[0]);
	ATF_CHECK_EQ(REASON_GARBAGE, s.reported);
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_suspects]);
	ATF_REQUIRE_EQ(opened + 1, s.nopened);
	ATF_CHECK_EQ(1, s.opened_address[opened]);
	up(s.opened[opened]);
	ATF_REQUIRE_EQ(n + 2, s.nwritten);
	answer_to(n + 1);
	ATF_CHECK_EQ(100, s.answered[s.nanswered - 1]);
}

CASE(what_is_overdue_on_a_flooded_socket_goes_by_tcp_too)
{
	size_t n, opened;

	(void)tc;
	begin_sockets();
	n = s.nwritten;
	ask(0, 100, "victim.example.");
	later(PATIENCE_START);
	open_sockets();
	opened = s.nopened;
	flood(s.written[n].conn);
	ATF_REQUIRE(s.nopened > opened);
	ATF_CHECK_EQ(1, s.opened_address[s.nopened - 1]);
}

CASE(where_tcp_is_known_to_fail_another_socket_is_asked_after_a_flood)
{
	size_t n;

	(void)tc;
	begin_sockets();
	refuse_tcp();
	n = s.nwritten;
	ask(0, 100, "victim.example.");
	ATF_REQUIRE_EQ(n + 1, s.nwritten);
	flood(s.written[n].conn);
	ATF_REQUIRE_EQ(n + 2, s.nwritten);
	ATF_CHECK(s.written[n].conn != s.written[n + 1].conn);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, several_sockets_of_an_address_are_in_use);
	ATF_TP_ADD_TC(
	    tp, a_socket_that_is_left_with_slow_names_on_it_is_nobodys_fault);
	ATF_TP_ADD_TC(
	    tp, a_socket_that_loses_all_is_left_and_its_address_not_blamed);
	ATF_TP_ADD_TC(tp, a_socket_is_left_after_so_many_questions);
	ATF_TP_ADD_TC(tp, a_socket_that_is_left_takes_no_more_questions);
	ATF_TP_ADD_TC(tp, which_socket_it_is_chance_says);
	ATF_TP_ADD_TC(tp, a_socket_is_left_in_time_and_waits_for_what_it_asked);
	ATF_TP_ADD_TC(tp,
	    who_floods_a_socket_has_it_closed_and_what_it_asked_goes_by_tcp);
	ATF_TP_ADD_TC(tp, what_is_overdue_on_a_flooded_socket_goes_by_tcp_too);
	ATF_TP_ADD_TC(tp,
	    where_tcp_is_known_to_fail_another_socket_is_asked_after_a_flood);
	return atf_no_error();
}
