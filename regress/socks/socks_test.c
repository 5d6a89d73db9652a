/*
 * The exchange with a SOCKS5 proxy, byte by byte as RFC 1928 and RFC 1929 have
 * it: what is sent, how much is read, and what each way to fail is called.
 */
#include <atf-c.h>
#include <errno.h>
#include <string.h>

#include "unpriv/socks/socks.h"

#define BYTES(...)                                                             \
	(const uint8_t[]){ __VA_ARGS__ },                                      \
	    sizeof((const uint8_t[]){ __VA_ARGS__ })

static struct socks s;

static struct ipc_proxy
request(const char *address, const char *user, const char *password)
{
	struct ipc_proxy want;

	memset(&want, 0, sizeof(want));
	ATF_REQUIRE(netaddr_parse(&want.target, address));
	want.target.port = 853;
	memcpy(want.user, user, strlen(user));
	memcpy(want.password, password, strlen(password));
	return want;
}

static void
begin(const char *address, const char *user, const char *password)
{
	struct ipc_proxy want = request(address, user, password);

	ATF_REQUIRE(socks_wrong(&want) == NULL);
	socks_begin(&s, &want);
}

/* What it has to send is this, and goes in two pieces. */
static void
sends(const uint8_t *bytes, size_t len)
{
	size_t room;

	ATF_REQUIRE_EQ(len, s.out_len);
	ATF_CHECK(memcmp(bytes, s.out, len) == 0);
	socks_sent(&s, 1);
	(void)socks_room(&s, &room);
	ATF_CHECK_EQ_MSG(0, room, "it would read before all is sent");
	ATF_CHECK(memcmp(&bytes[1], s.out, len - 1) == 0);
	socks_sent(&s, s.out_len);
}

/* The proxy says this; as many bytes of it as are wanted, and no more. */
static size_t
hears(const uint8_t *bytes, size_t len)
{
	size_t room, used = 0;
	uint8_t *to;

	while (used < len) {
		to = socks_room(&s, &room);
		if (room == 0)
			break;
		ATF_REQUIRE(to >= s.in && to + room <= s.in + sizeof(s.in));
		/* One at a time, as a network may. */
		*to = bytes[used++];
		socks_received(&s, 1);
	}
	return used;
}

ATF_TC_WITHOUT_HEAD(an_address_of_ipv4_is_asked_for_without_a_user);
ATF_TC_BODY(an_address_of_ipv4_is_asked_for_without_a_user, tc)
{
	begin("192.0.2.53", "", "");
	sends(BYTES(5, 1, 0));
	ATF_CHECK_EQ(2, hears(BYTES(5, 0)));
	sends(BYTES(5, 1, 0, 1, 192, 0, 2, 53, 3, 0x55));
	ATF_CHECK_EQ(10, hears(BYTES(5, 0, 0, 1, 10, 0, 0, 1, 4, 56)));
	ATF_CHECK_EQ(SOCKS_DONE, s.state);
}

ATF_TC_WITHOUT_HEAD(an_address_of_ipv6_is_asked_for_in_all_its_bytes);
ATF_TC_BODY(an_address_of_ipv6_is_asked_for_in_all_its_bytes, tc)
{
	begin("2001:db8::53", "", "");
	sends(BYTES(5, 1, 0));
	(void)hears(BYTES(5, 0));
	sends(BYTES(5, 1, 0, 4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0x53, 3, 0x55));
	ATF_CHECK_EQ(22,
	    hears(BYTES(5, 0, 0, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15, 4, 56)));
	ATF_CHECK_EQ(SOCKS_DONE, s.state);
}

ATF_TC_WITHOUT_HEAD(a_user_is_offered_and_told_when_the_proxy_wants_one);
ATF_TC_BODY(a_user_is_offered_and_told_when_the_proxy_wants_one, tc)
{
	begin("192.0.2.53", "me", "key");
	sends(BYTES(5, 2, 2, 0));
	(void)hears(BYTES(5, 2));
	sends(BYTES(1, 2, 'm', 'e', 3, 'k', 'e', 'y'));
	(void)hears(BYTES(1, 0));
	sends(BYTES(5, 1, 0, 1, 192, 0, 2, 53, 3, 0x55));
	(void)hears(BYTES(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
	ATF_CHECK_EQ(SOCKS_DONE, s.state);
}

ATF_TC_WITHOUT_HEAD(a_user_is_not_told_to_a_proxy_that_wants_none);
ATF_TC_BODY(a_user_is_not_told_to_a_proxy_that_wants_none, tc)
{
	begin("192.0.2.53", "me", "key");
	sends(BYTES(5, 2, 2, 0));
	(void)hears(BYTES(5, 0));
	sends(BYTES(5, 1, 0, 1, 192, 0, 2, 53, 3, 0x55));
}

ATF_TC_WITHOUT_HEAD(the_longest_user_and_password_fit);
ATF_TC_BODY(the_longest_user_and_password_fit, tc)
{
	char longest[CONF_SOCKS_MAX];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	begin("192.0.2.53", longest, longest);
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 2));
	ATF_CHECK_EQ(3 + 255 + 255, s.out_len);
	ATF_CHECK_EQ(255, s.out[1]);
	ATF_CHECK_EQ(255, s.out[2 + 255]);
}

/* The TLS process reads what follows: it must all be there. */
ATF_TC_WITHOUT_HEAD(not_one_byte_behind_the_reply_is_read);
ATF_TC_BODY(not_one_byte_behind_the_reply_is_read, tc)
{
	uint8_t reply[4 + 1 + 255 + 2 + 3] = { 5, 0, 0, 3, 0 };
	size_t room;
	int name;

	for (name = 0; name <= 255; name++) {
		begin("192.0.2.53", "", "");
		socks_sent(&s, s.out_len);
		(void)hears(BYTES(5, 0));
		socks_sent(&s, s.out_len);
		reply[4] = (uint8_t)name;
		ATF_CHECK_EQ(7 + (size_t)name, hears(reply, sizeof(reply)));
		ATF_CHECK_EQ(SOCKS_DONE, s.state);
		(void)socks_room(&s, &room);
		ATF_CHECK_EQ(0, room);
	}
}

static void
fails_with(uint32_t error)
{
	size_t room;

	ATF_CHECK_EQ(SOCKS_FAILED, s.state);
	ATF_CHECK_EQ_MSG(error, s.error, "%#x", s.error);
	ATF_CHECK(ipc_proxy_error_is_valid(s.error));
	ATF_CHECK_EQ(0, s.out_len);
	(void)socks_room(&s, &room);
	ATF_CHECK_EQ(0, room);
}

ATF_TC_WITHOUT_HEAD(each_refusal_of_the_proxy_is_told_by_its_number);
ATF_TC_BODY(each_refusal_of_the_proxy_is_told_by_its_number, tc)
{
	uint8_t reply[4] = { 5, 0, 0, 1 };
	uint32_t code;

	for (code = 1; code <= 255; code++) {
		begin("192.0.2.53", "", "");
		socks_sent(&s, s.out_len);
		(void)hears(BYTES(5, 0));
		socks_sent(&s, s.out_len);
		reply[1] = (uint8_t)code;
		/* Its address is not waited for. */
		ATF_CHECK_EQ(4, hears(reply, 4));
		fails_with(IPC_PROXY_REPLY + code);
	}
}

ATF_TC_WITHOUT_HEAD(a_method_refused_is_told_apart_from_a_user_refused);
ATF_TC_BODY(a_method_refused_is_told_apart_from_a_user_refused, tc)
{
	begin("192.0.2.53", "", "");
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 0xff));
	fails_with(IPC_PROXY_METHOD);
	begin("192.0.2.53", "me", "wrong");
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 2));
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(1, 1));
	fails_with(IPC_PROXY_AUTH);
}

ATF_TC_WITHOUT_HEAD(what_is_not_socks5_ends_the_exchange);
ATF_TC_BODY(what_is_not_socks5_ends_the_exchange, tc)
{
	static const uint8_t first[][2] = { { 4, 0 }, { 'H', 'T' }, { 5, 1 },
		{ 5, 2 }, { 5, 0x80 } }; /* 2: no user was offered */
	size_t i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		begin("192.0.2.53", "", "");
		socks_sent(&s, s.out_len);
		(void)hears(first[i], 2);
		fails_with(IPC_PROXY_GARBAGE);
	}
	begin("192.0.2.53", "me", "key");
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 2));
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 0)); /* RFC 1929 has a version of its own */
	fails_with(IPC_PROXY_GARBAGE);
	begin("192.0.2.53", "", "");
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 0));
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(4, 0, 0, 1));
	fails_with(IPC_PROXY_GARBAGE);
	begin("192.0.2.53", "", "");
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 0));
	socks_sent(&s, s.out_len);
	(void)hears(BYTES(5, 0, 0, 2));
	fails_with(IPC_PROXY_GARBAGE);
}

ATF_TC_WITHOUT_HEAD(a_request_that_is_none_is_refused);
ATF_TC_BODY(a_request_that_is_none_is_refused, tc)
{
	struct ipc_proxy want = request("192.0.2.53", "me", "key");

	ATF_CHECK(socks_wrong(&want) == NULL);
	want.target.port = 0;
	ATF_CHECK(socks_wrong(&want) != NULL);
	want = request("192.0.2.53", "me", "key");
	want.target.family = 5;
	ATF_CHECK(socks_wrong(&want) != NULL);
	want = request("192.0.2.53", "me", "key");
	memset(want.user, 'x', sizeof(want.user));
	ATF_CHECK(socks_wrong(&want) != NULL);
	want = request("192.0.2.53", "me", "key");
	want.password[CONF_SOCKS_MAX - 1] = 'x';
	ATF_CHECK(socks_wrong(&want) != NULL);
}

ATF_TC_WITHOUT_HEAD(errors_have_their_ranges_and_no_errno_is_among_them);
ATF_TC_BODY(errors_have_their_ranges_and_no_errno_is_among_them, tc)
{
	uint32_t i;

	for (i = 0; i <= 0x10000; i++)
		ATF_REQUIRE(!ipc_proxy_error_is_valid(i));
	ATF_CHECK(ipc_proxy_error_is_valid(IPC_PROXY_REPLY + 1));
	ATF_CHECK(ipc_proxy_error_is_valid(IPC_PROXY_REPLY + 255));
	ATF_CHECK(ipc_proxy_error_is_valid(IPC_PROXY_METHOD));
	ATF_CHECK(ipc_proxy_error_is_valid(IPC_PROXY_SILENT));
	ATF_CHECK(!ipc_proxy_error_is_valid(IPC_PROXY_SILENT + 1));
	ATF_CHECK(!ipc_proxy_error_is_valid(IPC_PROXY_ERRNO));
	ATF_CHECK(ipc_proxy_error_is_valid(IPC_PROXY_ERRNO + ECONNREFUSED));
	ATF_CHECK(
	    ipc_proxy_error_is_valid(IPC_PROXY_ERRNO + IPC_PROXY_ERRNO_MAX));
	ATF_CHECK(!ipc_proxy_error_is_valid(
	    IPC_PROXY_ERRNO + IPC_PROXY_ERRNO_MAX + 1));
	ATF_CHECK(!ipc_proxy_error_is_valid(UINT32_MAX));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, an_address_of_ipv4_is_asked_for_without_a_user);
	ATF_TP_ADD_TC(tp, an_address_of_ipv6_is_asked_for_in_all_its_bytes);
	ATF_TP_ADD_TC(tp, a_user_is_offered_and_told_when_the_proxy_wants_one);
	ATF_TP_ADD_TC(tp, a_user_is_not_told_to_a_proxy_that_wants_none);
	ATF_TP_ADD_TC(tp, the_longest_user_and_password_fit);
	ATF_TP_ADD_TC(tp, not_one_byte_behind_the_reply_is_read);
	ATF_TP_ADD_TC(tp, each_refusal_of_the_proxy_is_told_by_its_number);
	ATF_TP_ADD_TC(tp, a_method_refused_is_told_apart_from_a_user_refused);
	ATF_TP_ADD_TC(tp, what_is_not_socks5_ends_the_exchange);
	ATF_TP_ADD_TC(tp, a_request_that_is_none_is_refused);
	ATF_TP_ADD_TC(tp, errors_have_their_ranges_and_no_errno_is_among_them);
	return atf_no_error();
}
