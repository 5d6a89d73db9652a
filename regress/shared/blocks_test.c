/* The list of blocks, by a clock of the test's own. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/blocks.h"

#define DAY 86400000ull

static const struct conf_block conf = { 1000, 10, 60, 86400 };
static struct block_table t;

static struct netaddr
client(uint32_t n)
{
	struct netaddr a = { .family = 4, .bits = 32 };

	a.bytes[0] = 10;
	a.bytes[1] = (uint8_t)(n >> 16);
	a.bytes[2] = (uint8_t)(n >> 8);
	a.bytes[3] = (uint8_t)n;
	return a;
}

/* How long client n is blocked now if it is again, ms; 0: no longer. */
static uint64_t
again(uint32_t n, bool proven, uint16_t owner, uint32_t share, uint64_t now)
{
	struct netaddr a = client(n);
	const struct block *b;

	b = blocks_again(&t, &conf, &a, proven, owner, share, now);
	return b == NULL ? 0 : b->until - now;
}

static bool
is_there(uint32_t n)
{
	struct netaddr a = client(n);

	return blocks_find(&t, &a) != NULL;
}

ATF_TC_WITHOUT_HEAD(each_block_in_a_row_is_twice_as_long_up_to_the_longest);
ATF_TC_BODY(each_block_in_a_row_is_twice_as_long_up_to_the_longest, tc)
{
	uint64_t now = 5000, length, want = 60000;
	int i;

	blocks_init(&t);
	for (i = 0; i < 40; i++) {
		length = again(1, false, 0, 9, now);
		ATF_CHECK_EQ(want, length);
		ATF_CHECK_EQ(0, again(1, false, 0, 9, now + length - 1));
		now += length;
		want = want * 2 < DAY ? want * 2 : DAY;
	}
	ATF_CHECK_EQ(DAY, want);
	/* Well for as long as the longest: it begins anew. */
	now += DAY - 1;
	ATF_CHECK_EQ(DAY, again(1, false, 0, 9, now));
	now += DAY + DAY;
	ATF_CHECK_EQ(60000, again(1, false, 0, 9, now));
	ATF_CHECK_EQ_MSG(60000, again(2, false, 0, 9, now), "another client");
}

ATF_TC_WITHOUT_HEAD(a_block_of_udp_becomes_one_of_all_but_not_the_other_way);
ATF_TC_BODY(a_block_of_udp_becomes_one_of_all_but_not_the_other_way, tc)
{
	struct netaddr a = client(1);

	blocks_init(&t);
	ATF_CHECK_EQ(60000, again(1, false, 0, 9, 0));
	ATF_CHECK(!blocks_find(&t, &a)->proven);
	ATF_CHECK_EQ(120000, again(1, true, 0, 9, 1));
	ATF_CHECK(blocks_find(&t, &a)->proven);
	ATF_CHECK_EQ(0, again(1, false, 0, 9, 2));
	ATF_CHECK(blocks_find(&t, &a)->proven);
	/* When it has ended, the next is as its own evidence. */
	ATF_CHECK_EQ(240000, again(1, false, 0, 9, 120001));
	ATF_CHECK(!blocks_find(&t, &a)->proven);
}

ATF_TC_WITHOUT_HEAD(one_owner_pushes_out_its_own_only);
ATF_TC_BODY(one_owner_pushes_out_its_own_only, tc)
{
	const uint32_t share = BLOCKS_MAX / 4;
	uint32_t i;

	blocks_init(&t);
	for (i = 0; i < 10; i++)
		ATF_REQUIRE(again(i, true, 1, share, i) != 0);
	for (i = 100; i < 100 + 10 * BLOCKS_MAX; i++)
		ATF_REQUIRE(again(i, true, 2, share, i) != 0);
	for (i = 0; i < 10; i++)
		ATF_CHECK(is_there(i));
	ATF_CHECK_EQ(10 + share, t.n);
	/* Those of its own that end last. */
	for (i = 100 + 10 * BLOCKS_MAX - share; i < 100 + 10 * BLOCKS_MAX; i++)
		ATF_CHECK(is_there(i));
	ATF_CHECK(!is_there(100 + 10 * BLOCKS_MAX - share - 1));
	ATF_CHECK(!is_there(100));
}

ATF_TC_WITHOUT_HEAD(a_full_copy_drops_what_ends_first_and_never_grows);
ATF_TC_BODY(a_full_copy_drops_what_ends_first_and_never_grows, tc)
{
	struct block said = { .times = 1 };
	uint32_t i;

	blocks_init(&t);
	for (i = 0; i < 2 * BLOCKS_MAX; i++) {
		said.client = client(i);
		said.until = 2 * BLOCKS_MAX - i;
		blocks_take(&t, &said);
	}
	ATF_CHECK_EQ(BLOCKS_MAX, t.n);
	/* Each new one ended before all others: so it went again. */
	for (i = 0; i < BLOCKS_MAX - 1; i++)
		ATF_CHECK(is_there(i));
	ATF_CHECK(is_there(2 * BLOCKS_MAX - 1));
}

ATF_TC_WITHOUT_HEAD(a_client_is_a_prefix);
ATF_TC_BODY(a_client_is_a_prefix, tc)
{
	char text[NETADDR_TEXT];
	struct netaddr a, p;

	ATF_REQUIRE(netaddr_parse(&a, "2001:db8:ffff:ffff:ffff::1"));
	p = blocks_prefix(&a, 32, 56);
	ATF_CHECK_STREQ(
	    "2001:db8:ffff:ff00::/56", netaddr_prefix_text(&p, text));
	p = blocks_prefix(&a, 32, 61);
	ATF_CHECK_STREQ(
	    "2001:db8:ffff:fff8::/61", netaddr_prefix_text(&p, text));
	p = blocks_prefix(&a, 32, 128);
	ATF_CHECK_STREQ(
	    "2001:db8:ffff:ffff:ffff::1", netaddr_prefix_text(&p, text));
	ATF_REQUIRE(netaddr_parse(&a, "192.0.2.255"));
	a.port = 53;
	p = blocks_prefix(&a, 28, 56);
	ATF_CHECK_STREQ("192.0.2.240/28", netaddr_prefix_text(&p, text));
	ATF_CHECK_EQ(0, p.port);
	/* On a link each address is a host. */
	ATF_REQUIRE(netaddr_parse(&a, "febf::1%7"));
	p = blocks_prefix(&a, 32, 56);
	ATF_CHECK_STREQ("febf::1%7", netaddr_prefix_text(&p, text));
	ATF_REQUIRE(netaddr_parse(&a, "fec0::1"));
	p = blocks_prefix(&a, 32, 56);
	ATF_CHECK_STREQ("fec0::/56", netaddr_prefix_text(&p, text));
}

ATF_TC_WITHOUT_HEAD(prefixes_overlap_when_one_is_in_the_other);
ATF_TC_BODY(prefixes_overlap_when_one_is_in_the_other, tc)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} pairs[] = {
		{ "10.0.0.0/8", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "2001:db8::/32", "2001:db8:1::/56", true },
		{ "2001:db8:1::/56", "2001:db8:2::/56", false },
		{ "::/0", "10.0.0.0/8", false },
		{ "0.0.0.0/0", "10.0.0.0/8", true },
	};
	struct netaddr a, b;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ATF_REQUIRE(netaddr_parse_prefix(&a, pairs[i].a));
		ATF_REQUIRE(netaddr_parse_prefix(&b, pairs[i].b));
		ATF_CHECK_EQ(pairs[i].overlap, blocks_overlap(&a, &b));
		ATF_CHECK_EQ(pairs[i].overlap, blocks_overlap(&b, &a));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, each_block_in_a_row_is_twice_as_long_up_to_the_longest);
	ATF_TP_ADD_TC(
	    tp, a_block_of_udp_becomes_one_of_all_but_not_the_other_way);
	ATF_TP_ADD_TC(tp, one_owner_pushes_out_its_own_only);
	ATF_TP_ADD_TC(tp, a_full_copy_drops_what_ends_first_and_never_grows);
	ATF_TP_ADD_TC(tp, a_client_is_a_prefix);
	ATF_TP_ADD_TC(tp, prefixes_overlap_when_one_is_in_the_other);
	return atf_no_error();
}
