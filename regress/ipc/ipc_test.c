/* The message table by every wrong size, type, state and descriptor. */
#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dotproxy/ipc.h"

static const enum ipc_role roles[] = { IPC_PARENT, IPC_WORKER, IPC_TLS,
	IPC_SOCKS };
static const enum ipc_state states[] = { IPC_NEW, IPC_CONFIG, IPC_RUN };

static struct ipc_buffer buffer;

static const char *
check(uint32_t type, enum ipc_role from, enum ipc_role to, enum ipc_state state,
    size_t len, size_t nfd)
{
	static uint8_t datagram[IPC_MESSAGE_MAX + 16];
	struct ipc_header header = { type, (uint32_t)len };

	memcpy(datagram, &header, sizeof(header));
	return ipc_check(from, to, state, datagram, sizeof(header) + len, nfd);
}

static bool
passes(const struct ipc_rule *rule, enum ipc_role from, enum ipc_role to,
    enum ipc_state state, size_t len, size_t nfd)
{
	return (rule->from & from) != 0 && (rule->to & to) != 0 &&
	    (rule->states & state) != 0 && len >= rule->min &&
	    len <= rule->max &&
	    (rule->unit == 0 || (len - rule->min) % rule->unit == 0) &&
	    nfd <= (rule->fd_may ? 1 : 0) && nfd >= (rule->fd_must ? 1 : 0);
}

ATF_TC_WITHOUT_HEAD(every_type_has_a_rule_and_no_other_number_has);
ATF_TC_BODY(every_type_has_a_rule_and_no_other_number_has, tc)
{
	uint32_t type;

	(void)tc;
	for (type = 1; type < IPC_TYPES; type++) {
		ATF_REQUIRE(ipc_rule(type) != NULL);
		ATF_CHECK(ipc_rule(type)->max <= IPC_PAYLOAD_MAX);
		ATF_CHECK(ipc_rule(type)->min <= ipc_rule(type)->max);
	}
	ATF_CHECK(ipc_rule(0) == NULL);
	ATF_CHECK(ipc_rule(IPC_TYPES) == NULL);
	ATF_CHECK(ipc_rule(UINT32_MAX) == NULL);
	for (type = IPC_TYPES; type < IPC_TYPES + 300; type++)
		ATF_CHECK_STREQ("unknown type",
		    check(type, IPC_WORKER, IPC_PARENT, IPC_RUN, 4, 0));
}

ATF_TC_WITHOUT_HEAD(only_what_the_table_allows_passes);
ATF_TC_BODY(only_what_the_table_allows_passes, tc)
{
	const struct ipc_rule *rule;
	size_t f, t, s, len, nfd;
	uint32_t type, accepted, tried = 0;

	(void)tc;
	for (type = 1; type < IPC_TYPES; type++) {
		rule = ipc_rule(type);
		accepted = 0;
		for (f = 0; f < 4; f++)
			for (t = 0; t < 4; t++)
				for (s = 0; s < 3; s++)
					for (len = 0; len < 2048; len++)
						for (nfd = 0; nfd < 3; nfd++) {
							bool ok =
							    check(type,
								roles[f],
								roles[t],
								states[s], len,
								nfd) == NULL;
							ATF_REQUIRE_EQ(ok,
							    passes(rule,
								roles[f],
								roles[t],
								states[s], len,
								nfd));
							accepted += ok;
							tried++;
						}
		ATF_CHECK_MSG(accepted != 0, "%s never passes", rule->name);
	}
	ATF_CHECK(tried > 1000000);
}

/* The table itself, held against what the header promises. */
ATF_TC_WITHOUT_HEAD(a_child_may_say_nothing_but_log_before_it_is_confined);
ATF_TC_BODY(a_child_may_say_nothing_but_log_before_it_is_confined, tc)
{
	uint32_t type;

	(void)tc;
	for (type = 1; type < IPC_TYPES; type++) {
		if ((ipc_rule(type)->to & IPC_PARENT) == 0 || type == IPC_LOG ||
		    type == IPC_CONFINED || type == IPC_REFUSED)
			continue;
		ATF_CHECK_MSG((ipc_rule(type)->states & IPC_NEW) == 0,
		    "%s passes in NEW", ipc_rule(type)->name);
	}
	ATF_CHECK(ipc_rule(IPC_CONFINED)->states == IPC_NEW);
}

ATF_TC_WITHOUT_HEAD(no_child_may_send_the_parent_a_descriptor);
ATF_TC_BODY(no_child_may_send_the_parent_a_descriptor, tc)
{
	uint32_t type;

	(void)tc;
	for (type = 1; type < IPC_TYPES; type++)
		if ((ipc_rule(type)->from & ~IPC_PARENT) != 0)
			ATF_CHECK(!ipc_rule(type)->fd_may);
	ATF_CHECK(ipc_rule(IPC_CONNECT)->from == IPC_TLS);
	ATF_CHECK(ipc_rule(IPC_UPSTREAM)->to == IPC_TLS);
	ATF_CHECK(ipc_rule(IPC_PROXY)->to == IPC_SOCKS);
	ATF_CHECK(ipc_rule(IPC_PROXIED)->from == IPC_SOCKS);
	ATF_CHECK(ipc_rule(IPC_LISTEN)->to == IPC_WORKER);
}

ATF_TC_WITHOUT_HEAD(a_length_that_the_datagram_does_not_have_is_refused);
ATF_TC_BODY(a_length_that_the_datagram_does_not_have_is_refused, tc)
{
	uint8_t datagram[64] = { 0 };
	struct ipc_header header = { IPC_CONFINED, 5 };

	(void)tc;
	memcpy(datagram, &header, sizeof(header));
	ATF_CHECK_STREQ("length and datagram disagree",
	    ipc_check(IPC_TLS, IPC_PARENT, IPC_NEW, datagram, 12, 0));
	header.len = 4;
	memcpy(datagram, &header, sizeof(header));
	ATF_CHECK(
	    ipc_check(IPC_TLS, IPC_PARENT, IPC_NEW, datagram, 12, 0) == NULL);
	ATF_CHECK_STREQ("length and datagram disagree",
	    ipc_check(IPC_TLS, IPC_PARENT, IPC_NEW, datagram, 13, 0));
	for (size_t len = 0; len < sizeof(header); len++)
		ATF_CHECK_STREQ("shorter than a header",
		    ipc_check(IPC_TLS, IPC_PARENT, IPC_NEW, datagram, len, 0));
}

static void
pair(struct ipc *parent, struct ipc *child, enum ipc_role role,
    enum ipc_state state)
{
	int fd[2];

	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	ipc_init(parent, fd[0], IPC_PARENT, role, state);
	ipc_init(child, fd[1], role, IPC_PARENT, state);
}

static int
open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

ATF_TC_WITHOUT_HEAD(a_message_arrives_as_it_was_sent);
ATF_TC_BODY(a_message_arrives_as_it_was_sent, tc)
{
	struct ipc parent, child;
	struct ipc_generation commit = { 7 };
	struct ipc_message m;
	const char *wrong;

	(void)tc;
	pair(&parent, &child, IPC_WORKER, IPC_CONFIG);
	ATF_CHECK_EQ(0, ipc_recv(&child, &buffer, &m, &wrong));
	ATF_REQUIRE_EQ(
	    0, ipc_send(&parent, IPC_COMMIT, &commit, sizeof(commit), -1));
	ATF_REQUIRE_EQ(1, ipc_recv(&child, &buffer, &m, &wrong));
	ATF_CHECK_EQ(IPC_COMMIT, m.type);
	ATF_CHECK_EQ(sizeof(commit), m.len);
	ATF_CHECK_EQ(-1, m.fd);
	ATF_CHECK_EQ(0, memcmp(m.payload, &commit, sizeof(commit)));
	ipc_close(&parent);
	ATF_CHECK_EQ(-1, ipc_recv(&child, &buffer, &m, &wrong));
	ATF_CHECK(wrong == NULL);
	ATF_CHECK_EQ(-1, ipc_send(&child, IPC_STOPPED, NULL, 0, -1));
	ATF_CHECK_EQ(EPIPE, errno);
}

ATF_TC_WITHOUT_HEAD(last_words_of_one_that_did_not_listen_are_heard);
ATF_TC_BODY(last_words_of_one_that_did_not_listen_are_heard, tc)
{
	struct ipc_refused last = { 42 };
	struct ipc parent, child;
	struct ipc_message m;
	const char *wrong;

	(void)tc;
	pair(&parent, &child, IPC_WORKER, IPC_RUN);
	ATF_REQUIRE_EQ(0, ipc_send(&parent, IPC_STOP, NULL, 0, -1));
	ATF_REQUIRE_EQ(
	    0, ipc_send(&child, IPC_REFUSED, &last, sizeof(last), -1));
	ipc_close(&child);
	ATF_REQUIRE_EQ(1, ipc_recv(&parent, &buffer, &m, &wrong));
	ATF_CHECK_EQ(IPC_REFUSED, m.type);
	ATF_CHECK_EQ(-1, ipc_recv(&parent, &buffer, &m, &wrong));
	ATF_CHECK(wrong == NULL);
	ipc_close(&parent);
}

ATF_TC_WITHOUT_HEAD(descriptors_that_break_a_rule_are_closed);
ATF_TC_BODY(descriptors_that_break_a_rule_are_closed, tc)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(6 * sizeof(int))];
	} control;
	struct ipc_header header = { IPC_STOP, 0 };
	struct iovec iov = { &header, sizeof(header) };
	struct msghdr msg;
	struct cmsghdr *cmsg;
	struct ipc parent, child;
	struct ipc_message m;
	const char *wrong;
	int fds[6] = { 0, 0, 0, 0, 0, 0 }, before;
	size_t n;

	(void)tc;
	for (n = 1; n <= 6; n++) {
		pair(&parent, &child, IPC_WORKER, IPC_RUN);
		before = open_fds();
		memset(&msg, 0, sizeof(msg));
		memset(&control, 0, sizeof(control));
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
		ATF_REQUIRE_EQ(
		    (ssize_t)sizeof(header), sendmsg(parent.fd, &msg, 0));
		ATF_CHECK_EQ(-2, ipc_recv(&child, &buffer, &m, &wrong));
		ATF_CHECK(wrong != NULL);
		ATF_CHECK_EQ(before, open_fds());
		ipc_close(&parent);
		ipc_close(&child);
	}
}

ATF_TC_WITHOUT_HEAD(a_datagram_longer_than_any_message_is_refused);
ATF_TC_BODY(a_datagram_longer_than_any_message_is_refused, tc)
{
	static uint8_t bytes[IPC_MESSAGE_MAX + 1];
	struct ipc parent, child;
	struct ipc_message m;
	const char *wrong;

	(void)tc;
	pair(&parent, &child, IPC_WORKER, IPC_RUN);
	ATF_REQUIRE_EQ(
	    (ssize_t)sizeof(bytes), send(child.fd, bytes, sizeof(bytes), 0));
	ATF_CHECK_EQ(-2, ipc_recv(&parent, &buffer, &m, &wrong));
	ATF_CHECK_STREQ("longer than any message", wrong);
}

ATF_TC_WITHOUT_HEAD(a_peer_that_does_not_read_gives_EAGAIN);
ATF_TC_BODY(a_peer_that_does_not_read_gives_EAGAIN, tc)
{
	struct ipc parent, child;
	int n;

	(void)tc;
	pair(&parent, &child, IPC_WORKER, IPC_RUN);
	for (n = 0; n < 100000; n++)
		if (ipc_send(&parent, IPC_COUNT, NULL, 0, -1) == -1)
			break;
	ATF_CHECK(n > 10 && n < 100000);
	ATF_CHECK_EQ(EAGAIN, errno);
}

ATF_TC_WITHOUT_HEAD(batches_come_back_entry_by_entry);
ATF_TC_BODY(batches_come_back_entry_by_entry, tc)
{
	static struct ipc_batch batch;
	static uint8_t big[65535];
	struct ipc_message m = { IPC_ANSWERS, NULL, 0, -1 };
	struct ipc_answer a, out;
	const uint8_t *body;
	size_t offset = 0;
	uint32_t n;

	(void)tc;
	ipc_batch_init(&batch, IPC_ANSWERS);
	memset(&a, 0, sizeof(a));
	a.kind = IPC_ANSWERED;
	for (n = 0;; n++) {
		a.id = n;
		a.len = (uint16_t)n;
		memset(big, (int)n, n);
		if (!ipc_batch_add(&batch, &a, sizeof(a), big, n))
			break;
	}
	ATF_CHECK(n > 200);
	m.payload = batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = batch.len;
	for (n = 0; ipc_answer_next(&m, &offset, &out, &body) == 1; n++) {
		ATF_CHECK_EQ(n, out.id);
		ATF_CHECK_EQ(n, out.len);
		ATF_CHECK(n == 0 || body[n - 1] == (uint8_t)n);
	}
	ATF_CHECK_EQ(batch.entries, n);
	ATF_CHECK_EQ(0, ipc_answer_next(&m, &offset, &out, &body));
	ipc_batch_init(&batch, IPC_ANSWERS);
	a.len = 65535;
	ATF_CHECK(ipc_batch_add(&batch, &a, sizeof(a), big, 65535));
	ATF_CHECK(!ipc_batch_add(&batch, &a, sizeof(a), big, 0));
}

ATF_TC_WITHOUT_HEAD(a_malformed_batch_is_seen);
ATF_TC_BODY(a_malformed_batch_is_seen, tc)
{
	uint8_t bytes[64];
	struct ipc_message m = { IPC_QUERIES, bytes, 0, -1 };
	struct ipc_query q = { 1, 1, 1, 0, 5, 0 }, bad, out;
	struct ipc_answer a = { 1, 4, 22, IPC_FAILED, { 0 } }, wrong, got;
	const uint8_t *body;
	size_t offset, len;

	(void)tc;
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, &q, sizeof(q));
	for (len = 1; len <= sizeof(q) + 5; len++) {
		m.len = len;
		offset = 0;
		ATF_CHECK_EQ(len == sizeof(q) + 5 ? 1 : -1,
		    ipc_query_next(&m, &offset, &out, &body));
	}
	m.len = sizeof(q) + 5;
	for (int i = 0; i < 3; i++) {
		bad = q;
		if (i == 0)
			bad.ask = 0x10;
		else if (i == 1)
			bad.zero = 1;
		else
			bad.name_len = 0;
		memcpy(bytes, &bad, sizeof(bad));
		offset = 0;
		ATF_CHECK_EQ(-1, ipc_query_next(&m, &offset, &out, &body));
	}
	m.len = sizeof(a) + 4;
	memcpy(bytes, &a, sizeof(a));
	memset(bytes + sizeof(a), 'x', 48);
	offset = 0;
	ATF_CHECK_EQ(1, ipc_answer_next(&m, &offset, &got, &body));
	bytes[sizeof(a) + 1] = '\n';
	offset = 0;
	ATF_CHECK_EQ(-1, ipc_answer_next(&m, &offset, &got, &body));
	bytes[sizeof(a) + 1] = 'x';
	for (int i = 0; i < 5; i++) {
		wrong = a;
		if (i == 0)
			wrong.kind = 0;
		else if (i == 1)
			wrong.kind = 3;
		else if (i == 2)
			wrong.zero[2] = 1;
		else if (i == 3)
			wrong.len = 5;
		else
			wrong.kind = IPC_ANSWERED; /* with an EDE */
		memcpy(bytes, &wrong, sizeof(wrong));
		offset = 0;
		ATF_CHECK_EQ(-1, ipc_answer_next(&m, &offset, &got, &body));
	}
}

ATF_TC_WITHOUT_HEAD(a_string_field_ends_and_has_zeroes_behind);
ATF_TC_BODY(a_string_field_ends_and_has_zeroes_behind, tc)
{
	(void)tc;
	ATF_CHECK(ipc_string_is_valid("abc\0\0\0\0", 8));
	ATF_CHECK(ipc_string_is_valid("\0\0\0\0\0\0\0", 8));
	ATF_CHECK(!ipc_string_is_valid("abc\0\0x\0", 8));
	ATF_CHECK(!ipc_string_is_valid("abcdefgh", 8));
}

ATF_TC_WITHOUT_HEAD(what_a_trial_found_is_shown_only_if_it_can_be);
ATF_TC_BODY(what_a_trial_found_is_shown_only_if_it_can_be, tc)
{
	const struct ipc_trial good = { .connect = 1,
		.handshake = 2,
		.answer = 3,
		.ncert = IPC_TRIAL_CERTS,
		.version = "TLSv1.3",
		.cipher = "TLS_AES_128_GCM_SHA256",
		.cert[IPC_TRIAL_CERTS - 1] = { .ends = IPC_TRIAL_ENDS_MAX,
		    .pinned = 1,
		    .subject = "CN=root" } };
	struct ipc_trial t = good;
	char *text[] = { t.version, t.cipher, t.failure,
		t.cert[IPC_TRIAL_CERTS - 1].subject };
	const size_t size[] = { sizeof(t.version), sizeof(t.cipher),
		sizeof(t.failure), sizeof(t.cert[0].subject) };
	size_t i;
	int byte;

	(void)tc;
	ATF_REQUIRE(ipc_trial_is_valid(&good));
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		for (byte = 1; byte < 256; byte++) {
			t = good;
			memset(text[i], 0, size[i]);
			text[i][1] = (char)byte;
			/* Behind the end of the text. */
			ATF_REQUIRE(!ipc_trial_is_valid(&t));
			text[i][0] = 'x';
			ATF_REQUIRE_EQ(
			    byte >= ' ' && byte <= '~', ipc_trial_is_valid(&t));
			memset(text[i], 'x', size[i]);
			ATF_REQUIRE(!ipc_trial_is_valid(&t));
		}
	t = good;
	t.ncert++;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	t = good;
	t.cert[7].ends++;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	t.cert[7].ends = -1;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	t = good;
	t.cert[7].pinned++;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	t = good;
	t.cert[7].zero++;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	/* Nobody is well who has not answered. */
	t = good;
	t.answer = IPC_TRIAL_NONE;
	ATF_CHECK(!ipc_trial_is_valid(&t));
	t.failure[0] = 'x';
	ATF_CHECK(ipc_trial_is_valid(&t));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, every_type_has_a_rule_and_no_other_number_has);
	ATF_TP_ADD_TC(tp, only_what_the_table_allows_passes);
	ATF_TP_ADD_TC(
	    tp, a_child_may_say_nothing_but_log_before_it_is_confined);
	ATF_TP_ADD_TC(tp, no_child_may_send_the_parent_a_descriptor);
	ATF_TP_ADD_TC(tp, a_length_that_the_datagram_does_not_have_is_refused);
	ATF_TP_ADD_TC(tp, a_message_arrives_as_it_was_sent);
	ATF_TP_ADD_TC(tp, last_words_of_one_that_did_not_listen_are_heard);
	ATF_TP_ADD_TC(tp, descriptors_that_break_a_rule_are_closed);
	ATF_TP_ADD_TC(tp, a_datagram_longer_than_any_message_is_refused);
	ATF_TP_ADD_TC(tp, a_peer_that_does_not_read_gives_EAGAIN);
	ATF_TP_ADD_TC(tp, batches_come_back_entry_by_entry);
	ATF_TP_ADD_TC(tp, a_malformed_batch_is_seen);
	ATF_TP_ADD_TC(tp, a_string_field_ends_and_has_zeroes_behind);
	ATF_TP_ADD_TC(tp, what_a_trial_found_is_shown_only_if_it_can_be);
	return atf_no_error();
}
