/* Blocks in a worker: the first look, and when one is asked for. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/worker/block.h"
#include "unpriv/worker/prefixes.h"

static const struct conf_block conf = { 1000, 10, 60, 86400 };
static struct blocker b;
static struct ipc_block asked;

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	ATF_REQUIRE(netaddr_parse(&a, text));
	return a;
}

static void
begin(void)
{
	block_init(&b);
	block_set(&b, &conf, 32, 56, NULL, 0);
}

static void
blocked(const char *prefix, bool proven, uint32_t left, uint64_t now)
{
	struct ipc_blocked said = {
		.left = left, .times = 1, .proven = proven
	};

	ATF_REQUIRE(netaddr_parse_prefix(&said.client, prefix));
	block_take(&b, &said, now);
}

static enum block_kind
look(const char *text, uint64_t now)
{
	struct netaddr a = address(text);

	return block_look(&b, &a, now);
}

static bool
over(const char *text, bool proven, uint32_t times, uint64_t now)
{
	struct netaddr a = address(text);

	return block_over(&b, &a, proven, times, now, &asked);
}

ATF_TC_WITHOUT_HEAD(a_block_holds_until_its_end_for_its_prefix_alone);
ATF_TC_BODY(a_block_holds_until_its_end_for_its_prefix_alone, tc)
{
	begin();
	ATF_CHECK_EQ(BLOCK_NONE, look("192.0.2.1", 500));
	blocked("192.0.2.1", false, 60000, 1000);
	blocked("2001:db8:0:100::/56", true, 60000, 1000);
	ATF_CHECK_EQ(BLOCK_UDP, look("192.0.2.1", 1000));
	ATF_CHECK_EQ(BLOCK_UDP, look("192.0.2.1", 60999));
	ATF_CHECK_EQ(BLOCK_NONE, look("192.0.2.1", 61000));
	ATF_CHECK_EQ(BLOCK_NONE, look("192.0.2.2", 1000));
	ATF_CHECK_EQ(BLOCK_ALL, look("2001:db8:0:1ff::9", 1000));
	ATF_CHECK_EQ(BLOCK_NONE, look("2001:db8:0:200::9", 1000));
}

ATF_TC_WITHOUT_HEAD(prefixes_of_the_config_are_blocked_for_ever);
ATF_TC_BODY(prefixes_of_the_config_are_blocked_for_ever, tc)
{
	static const char *const text[] = { "198.51.100.0/24",
		"198.51.100.128/25", "10.0.0.0/8", "203.0.113.5",
		"2001:db8::/33", "10.0.0.0/9", "198.51.101.0/28" };
	static const char *const in[] = { "198.51.100.0", "198.51.100.255",
		"10.255.255.255", "10.0.0.0", "203.0.113.5", "2001:db8::1",
		"2001:db8:7fff:ffff:ffff:ffff:ffff:ffff", "198.51.101.15" };
	static const char *const out[] = { "198.51.99.255", "9.255.255.255",
		"11.0.0.0", "203.0.113.4", "203.0.113.6",
		"2001:db8:8000::", "0.0.0.0", "255.255.255.255",
		"::", "198.51.101.16" };
	struct netaddr always[7], a;
	size_t i;

	for (i = 0; i < 7; i++)
		ATF_REQUIRE(netaddr_parse_prefix(&always[i], text[i]));
	block_init(&b);
	block_set(&b, &conf, 32, 56, always, prefixes_sort(always, 7));
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		ATF_CHECK_EQ_MSG(BLOCK_ALL, look(in[i], 0), "%s", in[i]);
		a = address(in[i]);
		ATF_CHECK_EQ(BLOCK_DROP, block_first(&b, &a, NULL, 0, 0));
	}
	for (i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		ATF_CHECK_EQ_MSG(BLOCK_NONE, look(out[i], 0), "%s", out[i]);
	block_set(&b, &conf, 32, 56, NULL, 0);
	ATF_CHECK_EQ(BLOCK_NONE, look(in[0], 0));
}

ATF_TC_WITHOUT_HEAD(whose_address_may_be_forged_gets_in_with_a_cookie);
ATF_TC_BODY(whose_address_may_be_forged_gets_in_with_a_cookie, tc)
{
	uint8_t msg[56] = { [5] = 1, [11] = 1 };
	struct netaddr victim = address("192.0.2.1");

	begin();
	ATF_CHECK_EQ(
	    BLOCK_PASS, block_first(&b, &victim, msg, sizeof(msg), 1000));
	blocked("192.0.2.1", false, 60000, 1000);
	ATF_CHECK_EQ(
	    BLOCK_PROVE, block_first(&b, &victim, msg, sizeof(msg), 1000));
	ATF_CHECK(BLOCK_PROVE !=
	    block_first(&b, &victim, msg, sizeof(msg) - 1, 1000));
	/* Who has shown whose the address is, is out. */
	blocked("192.0.2.1", true, 60000, 1000);
	ATF_CHECK_EQ(
	    BLOCK_DROP, block_first(&b, &victim, msg, sizeof(msg), 1000));
}

ATF_TC_WITHOUT_HEAD(all_are_told_to_come_by_tcp_but_not_too_many);
ATF_TC_BODY(all_are_told_to_come_by_tcp_but_not_too_many, tc)
{
	struct netaddr victim = address("192.0.2.1");
	unsigned int cut = 0, i;
	struct block ended;

	begin();
	blocked("192.0.2.1", false, 600000, 1000);
	ATF_CHECK(!block_ended(&b, 1000, &ended));
	for (i = 0; i < 1600; i++)
		cut += block_first(&b, &victim, NULL, 0, 1000) == BLOCK_CUT;
	ATF_CHECK_EQ(1600, cut);
	for (i = 0; i < 100000; i++)
		cut += block_first(&b, &victim, NULL, 0, 1000) == BLOCK_CUT;
	/* And the first of all: it might have been the only one. */
	ATF_CHECK_EQ(1 + BLOCK_CUT_BURST, cut);
	for (i = 0; i < 100000; i++)
		cut += block_first(&b, &victim, NULL, 0, 2000) == BLOCK_CUT;
	ATF_CHECK_EQ(2 + BLOCK_CUT_BURST + BLOCK_CUT_RATE, cut);
	/* All were turned away, and that is told once. */
	ATF_CHECK(!block_ended(&b, 600999, &ended));
	ATF_REQUIRE(block_ended(&b, 601000, &ended));
	ATF_CHECK_EQ(201600, ended.dropped);
	/* And then the worker's timer has nothing to do. */
	ATF_CHECK(!block_ended(&b, 601000, &ended));
	ATF_CHECK(!b.unsaid);
	/* None of it for one who is blocked on proof. */
	blocked("192.0.2.1", true, 600000, 700000);
	for (i = 0; i < 1000; i++)
		ATF_CHECK_EQ(
		    BLOCK_DROP, block_first(&b, &victim, NULL, 0, 700000));
}

/* The block outlasts the flood by far, and a stub asks twice. */
ATF_TC_WITHOUT_HEAD(whose_address_was_forged_is_told_whenever_it_asks);
ATF_TC_BODY(whose_address_was_forged_is_told_whenever_it_asks, tc)
{
	struct netaddr flooded = address("192.0.2.1");
	struct netaddr quiet = address("192.0.2.2");
	unsigned int cut = 0, i, n;
	uint64_t now = 1000;

	begin();
	blocked("192.0.2.1", false, 600000, now);
	blocked("192.0.2.2", false, 600000, now);
	for (n = 0; n < 50; n++, now += BLOCK_TOLD_MS) {
		/* Nor does a flood in another's name take its turn. */
		for (i = 0; i < 10000; i++)
			cut += block_first(&b, &flooded, NULL, 0, now) ==
			    BLOCK_CUT;
		ATF_CHECK_EQ(BLOCK_CUT, block_first(&b, &quiet, NULL, 0, now));
	}
	ATF_CHECK(cut < 50 + BLOCK_CUT_BURST + 5 * BLOCK_CUT_RATE);
	for (n = 0; n < 50; n++, now += 5000)
		ATF_CHECK_EQ(
		    BLOCK_CUT, block_first(&b, &flooded, NULL, 0, now));
}

ATF_TC_WITHOUT_HEAD(all_who_are_told_so_in_their_turn_are_not_too_many);
ATF_TC_BODY(all_who_are_told_so_in_their_turn_are_not_too_many, tc)
{
	struct netaddr victim;
	unsigned int cut = 0, i;
	char text[NETADDR_TEXT];

	begin();
	for (i = 0; i < 4000; i++) {
		(void)snprintf(
		    text, sizeof(text), "192.0.%u.%u", i >> 8, i & 255);
		victim = address(text);
		blocked(text, false, 600000, 1000);
		cut += block_first(&b, &victim, NULL, 0, 1000) == BLOCK_CUT;
	}
	ATF_CHECK(cut >= BLOCK_TOLD_BURST);
	ATF_CHECK(cut <= BLOCK_TOLD_BURST + BLOCK_CUT_BURST);
}

ATF_TC_WITHOUT_HEAD(a_block_is_asked_for_when_so_many_were_over);
ATF_TC_BODY(a_block_is_asked_for_when_so_many_were_over, tc)
{
	char text[NETADDR_TEXT];

	begin();
	ATF_CHECK(!over("192.0.2.1", false, 1, 1000));
	ATF_CHECK(!over("192.0.2.1", false, 999, 1000));
	ATF_CHECK(over("192.0.2.1", false, 1000, 1000));
	ATF_CHECK_STREQ("192.0.2.1", netaddr_prefix_text(&asked.client, text));
	ATF_CHECK_EQ(0, asked.proven);
	ATF_CHECK(!over("192.0.2.1", false, 1001, 1000));
	ATF_CHECK(over("2001:db8::1", true, 1000, 1000));
	ATF_CHECK_STREQ(
	    "2001:db8::/56", netaddr_prefix_text(&asked.client, text));
	ATF_CHECK_EQ(1, asked.proven);
	/* It is blocked, on this evidence or better. */
	blocked("192.0.2.1", false, 60000, 1000);
	ATF_CHECK(!over("192.0.2.1", false, 1000, 1000));
	ATF_CHECK(over("192.0.2.1", true, 1000, 1000));
	blocked("192.0.2.1", true, 60000, 1000);
	ATF_CHECK(!over("192.0.2.1", true, 1000, 1000));
	ATF_CHECK(over("192.0.2.1", true, 1000, 61000));
}

ATF_TC_WITHOUT_HEAD(a_link_local_client_is_blocked_by_its_address_on_its_link);
ATF_TC_BODY(a_link_local_client_is_blocked_by_its_address_on_its_link, tc)
{
	struct ipc_blocked said = { .left = 60000, .times = 1, .proven = 1 };

	begin();
	ATF_REQUIRE(over("fe80::1%1", true, 1000, 1000));
	ATF_CHECK_EQ(128, asked.client.bits);
	ATF_CHECK_EQ(1, asked.client.scope);
	said.client = asked.client;
	block_take(&b, &said, 1000);
	ATF_CHECK_EQ(BLOCK_ALL, look("fe80::1%1", 1000));
	ATF_CHECK_EQ(BLOCK_NONE, look("fe80::2%1", 1000));
	ATF_CHECK_EQ(BLOCK_NONE, look("fe80::1%2", 1000));
}

ATF_TC_WITHOUT_HEAD(no_block_asks_for_none);
ATF_TC_BODY(no_block_asks_for_none, tc)
{
	struct conf_block none = conf;
	uint32_t i;

	none.after = 0;
	block_init(&b);
	block_set(&b, &none, 32, 56, NULL, 0);
	for (i = 0; i < 70000; i += 100)
		ATF_CHECK(!over("192.0.2.1", true, i, 1000));
}

ATF_TC_WITHOUT_HEAD(a_flood_of_forged_addresses_asks_for_few_blocks);
ATF_TC_BODY(a_flood_of_forged_addresses_asks_for_few_blocks, tc)
{
	char text[32];
	unsigned int i, n = 0;

	begin();
	for (i = 0; i < 10000; i++) {
		(void)snprintf(
		    text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
		n += over(text, false, 1000, 1000);
	}
	ATF_CHECK_EQ(BLOCK_ASK_BURST, n);
	ATF_CHECK_EQ(10000 - n, counter_value[COUNTER_blocks_put_off]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_block_holds_until_its_end_for_its_prefix_alone);
	ATF_TP_ADD_TC(tp, prefixes_of_the_config_are_blocked_for_ever);
	ATF_TP_ADD_TC(tp, whose_address_may_be_forged_gets_in_with_a_cookie);
	ATF_TP_ADD_TC(tp, all_are_told_to_come_by_tcp_but_not_too_many);
	ATF_TP_ADD_TC(tp, whose_address_was_forged_is_told_whenever_it_asks);
	ATF_TP_ADD_TC(tp, all_who_are_told_so_in_their_turn_are_not_too_many);
	ATF_TP_ADD_TC(tp, a_block_is_asked_for_when_so_many_were_over);
	ATF_TP_ADD_TC(
	    tp, a_link_local_client_is_blocked_by_its_address_on_its_link);
	ATF_TP_ADD_TC(tp, no_block_asks_for_none);
	ATF_TP_ADD_TC(tp, a_flood_of_forged_addresses_asks_for_few_blocks);
	return atf_no_error();
}
