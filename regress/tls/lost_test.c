/* Plain upstreams: datagrams that are lost, and who is to blame for it. */
#include "unpriv/tls/question.h"

#include "sockets.h"

static bool
is_first(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (dns_question_equal(
			&s.written[i].question, &s.written[n].question))
			return false;
	return true;
}

/* It was not written again. */
static bool
is_alone(size_t n)
{
	size_t i;

	for (i = n + 1; i < s.nwritten; i++)
		if (dns_question_equal(
			&s.written[i].question, &s.written[n].question))
			return false;
	return true;
}

CASE(a_lost_datagram_is_asked_again_on_another_socket_in_time)
{
	size_t n;

	(void)tc;
	begin_sockets();
	ask(0, 100, "lost.example.");
	open_sockets();
	ATF_REQUIRE_EQ(SOCKETS + 1, s.nwritten);
	later(PATIENCE_START - 1);
	ATF_CHECK_EQ(SOCKETS + 1, s.nwritten);
	later(1);
	open_sockets();
	/* One is the probe of the socket that is silent. */
	ATF_REQUIRE_EQ(SOCKETS + 3, s.nwritten);
	n = s.written[SOCKETS + 1].question.name_len > 1 ? SOCKETS + 1
							 : SOCKETS + 2;
	ATF_CHECK(s.written[SOCKETS].conn != s.written[n].conn);
	answer_to(n);
	ATF_CHECK_EQ(SOCKETS + 1, s.nanswered);
}

CASE(the_last_attempt_goes_by_tcp)
{
	uint32_t tcp = POOL_CONNS;
	size_t n, i, tries = 0;
	int t;

	(void)tc;
	begin_sockets();
	n = s.nwritten;
	ask(0, 100, "lost.example.");
	for (t = 0; t < 100 && tcp == POOL_CONNS; t++) {
		open_sockets();
		for (i = SOCKETS; i < s.nopened; i++)
			if (s.opened_address[i] == 1)
				tcp = s.opened[i];
		later(20);
	}
	ATF_REQUIRE(tcp != POOL_CONNS);
	for (i = n; i < s.nwritten; i++) {
		tries += s.written[i].question.name_len > 1;
		if (s.written[i].conn == tcp)
			answer_to(i);
	}
	ATF_CHECK_EQ(QUESTION_TRIES, tries);
	ATF_CHECK_EQ(100, s.answered[s.nanswered - 1]);
}

/* What is lost is no extra: the budget is not for it. */
CASE(what_is_lost_is_asked_again_whatever_the_budget)
{
	unsigned int i, lost = 0;
	char name[32];
	size_t n;

	(void)tc;
	begin_sockets();
	s.quiet = true;
	for (i = 0, n = s.nwritten; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "x%u.example.", i);
		ask(0, i, name);
		open_sockets();
		/* Of first attempts one in three, of others none. */
		for (; n < s.nwritten; n++)
			if (i % 3 == 0 && is_first(n))
				lost++;
			else
				answer_to(n);
		later(2);
	}
	for (i = 0; i < 100; i++) {
		open_sockets();
		for (; n < s.nwritten; n++)
			answer_to(n);
		later(20);
	}
	ATF_CHECK(lost > 300);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK(counter_value[COUNTER_upstream_lost] > 100);
}

/* Nor is it if its domain comes last there. */
CASE(what_is_lost_of_a_domain_that_comes_last_is_asked_again_too)
{
	const uint64_t *lost = &counter_value[COUNTER_upstream_lost];
	char name[32];
	unsigned int i;
	size_t n;

	(void)tc;
	begin_sockets();
	for (i = 0; i < 3 * BUDGET_BURST; i++) {
		(void)snprintf(name, sizeof(name), "z%u.silent.example.", i);
		ask(0, i, name);
	}
	later(PATIENCE_START);
	open_sockets();
	ATF_CHECK(counter_value[COUNTER_upstream_withheld] > 0);
	/* That they are late is no proof of it, ... */
	later(PATIENCE_START);
	open_sockets();
	ATF_CHECK_EQ(0, *lost);
	n = s.nwritten;
	ask(0, 100, "z.silent.example.");
	s.now++;
	ask(0, 101, "www.example.");
	ATF_REQUIRE_EQ(n + 2, s.nwritten);
	answer_to(n + 1);
	(void)turn();
	ATF_CHECK(*lost >= 3 * BUDGET_BURST / 2);
	/* ... nor is an answer to what was asked later, before it is late. */
	for (i = 1; i < 20; i++) {
		ATF_CHECK(is_alone(n));
		later(PATIENCE_START / 10);
		open_sockets();
	}
	later(PATIENCE_START / 10);
	open_sockets();
	ATF_CHECK(!is_alone(n));
}

CASE(the_last_attempt_goes_by_udp_where_tcp_is_known_to_fail)
{
	size_t n, i, tries = 0;
	int t;

	(void)tc;
	begin_sockets();
	refuse_tcp();
	n = s.nwritten;
	ask(0, 100, "lost.example.");
	for (t = 0; t < 60; t++) {
		open_sockets();
		later(20);
	}
	for (i = n; i < s.nwritten; i++)
		tries += s.written[i].question.name_len > 1;
	ATF_CHECK(tries >= QUESTION_TRIES);
	for (i = SOCKETS + 1; i < s.nopened; i++)
		ATF_CHECK_EQ(0, s.opened_address[i]);
}

CASE(an_address_that_answers_no_datagram_is_timed_out)
{
	unsigned int i;
	char name[32];

	(void)tc;
	begin_sockets();
	refuse_tcp();
	s.reported = REASON_NONE;
	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "x%u.example.", i);
		ask(0, i, name);
		later(50);
		open_sockets();
	}
	ATF_CHECK_EQ(REASON_TIMED_OUT, s.reported);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, a_lost_datagram_is_asked_again_on_another_socket_in_time);
	ATF_TP_ADD_TC(tp, the_last_attempt_goes_by_tcp);
	ATF_TP_ADD_TC(tp, what_is_lost_is_asked_again_whatever_the_budget);
	ATF_TP_ADD_TC(
	    tp, what_is_lost_of_a_domain_that_comes_last_is_asked_again_too);
	ATF_TP_ADD_TC(
	    tp, the_last_attempt_goes_by_udp_where_tcp_is_known_to_fail);
	ATF_TP_ADD_TC(tp, an_address_that_answers_no_datagram_is_timed_out);
	return atf_no_error();
}
