/* A real worker, asked over TCP. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atf-c.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/clock.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct harness h;
static struct ipc_query q;
static struct dns_question question;
static struct ipc_counters counters;
static uint8_t buf[DNS_MESSAGE_MAX];

/* A question over this connection is answered: it and the worker live. */
static void
is_served(int fd)
{
	client_ask(fd, IPC_TCP, 4242, "alive.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
	ATF_REQUIRE_EQ(4242, message_id(buf));
}

CASE(questions_in_flight_are_answered_as_their_answers_come)
{
	struct dns_question questions[3];
	uint64_t id[3];
	uint16_t i;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	for (i = 0; i < 3; i++)
		client_ask(fd, IPC_TCP, i, "order.example.", 0);
	for (i = 0; i < 3; i++) {
		harness_question(&h, &q, &questions[i]);
		id[i] = q.id;
	}
	for (i = 3; i-- > 0;) {
		harness_answer(&h, id[i], &questions[i], 1);
		ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
		ATF_CHECK_EQ(i, message_id(buf));
	}
	harness_stop(&h);
}

CASE(a_large_answer_comes_whole)
{
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	client_ask(fd, IPC_TCP, 1, "large.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 4000);
	ATF_CHECK_EQ(12 + 19 + 4000 * 16, client_receive(fd, IPC_TCP, buf));
	ATF_CHECK_EQ(0, message_flags(buf) & DNS_TC);
	is_served(fd);
	harness_stop(&h);
}

CASE(a_question_that_comes_byte_by_byte_is_answered)
{
	uint8_t msg[2 + 512];
	size_t len, i;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	len = client_question(msg + 2, 6, "slowly.example.", 1232);
	msg[0] = 0;
	msg[1] = (uint8_t)len;
	for (i = 0; i < len + 2; i++)
		client_send(fd, msg + i, 1);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
	ATF_CHECK_EQ(6, message_id(buf));
	harness_stop(&h);
}

CASE(half_a_question_is_closed_after_two_seconds)
{
	uint64_t begin, took;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	begin = clock_ms();
	client_send(fd, "\0\100half", 6);
	client_expect_close(fd, HARNESS_WAIT_MS);
	took = clock_ms() - begin;
	/* That it was no idle one's ten is in the counter. */
	ATF_CHECK_MSG(took >= 1900, "%d ms", (int)took);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_half]);
	harness_stop(&h);
}

CASE(half_questions_do_not_keep_others_out)
{
	int fd[3], i;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	h.tcp_max = 2;
	harness_configure(&h);
	harness_tls(&h);
	for (i = 0; i < 2; i++) {
		fd[i] = client_connect(&h.socket[1]);
		is_served(fd[i]);
		client_send(fd[i], "\0", 1);
	}
	fd[2] = client_connect(&h.socket[1]);
	is_served(fd[2]);
	client_expect_close(fd[0], HARNESS_WAIT_MS);
	harness_stop(&h);
}

CASE(a_stranger_is_told_once_and_has_no_place)
{
	int fd;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	h.allow = "192.0.2.0/24";
	harness_configure(&h);
	harness_tls(&h);
	fd = client_connect(&h.socket[1]);
	client_ask(fd, IPC_TCP, 7, "stranger.example.", 0);
	ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
	ATF_CHECK_EQ(DNS_REFUSED, message_rcode(buf));
	ATF_CHECK_EQ(0, client_receive(fd, IPC_TCP, buf));
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(0, counters.value[COUNTER_tcp_idle]);
	harness_stop(&h);
}

/* One that will not read, with as little room in the kernel as can be; it is
 * sent so many large answers. */
static void
do_not_read(int answers)
{
	static const int small = 4096, segment = 536;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	len = netaddr_to_sockaddr(&h.socket[1].listen.address, &ss);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(
	    0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
	ATF_REQUIRE_EQ(0,
	    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)));
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	for (; answers > 0; answers--) {
		client_ask(fd, IPC_TCP, 1, "unread.example.", 0);
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 4000);
	}
}

/* They take all the memory there is for answers. */
CASE(those_who_do_not_read_take_nothing_from_one_who_does)
{
	int fd, i;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	h.tcp_max = h.tcp_each = 300;
	harness_configure(&h);
	harness_tls(&h);
	fd = client_connect(&h.socket[1]);
	is_served(fd);
	for (i = 0; i < 150; i++)
		do_not_read(3);
	for (i = 0; i < 60; i++)
		do_not_read(1);
	harness_counters(&h, &counters);
	ATF_REQUIRE(counters.value[COUNTER_tcp_slow] > 0);
	client_ask(fd, IPC_TCP, 1, "large.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 4000);
	ATF_CHECK_EQ(12 + 19 + 4000 * 16, client_receive(fd, IPC_TCP, buf));
	harness_stop(&h);
}

CASE(a_client_that_shuts_its_side_is_answered_and_then_closed)
{
	uint64_t id[2];
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	client_ask(fd, IPC_TCP, 1, "half.example.", 0);
	client_ask(fd, IPC_TCP, 2, "half.example.", 0);
	ATF_REQUIRE_EQ(0, shutdown(fd, SHUT_WR));
	harness_question(&h, &q, &question);
	id[0] = q.id;
	harness_question(&h, &q, &question);
	id[1] = q.id;
	harness_answer(&h, id[0], &question, 1);
	ATF_CHECK(client_receive(fd, IPC_TCP, buf) > 0);
	harness_answer(&h, id[1], &question, 1);
	ATF_CHECK(client_receive(fd, IPC_TCP, buf) > 0);
	client_expect_close(fd, HARNESS_WAIT_MS);
	harness_stop(&h);
}

CASE(an_answer_for_a_client_that_went_away_is_counted)
{
	int fd, other;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	client_ask(fd, IPC_TCP, 1, "gone.example.", 0);
	harness_question(&h, &q, &question);
	(void)close(fd);
	/* Nothing is lost before the answer finds nobody there. */
	harness_answer(&h, q.id, &question, 4000);
	other = client_connect(&h.socket[1]);
	is_served(other);
	client_ask(other, IPC_TCP, 1, "gone.example.", 0);
	harness_question(&h, &q, &question);
	ATF_REQUIRE_EQ(0,
	    setsockopt(other, SOL_SOCKET, SO_LINGER,
		&(struct linger){ .l_onoff = 1 }, sizeof(struct linger)));
	(void)close(other); /* a reset */
	other = client_connect(&h.socket[1]);
	is_served(other);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(0, counters.value[COUNTER_tcp_slow]);
	harness_stop(&h);
}

/* Its place is taken at once: the answer must not go to who has it now. */
CASE(an_answer_never_goes_to_the_next_client_in_the_same_place)
{
	struct dns_question first;
	uint64_t id;
	int fd, other;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	client_ask(fd, IPC_TCP, 1, "secret.example.", 0);
	harness_question(&h, &q, &first);
	id = q.id;
	ATF_REQUIRE_EQ(0,
	    setsockopt(fd, SOL_SOCKET, SO_LINGER,
		&(struct linger){ .l_onoff = 1 }, sizeof(struct linger)));
	(void)close(fd); /* a reset */
	other = client_connect(&h.socket[1]);
	is_served(other);
	harness_answer(&h, id, &first, 1);
	is_served(other);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_lost]);
	harness_stop(&h);
}

CASE(a_slow_reader_holds_up_nobody_and_is_closed)
{
	struct harness_socket *s;
	uint64_t end;
	int fd, other, room = 4096, i;

	(void)tc;
	harness_up(&h);
	s = &h.socket[1];
	fd = client_connect(s);
	other = client_connect(s);
	ATF_REQUIRE_EQ(
	    0, setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	/* Far more than the kernel's buffers and its queue may hold. */
	for (i = 0; i < 200; i++)
		client_ask(fd, IPC_TCP, (uint16_t)i, "slow.example.", 0);
	end = clock_ms() + 15000;
	do {
		if (harness_has_question(&h, 100)) {
			harness_question(&h, &q, &question);
			harness_answer(&h, q.id, &question, 4000);
		} else
			is_served(other);
		harness_counters(&h, &counters);
	} while (counters.value[COUNTER_tcp_slow] == 0 && clock_ms() < end);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_slow]);
	is_served(other);
	harness_stop(&h);
}

CASE(a_question_too_long_is_formerr_and_the_next_is_answered)
{
	static uint8_t large[2 + 20000];
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	(void)client_question(large + 2, 3, "long.example.", 0);
	large[0] = 20000 >> 8;
	large[1] = 20000 & 0xff;
	client_send(fd, large, sizeof(large));
	ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
	ATF_CHECK_EQ(3, message_id(buf));
	ATF_CHECK_EQ(DNS_FORMERR, message_rcode(buf));
	is_served(fd);
	harness_stop(&h);
}

CASE(a_hundred_pipelined_questions_are_all_answered)
{
	uint8_t many[100 * 64];
	size_t len = 0, n;
	uint16_t i;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	for (i = 0; i < 100; i++) {
		uint8_t msg[512];

		n = client_question(msg, i, "pipeline.example.", 0);
		many[len] = 0;
		many[len + 1] = (uint8_t)n;
		memcpy(many + len + 2, msg, n);
		len += n + 2;
	}
	client_send(fd, many, len);
	ATF_REQUIRE_EQ(0, shutdown(fd, SHUT_WR));
	for (i = 0; i < 100; i++) {
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 1);
		if (i >= 36)
			continue;
		ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
		ATF_CHECK_EQ(i, message_id(buf));
	}
	for (i = 36; i < 100; i++)
		ATF_REQUIRE(client_receive(fd, IPC_TCP, buf) > 0);
	client_expect_close(fd, HARNESS_WAIT_MS);
	harness_stop(&h);
}

CASE(one_client_has_so_many_connections_and_no_more)
{
	int fd[4];

	(void)tc;
	harness_start(&h);
	h.tcp_each = 3;
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	harness_configure(&h);
	harness_tls(&h);
	h.socket[1] = h.socket[0];
	for (int i = 0; i < 3; i++) {
		fd[i] = client_connect(&h.socket[0]);
		is_served(fd[i]);
	}
	fd[3] = client_connect(&h.socket[0]);
	client_expect_close(fd[3], HARNESS_WAIT_MS);
	is_served(fd[2]);
	/* One that leaves makes room. */
	(void)close(fd[0]);
	is_served(fd[1]);
	fd[3] = client_connect(&h.socket[0]);
	is_served(fd[3]);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_refused]);
	harness_stop(&h);
}

CASE(when_all_are_taken_the_oldest_idle_one_gives_way)
{
	int fd[3];

	(void)tc;
	harness_start(&h);
	h.tcp_max = 2;
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	harness_configure(&h);
	harness_tls(&h);
	fd[0] = client_connect(&h.socket[0]);
	is_served(fd[0]);
	fd[1] = client_connect(&h.socket[0]);
	is_served(fd[1]);
	is_served(fd[0]); /* so the other is the oldest */
	fd[2] = client_connect(&h.socket[0]);
	is_served(fd[2]);
	client_expect_close(fd[1], HARNESS_WAIT_MS);
	is_served(fd[0]);
	/* Nobody idle: the new one has to go. */
	client_ask(fd[0], IPC_TCP, 1, "busy.example.", 0);
	harness_question(&h, &q, &question);
	client_ask(fd[2], IPC_TCP, 1, "busy.example.", 0);
	harness_question(&h, &q, &question);
	fd[1] = client_connect(&h.socket[0]);
	client_expect_close(fd[1], HARNESS_WAIT_MS);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_displaced]);
	ATF_CHECK_EQ(1, counters.value[COUNTER_tcp_refused]);
	harness_stop(&h);
}

CASE(keepalive_is_told_to_who_asks)
{
	/* An OPT with edns-tcp-keepalive, empty (RFC 7828 3.2.1). */
	static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4, 0,
		11, 0, 0 };
	static const uint8_t told[] = { 0, 11, 0, 2, 0, 100 };
	uint8_t msg[2 + 512];
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[1]);
	len = client_question(msg + 2, 1, "keep.example.", 0);
	msg[2 + 11] = 1;
	memcpy(msg + 2 + len, opt, sizeof(opt));
	len += sizeof(opt);
	msg[0] = 0;
	msg[1] = (uint8_t)len;
	client_send(fd, msg, len + 2);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 0);
	len = client_receive(fd, IPC_TCP, buf);
	ATF_CHECK(memmem(buf, len, told, sizeof(told)) != NULL);
	harness_stop(&h);
}

CASE(without_descriptors_left_accepting_pauses_and_goes_on)
{
	int fd[264], n, i;

	(void)tc;
	harness_start(&h);
	h.tcp_max = 400; /* more than the 256 descriptors it was given */
	h.tcp_each = 400;
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	harness_configure(&h);
	harness_tls(&h);
	for (n = 0; n < 264; n++) {
		fd[n] = client_connect(&h.socket[0]);
		if (n < 200)
			is_served(fd[n]);
	}
	/* Some wait in the backlog now. */
	while (strstr(h.log, "cannot accept") == NULL)
		harness_counters(&h, &counters);
	ATF_CHECK(counters.value[COUNTER_tcp_accepted] < 256);
	for (i = 0; i < 100; i++)
		(void)close(fd[i]);
	is_served(fd[263]);
	harness_stop(&h);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, questions_in_flight_are_answered_as_their_answers_come);
	ATF_TP_ADD_TC(tp, half_questions_do_not_keep_others_out);
	ATF_TP_ADD_TC(tp, a_stranger_is_told_once_and_has_no_place);
	ATF_TP_ADD_TC(tp, those_who_do_not_read_take_nothing_from_one_who_does);
	ATF_TP_ADD_TC(tp, a_large_answer_comes_whole);
	ATF_TP_ADD_TC(tp, a_question_that_comes_byte_by_byte_is_answered);
	ATF_TP_ADD_TC(tp, half_a_question_is_closed_after_two_seconds);
	ATF_TP_ADD_TC(
	    tp, a_client_that_shuts_its_side_is_answered_and_then_closed);
	ATF_TP_ADD_TC(tp, an_answer_for_a_client_that_went_away_is_counted);
	ATF_TP_ADD_TC(
	    tp, an_answer_never_goes_to_the_next_client_in_the_same_place);
	ATF_TP_ADD_TC(tp, a_slow_reader_holds_up_nobody_and_is_closed);
	ATF_TP_ADD_TC(
	    tp, a_question_too_long_is_formerr_and_the_next_is_answered);
	ATF_TP_ADD_TC(tp, a_hundred_pipelined_questions_are_all_answered);
	ATF_TP_ADD_TC(tp, one_client_has_so_many_connections_and_no_more);
	ATF_TP_ADD_TC(tp, when_all_are_taken_the_oldest_idle_one_gives_way);
	ATF_TP_ADD_TC(tp, keepalive_is_told_to_who_asks);
	ATF_TP_ADD_TC(
	    tp, without_descriptors_left_accepting_pauses_and_goes_on);
	return atf_no_error();
}
