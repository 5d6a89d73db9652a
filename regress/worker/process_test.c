/* A real worker among its siblings: they die, lie, reload and stop. */
#include <sys/socket.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/sandbox.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct harness h;
static struct ipc_query q;
static struct dns_question question;
static struct ipc_counters counters;
static struct ipc_message m;
static uint8_t buf[DNS_MESSAGE_MAX];

static void
is_served(int fd)
{
	client_ask(fd, IPC_UDP, 4242, "alive.example.", 0);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_REQUIRE_EQ(4242, message_id(buf));
	ATF_REQUIRE_EQ(DNS_NOERROR, message_rcode(buf));
}

CASE(it_is_confined_before_it_is_told_anything)
{
	(void)tc;
	harness_start(&h);
	ATF_CHECK((h.layers & SANDBOX_SECCOMP) != 0);
	ATF_CHECK((h.layers & SANDBOX_NNP) != 0);
	if (geteuid() == 0)
		ATF_CHECK((h.layers & (SANDBOX_CHROOT | SANDBOX_UID)) ==
		    (SANDBOX_CHROOT | SANDBOX_UID));
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	harness_configure(&h);
	harness_stop(&h);
}

CASE(what_was_in_flight_is_asked_of_the_next_tls_process)
{
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 1, "before.example.", 0);
	harness_question(&h, &q, &question);
	ipc_close(&h.tls);
	client_ask(fd, IPC_UDP, 2, "between.example.", 0);
	harness_tls(&h);
	harness_question(&h, &q, &question);
	ATF_CHECK_EQ(6, question.name[0]);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(1, message_id(buf));
	harness_question(&h, &q, &question);
	ATF_CHECK_EQ(7, question.name[0]);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(2, message_id(buf));
	harness_stop(&h);
}

CASE(a_new_channel_takes_the_place_of_one_that_lives)
{
	struct ipc old;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 1, "moved.example.", 0);
	harness_question(&h, &q, &question);
	old = h.tls;
	h.tls.fd = -1;
	harness_tls(&h);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(1, message_id(buf));
	client_expect_close(old.fd, HARNESS_WAIT_MS);
	ipc_close(&old);
	harness_stop(&h);
}

CASE(a_tls_process_that_hangs_costs_nobody_the_worker)
{
	uint16_t i, servfail = 0;
	uint8_t msg[512];
	char name[32];
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	/* Nobody reads the channel: it fills, then the backlog does. Each is of
	 * a zone of its own, which has no more than its share. */
	for (i = 0; i < 40000; i++) {
		(void)snprintf(name, sizeof(name), "hang%u.", i);
		len = client_question(msg, i, name, 1232);
		client_send(fd, msg, len);
		while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			servfail += message_rcode(buf) == DNS_SERVFAIL;
		if (servfail > 0)
			break;
		if (i % 256 == 0)
			harness_counters(&h, &counters);
	}
	ATF_CHECK(servfail > 0);
	harness_counters(&h, &counters);
	ATF_CHECK(counters.value[COUNTER_queries_shed] > 0);
	/* It reads again: what waited is asked, and all goes on. */
	while (harness_has_question(&h, 100))
		harness_question(&h, &q, &question);
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	harness_tls(&h);
	harness_stop(&h);
}

/* Each way in which a TLS process may break the rules. */
static void
send_raw(
    uint32_t type, uint32_t header_len, const void *payload, size_t len, int fd)
{
	struct ipc_header header = { type, header_len };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[2] = { { &header, sizeof(header) },
		{ (void *)(uintptr_t)payload, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	ATF_REQUIRE(sendmsg(h.tls.fd, &msg, MSG_NOSIGNAL) > 0);
}

static void
send_answer(struct ipc_answer a, const void *body, size_t len)
{
	uint8_t payload[sizeof(a) + 512];

	memcpy(payload, &a, sizeof(a));
	memcpy(payload + sizeof(a), body, len);
	send_raw(IPC_ANSWERS, (uint32_t)(sizeof(a) + len), payload,
	    sizeof(a) + len, -1);
}

enum lie {
	LIE_TYPE,
	LIE_DIRECTION,
	LIE_SHORT,
	LIE_LENGTH,
	LIE_EMPTY,
	LIE_DESCRIPTOR,
	LIE_ID,
	LIE_GENERATION,
	LIE_KIND,
	LIE_ZERO,
	LIE_OVERRUN,
	LIE_TEXT,
	LIES
};

static void
lie(enum lie which, uint64_t id)
{
	struct ipc_answer a = { .id = id, .kind = IPC_ANSWERED, .len = 4 };

	switch (which) {
	case LIE_TYPE:
		send_raw(999, 4, "abcd", 4, -1);
		break;
	case LIE_DIRECTION:
		send_raw(IPC_STOP, 0, "", 0, -1);
		break;
	case LIE_SHORT:
		ATF_REQUIRE_EQ(3, send(h.tls.fd, "abc", 3, MSG_NOSIGNAL));
		break;
	case LIE_LENGTH:
		send_raw(IPC_ANSWERS, 17, &a, sizeof(a), -1);
		break;
	case LIE_EMPTY:
		send_raw(IPC_ANSWERS, 0, "", 0, -1);
		break;
	case LIE_DESCRIPTOR:
		a.len = 0;
		send_raw(IPC_ANSWERS, sizeof(a), &a, sizeof(a), 0);
		break;
	case LIE_ID:
		a.id = id + 1000;
		send_answer(a, "abcd", 4);
		break;
	case LIE_GENERATION:
		a.id = id + ((uint64_t)1 << 32);
		send_answer(a, "abcd", 4);
		break;
	case LIE_KIND:
		a.kind = 3;
		send_answer(a, "abcd", 4);
		break;
	case LIE_ZERO:
		a.zero[1] = 1;
		send_answer(a, "abcd", 4);
		break;
	case LIE_OVERRUN:
		a.len = 5;
		send_answer(a, "abcd", 4);
		break;
	default:
		a.kind = IPC_FAILED;
		send_answer(a, "a\nbc", 4);
		break;
	}
}

CASE(a_tls_process_that_breaks_a_rule_loses_its_channel)
{
	struct ipc_peer peer;
	enum lie which;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	for (which = LIE_TYPE; which < LIES; which++) {
		client_ask(fd, IPC_UDP, (uint16_t)which, "lie.example.", 0);
		harness_question(&h, &q, &question);
		lie(which, q.id);
		harness_expect(&h, IPC_BROKEN, &m);
		memcpy(&peer, m.payload, sizeof(peer));
		ATF_CHECK_EQ_MSG(0, peer.worker, "lie %d", which);
		client_expect_close(h.tls.fd, HARNESS_WAIT_MS);
		/* The next one is asked the same, and nothing was lost. */
		harness_tls(&h);
		harness_question(&h, &q, &question);
		harness_answer(&h, q.id, &question, 1);
		ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
		ATF_CHECK_EQ(which, message_id(buf));
		ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	}
	ATF_CHECK(strstr(h.log, "broke a rule") != NULL);
	harness_stop(&h);
}

CASE(an_answer_that_does_not_parse_is_servfail_and_no_more)
{
	static const uint8_t garbage[40] = { 1, 2, 0x80, 0, 0, 1, 0xff, 0xff };
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 1, "garbage.example.", 1232);
	harness_question(&h, &q, &question);
	harness_answer_raw(&h, q.id, garbage, sizeof(garbage));
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(buf));
	ATF_CHECK_EQ(DNS_EDE_INVALID_DATA, message_ede(buf, len));
	is_served(fd);
	client_ask(fd, IPC_UDP, 2, "failure.example.", 1232);
	harness_question(&h, &q, &question);
	harness_fail(&h, q.id, DNS_EDE_NETWORK_ERROR, "all are down");
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(buf));
	ATF_CHECK_EQ(DNS_EDE_NETWORK_ERROR, message_ede(buf, len));
	ATF_CHECK(memmem(buf, len, "all are down", 12) != NULL);
	harness_stop(&h);
}

CASE(a_reload_keeps_what_stays_and_loses_no_question)
{
	struct harness_socket *added;
	int kept, gone, fresh;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(&h, "127.0.0.2", IPC_UDP);
	harness_configure(&h);
	harness_tls(&h);
	kept = client_connect(&h.socket[0]);
	gone = client_connect(&h.socket[1]);
	client_ask(gone, IPC_UDP, 1, "gone.example.", 0);
	harness_question(&h, &q, &question);
	h.socket[1].given_up = true;
	/* Still in its buffer when the config comes, or just after: either
	 * way it was sent while the socket was listened on. */
	client_ask(gone, IPC_UDP, 2, "buffered.example.", 0);
	added = harness_listen(&h, "127.0.0.3", IPC_UDP);
	fresh = client_connect(added);
	client_ask(kept, IPC_UDP, 3, "kept.example.", 0);
	harness_configure(&h);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(gone, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(1, message_id(buf));
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(gone, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(2, message_id(buf));
	ATF_REQUIRE(client_receive(kept, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(3, message_id(buf));
	is_served(kept);
	is_served(fresh);
	/* Nobody reads the old one, and with us gone nobody has it open. */
	(void)close(h.socket[1].fd);
	is_served(kept);
	(void)send(gone, "x", 1, MSG_NOSIGNAL);
	ATF_CHECK(recv(gone, buf, sizeof(buf), 0) == -1); /* refused */
	harness_stop(&h);
}

CASE(a_reload_changes_who_is_allowed)
{
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	is_served(fd);
	h.allow = "192.0.2.0/24";
	harness_configure(&h);
	client_ask(fd, IPC_UDP, 1, "refused.example.", 1232);
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_REFUSED, message_rcode(buf));
	ATF_CHECK_EQ(DNS_EDE_PROHIBITED, message_ede(buf, len));
	h.allow = "127.0.0.0/8";
	harness_configure(&h);
	is_served(fd);
	harness_stop(&h);
}

CASE(stop_answers_what_is_in_flight_and_then_ends)
{
	int udp, tcp;

	(void)tc;
	harness_up(&h);
	udp = client_connect(&h.socket[0]);
	tcp = client_connect(&h.socket[1]);
	client_ask(tcp, IPC_TCP, 2, "stop.example.", 0);
	harness_question(&h, &q, &question);
	client_ask(udp, IPC_UDP, 1, "stop.example.", 0);
	ATF_REQUIRE_EQ(0, ipc_send(&h.parent, IPC_STOP, NULL, 0, -1));
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(tcp, IPC_TCP, buf) > 0);
	ATF_CHECK_EQ(2, message_id(buf));
	/* This one was in the buffer at most. */
	harness_question(&h, &q, &question);
	harness_answer(&h, q.id, &question, 1);
	ATF_REQUIRE(client_receive(udp, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(1, message_id(buf));
	harness_expect(&h, IPC_STOPPED, &m);
	ATF_CHECK_EQ(0, harness_end(&h));
}

CASE(stop_waits_a_second_for_answers_and_no_longer)
{
	uint64_t begin, took;
	size_t len;
	int fd;

	(void)tc;
	harness_up(&h);
	fd = client_connect(&h.socket[0]);
	client_ask(fd, IPC_UDP, 1, "stop.example.", 1232);
	harness_question(&h, &q, &question);
	begin = clock_ms();
	ATF_REQUIRE_EQ(0, ipc_send(&h.parent, IPC_STOP, NULL, 0, -1));
	len = client_receive(fd, IPC_UDP, buf);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(buf));
	/* Not what it is told after 4.5 seconds. */
	ATF_CHECK(memmem(buf, len, "stopping", 8) != NULL);
	harness_expect(&h, IPC_STOPPED, &m);
	ATF_CHECK_EQ(0, harness_end(&h));
	took = clock_ms() - begin;
	ATF_CHECK_MSG(took >= 900, "%d ms", (int)took);
}

CASE(without_its_parent_it_ends)
{
	int status;

	(void)tc;
	harness_up(&h);
	ipc_close(&h.parent);
	ATF_REQUIRE_EQ(h.pid, waitpid(h.pid, &status, 0));
	ATF_CHECK_EQ(0, status);
}

CASE(a_config_that_breaks_a_rule_ends_it)
{
	struct ipc_generation g = { 7 };

	(void)tc;
	harness_up(&h);
	ATF_REQUIRE_EQ(0, ipc_send(&h.parent, IPC_COMMIT, &g, sizeof(g), -1));
	ATF_CHECK(WIFEXITED(harness_end(&h)));
	ATF_CHECK(strstr(h.log, "a commit without a config") != NULL);
}

/* It ends, and says what was wrong. */
static void
expect_end(enum ipc_type type, const void *payload, size_t len, const char *why)
{
	harness_up(&h);
	ATF_REQUIRE_EQ(0, ipc_send(&h.parent, type, payload, len, -1));
	ATF_CHECK(WIFEXITED(harness_end(&h)));
	ATF_CHECK_MSG(strstr(h.log, why) != NULL, "%s: %s", why, h.log);
}

CASE(a_block_of_nobody_ends_it)
{
	struct ipc_blocked two[2];

	(void)tc;
	memset(two, 0, sizeof(two));
	ATF_REQUIRE(netaddr_parse(&two[0].client, "192.0.2.1"));
	expect_end(IPC_BLOCKED, two, sizeof(two), "a block of nobody");
}

CASE(a_block_that_is_neither_proven_nor_not_ends_it)
{
	struct ipc_blocked one = { .proven = 2 };

	(void)tc;
	ATF_REQUIRE(netaddr_parse(&one.client, "192.0.2.1"));
	expect_end(IPC_BLOCKED, &one, sizeof(one), "a block of nobody");
}

CASE(a_block_of_a_prefix_with_bits_beyond_it_ends_it)
{
	struct ipc_blocked one = { .left = 1 };

	(void)tc;
	ATF_REQUIRE(netaddr_parse(&one.client, "192.0.2.1"));
	one.client.bits = 24;
	expect_end(IPC_BLOCKED, &one, sizeof(one), "bits set beyond");
}

CASE(half_a_block_ends_it)
{
	struct ipc_blocked two[2];

	(void)tc;
	memset(two, 0, sizeof(two));
	expect_end(IPC_BLOCKED, two, sizeof(two) - 4, "wrong size");
}

CASE(cookies_with_what_must_be_zero_end_it)
{
	struct ipc_cookie cookie;

	(void)tc;
	memset(&cookie, 0, sizeof(cookie));
	cookie.zero = 1;
	expect_end(
	    IPC_COOKIE, &cookie, sizeof(cookie), "cookies that are not zero");
}

CASE(a_list_of_prefixes_outside_of_a_config_ends_it)
{
	struct {
		struct ipc_prefixes head;
		struct netaddr prefix;
	} list;

	(void)tc;
	memset(&list, 0, sizeof(list));
	ATF_REQUIRE(netaddr_parse_prefix(&list.prefix, "192.0.2.0/24"));
	expect_end(
	    IPC_PREFIXES, &list, sizeof(list), "a list outside of a config");
}

CASE(what_the_kernel_dropped_is_counted)
{
	int fd, i, room = 2048;

	(void)tc;
	harness_start(&h);
	(void)harness_listen(&h, "127.0.0.1", IPC_UDP);
	ATF_REQUIRE_EQ(0,
	    setsockopt(
		h.socket[0].fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	harness_configure(&h);
	harness_tls(&h);
	fd = client_connect(&h.socket[0]);
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGSTOP));
	for (i = 0; i < 200; i++)
		client_ask(fd, IPC_UDP, (uint16_t)i, "drop.example.", 0);
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGCONT));
	do
		harness_counters(&h, &counters);
	while (counters.value[COUNTER_queries_udp] +
		counters.value[COUNTER_udp_receive_dropped] <
	    200);
	ATF_CHECK(counters.value[COUNTER_udp_receive_dropped] > 0);
	ATF_CHECK_EQ(200,
	    counters.value[COUNTER_queries_udp] +
		counters.value[COUNTER_udp_receive_dropped]);
	harness_stop(&h);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, it_is_confined_before_it_is_told_anything);
	ATF_TP_ADD_TC(tp, what_was_in_flight_is_asked_of_the_next_tls_process);
	ATF_TP_ADD_TC(tp, a_new_channel_takes_the_place_of_one_that_lives);
	ATF_TP_ADD_TC(tp, a_tls_process_that_hangs_costs_nobody_the_worker);
	ATF_TP_ADD_TC(tp, a_tls_process_that_breaks_a_rule_loses_its_channel);
	ATF_TP_ADD_TC(
	    tp, an_answer_that_does_not_parse_is_servfail_and_no_more);
	ATF_TP_ADD_TC(tp, a_reload_keeps_what_stays_and_loses_no_question);
	ATF_TP_ADD_TC(tp, a_reload_changes_who_is_allowed);
	ATF_TP_ADD_TC(tp, stop_answers_what_is_in_flight_and_then_ends);
	ATF_TP_ADD_TC(tp, stop_waits_a_second_for_answers_and_no_longer);
	ATF_TP_ADD_TC(tp, without_its_parent_it_ends);
	ATF_TP_ADD_TC(tp, a_config_that_breaks_a_rule_ends_it);
	ATF_TP_ADD_TC(tp, a_block_of_nobody_ends_it);
	ATF_TP_ADD_TC(tp, a_block_that_is_neither_proven_nor_not_ends_it);
	ATF_TP_ADD_TC(tp, a_block_of_a_prefix_with_bits_beyond_it_ends_it);
	ATF_TP_ADD_TC(tp, half_a_block_ends_it);
	ATF_TP_ADD_TC(tp, cookies_with_what_must_be_zero_end_it);
	ATF_TP_ADD_TC(tp, a_list_of_prefixes_outside_of_a_config_ends_it);
	ATF_TP_ADD_TC(tp, what_the_kernel_dropped_is_counted);
	return atf_no_error();
}
