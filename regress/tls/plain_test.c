/* Plain upstreams in the pool: answers that are cut, or not as asked. */
#include "sockets.h"

static struct dns_question
folded(size_t n)
{
	struct dns_question q = s.written[n].question;

	dns_question_fold(&q);
	return q;
}

CASE(a_cut_answer_is_asked_for_over_tcp_at_the_same_address)
{
	size_t n;

	(void)tc;
	begin_plain(1, 3);
	ask(0, 1, "big.example.");
	open_sockets();
	ATF_REQUIRE_EQ(1, s.nwritten);
	n = s.nopened;
	ATF_CHECK(say(s.written[0].conn, s.written[0].id,
	    &s.written[0].question, DNS_QR | DNS_TC));
	(void)turn();
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	ATF_CHECK_EQ(s.opened_address[0] + 3, s.opened_address[n]);
	ATF_CHECK_EQ(0, s.nanswered);
	up(s.opened[n]);
	ATF_REQUIRE_EQ(2, s.nwritten);
	ATF_CHECK_EQ(s.opened[n], s.written[1].conn);
	answer_to(1);
	ATF_CHECK_EQ(1, s.nanswered);
	ATF_CHECK_EQ(0, s.flags & DNS_TC);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_truncated]);
	/* TCP is for those alone. */
	seen_opened = s.nopened;
	asked_and_answered(2, "small.example.");
	ATF_CHECK(s.written[2].conn != s.opened[n]);
}

/* ... also if that is not the first. */
CASE(a_cut_answer_is_asked_for_where_it_was_cut)
{
	size_t n, i;

	(void)tc;
	begin_plain(1, 3);
	ask(0, 1, "big.example.");
	end(s.opened[0], REASON_REFUSED);
	seen_opened = 1;
	open_sockets();
	ATF_REQUIRE_EQ(1, s.nwritten);
	for (i = 0; s.opened[i] != s.written[0].conn || i == 0; i++)
		;
	ATF_REQUIRE(s.opened_address[i] != 0);
	n = s.nopened;
	ATF_CHECK(say(s.written[0].conn, s.written[0].id,
	    &s.written[0].question, DNS_QR | DNS_TC));
	(void)turn();
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	ATF_CHECK_EQ(s.opened_address[i] + 3, s.opened_address[n]);
}

CASE(a_cut_answer_is_told_if_tcp_fails)
{
	size_t n;

	(void)tc;
	begin_plain(1, 1);
	ask(0, 1, "big.example.");
	open_sockets();
	n = s.nopened;
	ATF_CHECK(say(s.written[0].conn, s.written[0].id,
	    &s.written[0].question, DNS_QR | DNS_TC));
	(void)turn();
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	end(s.opened[n], REASON_REFUSED);
	ATF_CHECK_EQ(1, s.nanswered);
	ATF_CHECK_EQ(0, s.nfailed);
	ATF_CHECK((s.flags & DNS_TC) != 0);
	/* UDP is as well as it was. */
	seen_opened = s.nopened;
	asked_and_answered(2, "small.example.");
}

CASE(what_waits_for_tcp_does_not_hold_up_what_does_not)
{
	(void)tc;
	begin_sockets();
	ask(0, 100, "big.example.");
	open_sockets();
	ATF_CHECK(say(s.written[SOCKETS].conn, s.written[SOCKETS].id,
	    &s.written[SOCKETS].question, DNS_QR | DNS_TC));
	s.no_room = true;
	ask(0, 101, "small.example.");
	(void)turn();
	s.no_room = false;
	pool_conn_room(s.pool, s.opened[0]);
	(void)turn();
	ATF_REQUIRE_EQ(SOCKETS + 2, s.nwritten);
	answer_to(SOCKETS + 1);
	ATF_CHECK_EQ(101, s.answered[SOCKETS]);
}

CASE(an_answer_counts_in_the_letters_that_were_asked)
{
	struct dns_question q;
	size_t n;

	(void)tc;
	begin_plain(1, 1);
	ask(0, 1, "a-long-enough-name.of-letters.example.");
	open_sockets();
	q = folded(0);
	ATF_REQUIRE(memcmp(q.name, s.written[0].question.name, q.name_len));
	n = s.nopened;
	ATF_CHECK(say(s.written[0].conn, s.written[0].id, &q, DNS_QR));
	(void)turn();
	ATF_CHECK_EQ(0, s.nanswered);
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_recased]);
	/* Who does not keep them is asked over TCP, in small letters. */
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	up(s.opened[n]);
	ATF_REQUIRE_EQ(2, s.nwritten);
	ATF_CHECK_EQ(0, memcmp(q.name, s.written[1].question.name, q.name_len));
	answer_to(1);
	ATF_CHECK_EQ(1, s.nanswered);
}

CASE(a_cut_answer_in_other_letters_is_not_told_if_tcp_fails)
{
	struct dns_question q;
	size_t n;

	(void)tc;
	begin_plain(1, 1);
	ask(0, 1, "a-long-enough-name.of-letters.example.");
	open_sockets();
	q = folded(0);
	ATF_REQUIRE(memcmp(q.name, s.written[0].question.name, q.name_len));
	n = s.nopened;
	ATF_CHECK(say(s.written[0].conn, s.written[0].id, &q, DNS_QR | DNS_TC));
	(void)turn();
	ATF_CHECK_EQ(1, counter_value[COUNTER_upstream_recased]);
	ATF_REQUIRE_EQ(n + 1, s.nopened);
	end(s.opened[n], REASON_REFUSED);
	later(POOL_DEADLINE);
	ATF_CHECK_EQ(0, s.nanswered);
	ATF_CHECK_EQ(1, s.nfailed);
}

CASE(the_letters_are_others_each_time)
{
	uint8_t before[DNS_NAME_MAX];
	size_t n;

	(void)tc;
	begin_plain(1, 1);
	s.next_id = 0x1234;
	asked_and_answered(1, "a-long-enough-name.of-letters.example.");
	memcpy(before, s.written[0].question.name, sizeof(before));
	s.next_id = 0x7a5b;
	asked_and_answered(2, "a-long-enough-name.of-letters.example.");
	n = s.written[1].question.name_len;
	ATF_CHECK(memcmp(before, s.written[1].question.name, n) != 0);
}

/* It was asked twice, for the first was late; both are cut. */
CASE(a_second_cut_answer_does_not_end_what_is_asked_over_tcp)
{
	size_t n, i, tcp;

	(void)tc;
	begin_sockets();
	n = s.nwritten;
	ask(0, 100, "big.example.");
	later(PATIENCE_START);
	open_sockets();
	for (i = n + 1; s.written[i].question.name_len == 1; i++)
		ATF_REQUIRE(i < s.nwritten);
	ATF_CHECK(say(s.written[i].conn, s.written[i].id,
	    &s.written[i].question, DNS_QR | DNS_TC));
	(void)turn();
	tcp = s.nwritten;
	up(s.opened[s.nopened - 1]);
	ATF_REQUIRE_EQ(tcp + 1, s.nwritten);
	ATF_CHECK(say(s.written[n].conn, s.written[n].id,
	    &s.written[n].question, DNS_QR | DNS_TC));
	(void)turn();
	ATF_CHECK_EQ(SOCKETS, s.nanswered);
	answer_to(tcp);
	ATF_CHECK_EQ(SOCKETS + 1, s.nanswered);
	ATF_CHECK_EQ(0, s.flags & DNS_TC);
}

CASE(an_address_that_refuses_fails_and_says_so)
{
	bool refused = false;
	size_t n = 0;
	int i;

	(void)tc;
	begin_plain(1, 1);
	ask(0, 1, "www.example.");
	for (i = 0; i < 60 && s.nfailed == 0; i++) {
		open_sockets();
		if (n < s.nwritten) {
			end(s.written[n++].conn, REASON_REFUSED);
			refused |= s.reported == REASON_REFUSED;
		}
		later(50);
	}
	ATF_CHECK(refused);
	ATF_CHECK_EQ(1, s.nfailed);
	ATF_CHECK_STREQ("upstream u0: refused", s.text);
}

CASE(what_is_asked_over_udp_is_told_nothing_of_tcp)
{
	(void)tc;
	begin_sockets();
	refuse_tcp();
	/* Later there is no socket. */
	later(POOL_UDP_AGE + POOL_UDP_LINGER);
	later(1);
	s.no_socket = true;
	ask(0, 2, "small.example.");
	later(POOL_DEADLINE);
	ATF_CHECK_EQ(1, s.nfailed);
	ATF_CHECK(strstr(s.text, reason_text(REASON_NO_SOCKET)) != NULL);
}

CASE(fastest_tries_the_sockets_of_another)
{
	unsigned int i, other = 0;
	size_t n = 0;

	(void)tc;
	s.zone[0].policy = CONF_FASTEST;
	s.nzone = 1;
	begin_plain(2, 1);
	s.quiet = true;
	for (i = 0; i < 4 * POOL_EXPLORE; i++) {
		ask(0, i, "www.example.");
		open_sockets();
		for (; n < s.nwritten; n++) {
			other += s.written[n].upstream == 1;
			answer_to(n);
		}
		later(1);
	}
	ATF_CHECK(other > 0);
}

CASE(nobody_vouches_for_what_came_in_clear_text)
{
	(void)tc;
	begin_plain(1, 1);
	ask(0, 1, "www.example.");
	open_sockets();
	ATF_CHECK(say(s.written[0].conn, s.written[0].id,
	    &s.written[0].question, DNS_QR | DNS_AD));
	ATF_CHECK_EQ(1, s.nanswered);
	ATF_CHECK_EQ(0, s.flags & DNS_AD);
}

/* Of the three below. */
static uint32_t
zone_of(const struct dns_question *q)
{
	if (q->name[0] == 3)
		return 0;
	return q->name[2] == 4 && q->name[3] == 'd' ? 2 : 1;
}

/* Whatever fails: each name to the upstream of its zone, over a reload that
 * turns the upstreams around. */
CASE(no_question_of_a_zone_goes_to_another_zones_upstream)
{
	static const uint8_t u0[] = { 0 }, u1[] = { 1 }, u2[] = { 2 };
	static const char *const names[] = { "www.example.", "a.corp.",
		"a.deep.corp." };
	static const uint32_t was[] = { 2, 0, 1 };
	uint32_t turned = 0, of[POOL_CONNS] = { 0 };
	size_t n = 0, o = 0;
	uint32_t label;
	unsigned int round;

	(void)tc;
	zone(".", CONF_FAILOVER, 1, u0);
	zone("corp.", CONF_FAILOVER, 1, u1);
	zone("deep.corp.", CONF_FAILOVER, 1, u2);
	begin(3, 1);
	for (round = 0; round < 60; round++) {
		ask(0, round, names[round % 3]);
		(void)turn();
		for (; o < s.nopened; o++) {
			of[s.opened[o]] = (s.opened_upstream[o] + turned) % 3;
			/* That of corp never comes up. */
			if (of[s.opened[o]] == 1)
				end(s.opened[o], REASON_REFUSED);
			else
				up(s.opened[o]);
		}
		for (; n < s.nwritten; n++) {
			label = zone_of(&s.written[n].question);
			if (s.written[n].question.name_len > 1)
				ATF_CHECK_EQ(label, of[s.written[n].conn]);
			(void)say(s.written[n].conn, s.written[n].id,
			    &s.written[n].question, DNS_QR);
		}
		later(40);
		if (round == 30) {
			/* u2 is the first now, u0 the second. */
			turned = 2;
			s.zone[0].upstream[0] = 1;
			s.zone[1].upstream[0] = 2;
			s.zone[2].upstream[0] = 0;
			configure(3, 1, was);
		}
		if (o > 50 || s.nanswered > ANSWERS - 8)
			break;
	}
	ATF_CHECK(s.nanswered > 10);
	ATF_CHECK(s.nfailed > 5);
	ATF_CHECK(round > 35);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, a_cut_answer_is_asked_for_over_tcp_at_the_same_address);
	ATF_TP_ADD_TC(tp, a_cut_answer_is_asked_for_where_it_was_cut);
	ATF_TP_ADD_TC(tp, a_cut_answer_is_told_if_tcp_fails);
	ATF_TP_ADD_TC(tp, what_waits_for_tcp_does_not_hold_up_what_does_not);
	ATF_TP_ADD_TC(tp, an_answer_counts_in_the_letters_that_were_asked);
	ATF_TP_ADD_TC(
	    tp, a_cut_answer_in_other_letters_is_not_told_if_tcp_fails);
	ATF_TP_ADD_TC(tp, the_letters_are_others_each_time);
	ATF_TP_ADD_TC(
	    tp, a_second_cut_answer_does_not_end_what_is_asked_over_tcp);
	ATF_TP_ADD_TC(tp, an_address_that_refuses_fails_and_says_so);
	ATF_TP_ADD_TC(tp, what_is_asked_over_udp_is_told_nothing_of_tcp);
	ATF_TP_ADD_TC(tp, fastest_tries_the_sockets_of_another);
	ATF_TP_ADD_TC(tp, nobody_vouches_for_what_came_in_clear_text);
	ATF_TP_ADD_TC(tp, no_question_of_a_zone_goes_to_another_zones_upstream);
	return atf_no_error();
}
