/* A real worker, asked over UDP. */
#include <atf-c.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "harness.h"

static struct harness h;
static struct ipc_query q;
static struct dns_question question;
static uint8_t buf[DNS_MESSAGE_MAX];

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

CASE(a_question_is_forwarded_and_its_answer_comes_back)
{
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 77, "Www.eXample.com.", 0);
	harness_question(&h, &q, &question);
	ATF_CHECK_EQ(DNS_TYPE_A, q.type);
	ATF_CHECK_EQ(DNS_ASK_RD | DNS_ASK_AD, q.ask);
	ATF_CHECK_EQ(0, memcmp(question.name, "\3www\7example\3com", 17));
	harness_answer(&h, q.id, &question, 2);
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(12 + 17 + 4 + 2 * 16, len);
	ATF_CHECK_EQ(77, message_id(buf));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	/* In the case it was asked in. */
	ATF_CHECK_EQ(0, memcmp(buf + 12, "\3Www\7eXample\3com", 17));
	harness_stop(&h);
}

CASE(many_questions_and_answers_go_in_batches_and_none_is_lost)
{
	struct ipc_counters counters;
	bool seen[200] = { false };
	uint16_t i;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < 200; i++)
		client_ask(fd, IPC_UDP, i, "many.example.", 0);
	for (i = 0; i < 200; i++) {
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 1);
	}
	for (i = 0; i < 200; i++) {
		(void)client_receive(fd, IPC_UDP, buf);
		ATF_REQUIRE(message_id(buf) < 200);
		ATF_REQUIRE(!seen[message_id(buf)]);
		seen[message_id(buf)] = true;
	}
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(200, counters.value[COUNTER_queries_udp]);
	ATF_CHECK_EQ(200, counters.value[COUNTER_queries_forwarded]);
	ATF_CHECK_EQ(200, counters.value[COUNTER_answers_upstream]);
	ATF_CHECK_EQ(0, counters.value[COUNTER_udp_send_dropped]);
	harness_stop(&h);
}

/* Full batches, of what is dropped, answered at once and asked of others. */
CASE(a_socket_that_was_busy_is_listened_to_again)
{
	uint8_t crumb[12] = { 0 };
	bool seen[99] = { false };
	uint16_t i;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGSTOP));
	for (i = 0; i < 99; i++) {
		crumb[1] = (uint8_t)i;
		crumb[2] = i % 3 == 1 ? DNS_QR >> 8 : 0;
		if (i % 3 == 2)
			client_ask(fd, IPC_UDP, i, "busy.example.", 0);
		else
			client_send(fd, crumb, sizeof(crumb));
	}
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGCONT));
	for (i = 0; i < 33; i++) {
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 1);
	}
	for (i = 0; i < 66; i++) {
		(void)client_receive(fd, IPC_UDP, buf);
		ATF_REQUIRE(message_id(buf) < 99);
		ATF_CHECK_EQ(
		    message_id(buf) % 3 == 2 ? DNS_NOERROR : DNS_FORMERR,
		    message_rcode(buf));
		ATF_REQUIRE(message_id(buf) % 3 != 1);
		ATF_REQUIRE(!seen[message_id(buf)]);
		seen[message_id(buf)] = true;
	}
	for (i = 500; i < 503; i++) {
		client_ask(fd, IPC_UDP, i, "again.example.", 0);
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 1);
		(void)client_receive(fd, IPC_UDP, buf);
		ATF_CHECK_EQ(i, message_id(buf));
	}
	harness_stop(&h);
}

CASE(an_answer_too_large_for_the_client_is_truncated)
{
	static const struct {
		uint16_t edns;
		unsigned int records;
		bool truncated;
	} cases[] = {
		{ 0, 29, false }, /* 12 + 21 + 29 * 16 = 497 */
		{ 0, 30, true }, { 512, 30, true }, { 1232, 30, false },
		{ 1232, 80, true },
		{ 4096, 80, true }, /* 1232 is the config's */
	};
	size_t i, len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_ask(fd, IPC_UDP, 5, "a.large.example.", cases[i].edns);
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, cases[i].records);
		len = client_receive(fd, IPC_UDP, buf);
		ATF_CHECK_EQ_MSG(cases[i].truncated,
		    (message_flags(buf) & DNS_TC) != 0, "case %zu", i);
		ATF_CHECK(len <= (cases[i].edns == 0 ? 512 : 1232));
	}
	harness_stop(&h);
}

CASE(a_wildcard_socket_answers_from_the_address_that_was_asked)
{
	struct harness_socket asked;
	int fd;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "0.0.0.0", IPC_UDP);
	harness_configure(&h);
	harness_tls(&h);
	asked = h.socket[0];
	asked.listen.address.bytes[0] = 127;
	asked.listen.address.bytes[3] = 2;
	/* Connected: the kernel takes an answer from there only. */
	fd = client_connect(&asked);
	client_ask(fd, IPC_UDP, 9, "wild.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(9, message_id(buf));
	/* What is answered at once takes the same way. */
	client_send(fd, "\0\1\0\0\0\0\0\0\0\0\0\0", 12);
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_FORMERR, message_rcode(buf));
	harness_stop(&h);
}

CASE(an_ipv6_wildcard_socket_answers_too)
{
	struct harness_socket asked;
	int fd;

	(void)tc;
	harness_start(&h);
	h.allow = "::1/128";
	(void)harness_listen(&h, "::", IPC_UDP);
	harness_configure(&h);
	harness_tls(&h);
	asked = h.socket[0];
	asked.listen.address.bytes[15] = 1;
	fd = client_connect(&asked);
	client_ask(fd, IPC_UDP, 9, "wild.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(9, message_id(buf));
	harness_stop(&h);
}

CASE(a_datagram_too_long_is_formerr)
{
	static uint8_t large[6000];
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	len = client_question(large, 3, "long.example.", 0);
	ATF_REQUIRE(len > 12);
	client_send(fd, large, sizeof(large));
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(3, message_id(buf));
	ATF_CHECK_EQ(DNS_FORMERR, message_rcode(buf));
	harness_stop(&h);
}

CASE(responses_and_crumbs_get_no_answer)
{
	struct ipc_counters counters;
	uint8_t msg[512];
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_send(fd, "crumb", 5);
	len = client_question(msg, 1, "response.example.", 0);
	msg[2] |= 0x80;
	client_send(fd, msg, len);
	/* What comes behind is answered, so those before were read. */
	client_ask(fd, IPC_UDP, 2, "question.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(2, message_id(buf));
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(2, counters.value[COUNTER_queries_dropped]);
	harness_stop(&h);
}

CASE(a_question_that_nobody_answers_is_servfail_within_five_seconds)
{
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 8, "silence.example.", 1232);
	harness_question(&h, &q, &question);
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(buf));
	ATF_CHECK_EQ(DNS_EDE_NO_REACHABLE, message_ede(buf, len));
	/* Too late, and no harm done. */
	harness_answer(&h, q.id, &question, 1);
	harness_stop(&h);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_is_forwarded_and_its_answer_comes_back);
	ATF_TP_ADD_TC(
	    tp, many_questions_and_answers_go_in_batches_and_none_is_lost);
	ATF_TP_ADD_TC(tp, a_socket_that_was_busy_is_listened_to_again);
	ATF_TP_ADD_TC(tp, an_answer_too_large_for_the_client_is_truncated);
	ATF_TP_ADD_TC(
	    tp, a_wildcard_socket_answers_from_the_address_that_was_asked);
	ATF_TP_ADD_TC(tp, an_ipv6_wildcard_socket_answers_too);
	ATF_TP_ADD_TC(tp, a_datagram_too_long_is_formerr);
	ATF_TP_ADD_TC(tp, responses_and_crumbs_get_no_answer);
	ATF_TP_ADD_TC(
	    tp, a_question_that_nobody_answers_is_servfail_within_five_seconds);
	return atf_no_error();
}
