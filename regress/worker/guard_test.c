/* A real worker, asked more than its limits allow. */
#include <arpa/inet.h>
#include <atf-c.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "unpriv/worker/query.h"

#include "harness.h"

static struct harness h;
static struct ipc_query q;
static struct dns_question question;
static struct ipc_counters counters;
static uint8_t buf[DNS_MESSAGE_MAX];

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define COUNTED(name) counters.value[COUNTER_##name]

/* One a second and ten at once, of anybody. */
static void
start(void)
{
	harness_start(&h);
	h.limit.rate = 1;
	h.limit.burst = 10;
	h.limit.slip = 1;
	h.limit.hit_cost = 1000;
	h.limit.nexempt = 0;
	memset(h.limit.exempt, 0, sizeof(h.limit.exempt));
}

static void
configure(void)
{
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(&h, "127.0.0.1", IPC_TCP);
	harness_configure(&h);
	harness_tls(&h);
}

/* Asks, answers it as the upstream, and reads the client's answer. */
static size_t
ask(int fd, enum ipc_proto proto, uint16_t id, const char *name)
{
	client_ask(fd, proto, id, name, 1232);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	return client_receive(fd, proto, buf);
}

CASE(over_the_limit_the_answer_is_empty_and_says_tc)
{
	uint8_t message[512];
	uint16_t i;
	size_t len;
	int fd;

	(void)tc;
	start();
	configure();
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < 10; i++) {
		(void)ask(fd, IPC_UDP, i, "www.example.");
		ATF_CHECK_EQ(0, message_flags(buf) & DNS_TC);
	}
	/* Not all of them: one may leak, or a second have passed. */
	for (i = 10; i < 100; i++)
		client_ask(fd, IPC_UDP, i, "www.example.", 1232);
	len = client_receive(fd, IPC_UDP, buf);
	(void)client_question(message, message_id(buf), "www.example.", 0);
	ATF_CHECK_EQ(client_question(message, 0, "www.example.", 0), len);
	ATF_CHECK_EQ(DNS_QR | DNS_TC | DNS_RD | DNS_RA, message_flags(buf));
	ATF_CHECK_EQ(0, memcmp(buf + 12, message + 12, len - 12));
	harness_counters(&h, &counters);
	ATF_CHECK(COUNTED(limit_slipped) >= 50);
	ATF_CHECK_EQ(0, COUNTED(limit_dropped));
	harness_stop(&h);
}

/* Over the limit, it is not told even that. */
CASE(who_may_not_ask_is_dropped_and_counted_so)
{
	uint8_t message[512];
	uint16_t i;
	size_t len;
	int fd;

	(void)tc;
	start();
	h.allow = "10.0.0.0/8";
	configure();
	fd = client_connect(&h.socket[0]);
	len = client_question(message, 1, "www.example.", 1232);
	for (i = 0; i < 100; i++)
		client_send(fd, message, len);
	do
		harness_counters(&h, &counters);
	while (COUNTED(queries_udp) < 100);
	ATF_CHECK(COUNTED(limit_dropped) >= 50);
	ATF_CHECK_EQ(0, COUNTED(limit_slipped));
	for (i = 0; i < COUNTED(queries_refused_client); i++) {
		(void)client_receive(fd, IPC_UDP, buf);
		ATF_CHECK_EQ(DNS_REFUSED, message_rcode(buf));
	}
	harness_stop(&h);
}

/* By what is answered at once, REFUSED as well but for another reason: on a
 * slow machine a second may pass, and one more is taken. */
CASE(over_tcp_who_is_over_is_refused_once_and_closed)
{
	uint16_t ede = DNS_EDE_NONE, i;
	uint8_t message[2 + 512];
	size_t len;
	int fd;

	(void)tc;
	start();
	configure();
	fd = client_connect(&h.socket[1]);
	len = client_question(message + 2, 1, "www.example.", 1232);
	message[0] = 0;
	message[1] = (uint8_t)len;
	message[2 + 12 + 13 + 1] = DNS_TYPE_AXFR;
	for (i = 0; i < 1000 && ede != DNS_EDE_PROHIBITED; i++) {
		client_send(fd, message, 2 + len);
		len = client_receive(fd, IPC_TCP, buf);
		ATF_CHECK_EQ(DNS_REFUSED, message_rcode(buf));
		ede = message_ede(buf, len);
		len = message[1];
	}
	ATF_CHECK(i > 10);
	ATF_CHECK_EQ(DNS_EDE_PROHIBITED, ede);
	client_expect_close(fd, 2000);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, COUNTED(limit_refused));
	harness_stop(&h);
}

/* Whoever forges an address empties the bucket of UDP alone. */
CASE(who_is_over_by_udp_is_answered_over_tcp)
{
	uint16_t i;
	int udp, tcp;

	(void)tc;
	start();
	configure();
	udp = client_connect(&h.socket[0]);
	tcp = client_connect(&h.socket[1]);
	for (i = 0; i < 10; i++)
		(void)ask(udp, IPC_UDP, i, "www.example.");
	(void)ask(tcp, IPC_TCP, 10, "www.example.");
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	harness_stop(&h);
}

CASE(who_is_exempt_has_no_limit)
{
	uint16_t i;
	int fd;

	(void)tc;
	start();
	h.limit.nexempt = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&h.limit.exempt[0], "127.0.0.1"));
	configure();
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < 50; i++) {
		(void)ask(fd, IPC_UDP, i, "www.example.");
		ATF_CHECK_EQ(0, message_flags(buf) & DNS_TC);
	}
	harness_stop(&h);
}

CASE(an_answer_is_at_most_so_many_times_as_large_as_its_question)
{
	uint8_t message[512];
	size_t len;
	int fd;

	(void)tc;
	start();
	h.limit.rate = 0;
	h.limit.amplification = 3;
	configure();
	fd = client_connect(&h.socket[0]);
	len = client_question(message, 1, "www.example.", 1232);
	client_ask(fd, IPC_UDP, 1, "www.example.", 1232);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 20);
	ATF_CHECK(client_receive(fd, IPC_UDP, buf) <= 3 * len);
	ATF_CHECK(message_flags(buf) & DNS_TC);
	client_ask(fd, IPC_UDP, 2, "www.example.", 1232);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 3);
	ATF_CHECK(client_receive(fd, IPC_UDP, buf) > len);
	ATF_CHECK_EQ(0, message_flags(buf) & DNS_TC);
	harness_stop(&h);
}

CASE(names_beneath_one_name_are_asked_for_so_often)
{
	char name[] = "x.victim.example.";
	uint16_t i;
	int fd;

	(void)tc;
	start();
	h.limit.rate = 0;
	h.limit.zone_rate = 1;
	h.limit.zone_burst = 5;
	configure();
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < 5; i++) {
		name[0] = (char)('a' + i);
		(void)ask(fd, IPC_UDP, i, name);
		ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	}
	client_ask(fd, IPC_UDP, 5, "z.VICTIM.example.", 1232);
	(void)client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(buf));
	(void)ask(fd, IPC_UDP, 6, "z.other.example.");
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, COUNTED(limit_zone));
	harness_stop(&h);
}

/* Asks from the n-th address of loopback. */
static int
ask_as(uint32_t n, const char *name)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(&h.socket[0].listen.address, &ss);

	ATF_REQUIRE(fd != -1);
	sin.sin_addr.s_addr = htonl(((uint32_t)IN_LOOPBACKNET << 24) + n);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ATF_REQUIRE_EQ(0, connect(fd, (struct sockaddr *)&ss, len));
	client_ask(fd, IPC_UDP, (uint16_t)n, name, 1232);
	return fd;
}

/* The worker's time is of whole milliseconds. */
static void
at_another_time(void)
{
	const struct timespec a_while = { 0, 2000000 };

	(void)nanosleep(&a_while, NULL);
}

/* With most of what can wait still free. */
CASE(strangers_that_wait_bring_overload_and_who_comes_back_is_taken)
{
	char name[32];
	uint32_t i;
	int fd;

	(void)tc;
	start();
	h.limit.rate = 0;
	configure();
	fd = client_connect(&h.socket[0]);
	for (i = 0; i < LIMIT_REGULAR; i++) {
		(void)ask(fd, IPC_UDP, 7, "www.example.");
		at_another_time();
	}
	for (i = 0; i < ADMIT_FLIGHT; i++) {
		(void)snprintf(name, sizeof(name), "a.z%u.example.", i);
		(void)close(ask_as(256 + i, name));
		harness_question(&h, &q, &question);
	}
	ATF_CHECK(ADMIT_FLIGHT < QUERY_MAX / ADMIT_ON);
	at_another_time();
	/* One more is told to come by TCP; the others wait. */
	(void)client_receive(ask_as(9999, "www.example."), IPC_UDP, buf);
	ATF_CHECK(message_flags(buf) & DNS_TC);
	(void)ask(fd, IPC_UDP, 8, "www.example.");
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	ATF_CHECK_EQ(0, message_flags(buf) & DNS_TC);
	harness_counters(&h, &counters);
	ATF_CHECK_EQ(1, COUNTED(overload_begun));
	ATF_CHECK_EQ(1, COUNTED(overload_cut));
	harness_stop(&h);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, over_the_limit_the_answer_is_empty_and_says_tc);
	ATF_TP_ADD_TC(tp, who_may_not_ask_is_dropped_and_counted_so);
	ATF_TP_ADD_TC(tp, over_tcp_who_is_over_is_refused_once_and_closed);
	ATF_TP_ADD_TC(tp, who_is_over_by_udp_is_answered_over_tcp);
	ATF_TP_ADD_TC(tp, who_is_exempt_has_no_limit);
	ATF_TP_ADD_TC(
	    tp, an_answer_is_at_most_so_many_times_as_large_as_its_question);
	ATF_TP_ADD_TC(tp, names_beneath_one_name_are_asked_for_so_often);
	ATF_TP_ADD_TC(
	    tp, strangers_that_wait_bring_overload_and_who_comes_back_is_taken);
	return atf_no_error();
}
