/*
 * What the parent makes of blocks that workers ask for, who may be broken into,
 * and of those that are there when another config comes.
 */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "priv/ward.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct ward ward;
static struct conf conf;
static struct bucket bucket;
static struct ipc_blocked made;
static const char *wrong;
static uint64_t now;
static uint32_t told;

static void
begin(void)
{
	ward_init(&ward, false);
	conf.limit.prefix = 32;
	conf.limit.prefix6 = 56;
	conf.block = (struct conf_block){ 1000, 10, 60, 3600 };
	ATF_REQUIRE(netaddr_parse_prefix(&conf.limit.exempt[0], "10.0.0.0/8"));
	conf.limit.nexempt = 1;
	now = 1000;
}

static struct ipc_block
block_of(const char *prefix)
{
	struct ipc_block want = { .proven = 1 };

	ATF_REQUIRE(netaddr_parse_prefix(&want.client, prefix));
	return want;
}

static bool
asks(const struct ipc_block *want, uint32_t worker)
{
	memset(&made, 0, sizeof(made));
	return ward_block(
	    &ward, &conf, want, &bucket, worker, 2, now, &made, &wrong);
}

/* Whether a worker that asks for it gets it. */
static bool
is_given(const char *prefix)
{
	const struct ipc_block want = block_of(prefix);
	bool is = asks(&want, 0);

	ATF_CHECK_MSG(wrong == NULL, "%s: %s", prefix, wrong);
	return is;
}

static void
tell(void *ctx, enum ipc_type type, const void *payload, size_t len, int fd)
{
	const struct ipc_blocked *m = payload;

	(void)ctx;
	ATF_CHECK_EQ(IPC_BLOCKED, type);
	ATF_CHECK(len >= sizeof(*m) && len % sizeof(*m) == 0);
	ATF_CHECK_EQ(-1, fd);
	made = *m;
	told++;
}

CASE(a_client_is_blocked_as_long_as_the_config_says)
{
	begin();
	ATF_REQUIRE(is_given("192.0.2.1"));
	ATF_CHECK_EQ(60000, made.left);
	ATF_CHECK_EQ(1, made.proven);
	ATF_CHECK(!is_given("192.0.2.1"));
	now += 60000;
	ATF_REQUIRE(is_given("192.0.2.1"));
	ATF_CHECK_EQ(120000, made.left);
	ATF_CHECK_EQ(2, made.times);
	ATF_CHECK(is_given("2001:db8:0:100::/56"));
	ATF_CHECK(is_given("192.0.2.255"));
}

CASE(who_is_exempt_or_no_client_of_the_config_is_not_blocked)
{
	static const char *const never[] = { "10.1.2.3", "192.0.2.0/24",
		"0.0.0.0/0", "::/0", "2001:db8::1", "2001:db8::/48" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ATF_CHECK_MSG(!is_given(never[i]), "%s", never[i]);
	ATF_CHECK_EQ(i, counter_value[COUNTER_blocks_refused]);
	ATF_CHECK_EQ(0, ward.blocks.n);
	conf.block.after = 0;
	ATF_CHECK(!is_given("192.0.2.1"));
}

CASE(a_worker_gets_so_many_at_once_and_so_many_a_second)
{
	char text[NETADDR_TEXT];
	uint32_t i, n = 0;

	begin();
	for (i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "192.0.%u.%u",
		    (unsigned)i / 250, (unsigned)i % 250);
		n += is_given(text);
	}
	ATF_CHECK_EQ(WARD_BLOCK_BURST, n);
	now += 1000;
	for (i = 0; i < 1000; i++) {
		(void)snprintf(text, sizeof(text), "192.1.%u.%u",
		    (unsigned)i / 250, (unsigned)i % 250);
		n += is_given(text);
	}
	ATF_CHECK_EQ(WARD_BLOCK_BURST + WARD_BLOCK_RATE, n);
}

CASE(what_no_honest_worker_asks_for_is_told_as_wrong)
{
	struct ipc_block want;

	begin();
	want = block_of("192.0.2.1");
	want.client.bits = 24; /* with a bit set beyond it */
	ATF_CHECK(!asks(&want, 0));
	ATF_CHECK(wrong != NULL);
	want = block_of("192.0.2.1");
	want.client.family = 5;
	ATF_CHECK(!asks(&want, 0));
	ATF_CHECK(wrong != NULL);
	want = block_of("192.0.2.1");
	want.client.bits = 33;
	ATF_CHECK(!asks(&want, 0));
	ATF_CHECK(wrong != NULL);
	want = block_of("192.0.2.1");
	want.client.port = 53;
	ATF_CHECK(!asks(&want, 0));
	ATF_CHECK(wrong != NULL);
	want = block_of("192.0.2.1");
	want.proven = 2;
	ATF_CHECK(!asks(&want, 0));
	ATF_CHECK(wrong != NULL);
	ATF_CHECK_EQ(0, ward.blocks.n);
}

CASE(a_config_lifts_what_it_would_not_block)
{
	begin();
	ATF_REQUIRE(is_given("192.0.2.1"));
	ATF_REQUIRE(is_given("198.51.100.1"));
	ATF_REQUIRE(netaddr_parse_prefix(
	    &conf.limit.exempt[conf.limit.nexempt++], "192.0.2.0/24"));
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(1, told);
	ATF_CHECK_EQ(0, made.left);
	ATF_CHECK_EQ(2, made.client.bytes[2]);
	/* The other stays, and goes with its kind of prefix ... */
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(1, told);
	conf.limit.prefix = 24;
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(2, told);
	/* ... or with all blocks. */
	ATF_REQUIRE(is_given("203.0.113.0/24"));
	conf.block.after = 0;
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(3, told);
	ATF_CHECK_EQ(113, made.client.bytes[2]);
	/* What has ended is not lifted. */
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(3, told);
	ATF_CHECK_EQ(3, counter_value[COUNTER_blocks_lifted]);
}

/* Or a worker's channel would be full, and it be killed for that. */
CASE(many_that_are_lifted_are_told_in_few_messages)
{
	char text[NETADDR_TEXT];
	unsigned int i;

	begin();
	for (i = 0; i < 2 * IPC_BLOCKED_BATCH + 1; i++) {
		(void)snprintf(
		    text, sizeof(text), "192.0.%u.%u", i >> 8, i & 255);
		bucket = (struct bucket){ 0 };
		ATF_REQUIRE(is_given(text));
	}
	conf.block.after = 0;
	ward_set(&ward, &conf, now, tell, NULL);
	ATF_CHECK_EQ(3, told);
	ATF_CHECK_EQ(i, counter_value[COUNTER_blocks_lifted]);
}

CASE(whom_a_worker_that_was_broken_into_had_blocked_is_so_no_more)
{
	const struct ipc_block other = block_of("198.51.100.1");

	begin();
	ATF_REQUIRE(is_given("192.0.2.1"));
	now += 60001;
	ATF_REQUIRE(is_given("192.0.2.1"));
	ATF_CHECK_EQ(2, made.times);
	ATF_REQUIRE(asks(&other, 1));
	ward_distrust(&ward, 0, now, tell, NULL);
	ATF_CHECK_EQ(1, told);
	ATF_CHECK_EQ(1, counter_value[COUNTER_blocks_lifted]);
	ATF_CHECK_EQ(0, made.left);
	ATF_CHECK_EQ(2, made.client.bytes[2]);
	/* Nor is it held against him; and the other worker's stays. */
	ATF_REQUIRE(is_given("192.0.2.1"));
	ATF_CHECK_EQ(1, made.times);
	ATF_CHECK(!asks(&other, 1));
}

/* RFC 7873 5.5: what was given out lately goes on to be good. */
CASE(a_secret_that_is_renewed_is_known_until_the_next_but_no_stolen_one)
{
	struct ipc_cookie first, second;

	begin();
	first = ward.cookie;
	ward_renew(&ward, false);
	second = ward.cookie;
	ATF_CHECK(memcmp(&first.now, &second.now, sizeof(first.now)) != 0);
	ATF_CHECK(memcmp(&first.now, &second.before, sizeof(first.now)) == 0);
	ATF_CHECK_EQ(first.epoch, second.epoch);
	ward_renew(&ward, false);
	ATF_CHECK(
	    memcmp(&ward.cookie.before, &second.now, sizeof(second.now)) == 0);
	second = ward.cookie;
	ward_renew(&ward, true);
	ATF_CHECK(
	    memcmp(&ward.cookie.now, &second.now, sizeof(second.now)) != 0);
	ATF_CHECK(memcmp(&ward.cookie.before, &ward.cookie.now,
		      sizeof(second.now)) == 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_client_is_blocked_as_long_as_the_config_says);
	ATF_TP_ADD_TC(
	    tp, who_is_exempt_or_no_client_of_the_config_is_not_blocked);
	ATF_TP_ADD_TC(tp, a_worker_gets_so_many_at_once_and_so_many_a_second);
	ATF_TP_ADD_TC(tp, what_no_honest_worker_asks_for_is_told_as_wrong);
	ATF_TP_ADD_TC(tp, a_config_lifts_what_it_would_not_block);
	ATF_TP_ADD_TC(tp, many_that_are_lifted_are_told_in_few_messages);
	ATF_TP_ADD_TC(
	    tp, whom_a_worker_that_was_broken_into_had_blocked_is_so_no_more);
	ATF_TP_ADD_TC(tp,
	    a_secret_that_is_renewed_is_known_until_the_next_but_no_stolen_one);
	return atf_no_error();
}
