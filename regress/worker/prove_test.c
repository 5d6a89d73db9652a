/* Clients that need a cookie, and what telling them so costs. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/reader.h"
#include "unpriv/worker/query.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define START  1000 /* ms */
#define OPTION 12 /* bytes of a client's cookie, with its head */

static struct query_table table;
static struct settings settings;
static struct query_client client;
static struct query_reply reply;
static uint8_t msg[512];
static size_t len;
static _Alignas(64) uint8_t memory[CONF_LIMIT_MEMORY_MIN];

/* Five at once, of any kind. */
static void
set_up(bool cookie)
{
	struct conf_limit *conf = &settings.limit;
	struct dns_writer w;

	settings.udp_size = 1232;
	settings.nallow = settings.ncookies_for = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8"));
	settings.cookies_for[0] = settings.allow[0];
	settings.cookies = true;
	conf->rate = 1;
	conf->burst = 5;
	conf->prefix = 32;
	conf->prefix6 = 56;
	conf->hit_cost = LIMIT_TOKEN;
	conf->memory = sizeof(memory);
	conf->zone_burst = conf->zone_labels = 1;
	query_init(&table, START);
	query_present(&table);
	guard_init(&table.guard, conf, memory);
	table.cookies.known = true;
	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	client.proto = IPC_UDP;
	guard_find(&table.guard, &client.address, false, &client.limit);
	len = client_question(msg, 7, "example.org.", 1232);
	if (!cookie)
		return;
	dns_writer_init(&w, msg, sizeof(msg));
	w.pos = len - 2;
	dns_write_u16(&w, OPTION);
	dns_write_u16(&w, DNS_OPT_COOKIE);
	dns_write_u16(&w, DNS_COOKIE_CLIENT);
	dns_write_zeroes(&w, DNS_COOKIE_CLIENT);
	len = w.pos;
}

/* As udp.c has it. */
static bool
is_answered(void)
{
	if (guard_udp(&table.guard, &client.limit, START) != GUARD_TAKE)
		return false;
	ATF_REQUIRE_EQ(QUERY_ANSWERED,
	    query_take(
		&table, &settings, &client, msg, len, false, START, &reply));
	return true;
}

/* Or whoever forges an address could send it as many as it likes. */
static void
expect_five(void)
{
	int i;

	for (i = 0; i < 5; i++)
		ATF_CHECK(is_answered());
	/* One in sixteen leaks, and is paid for until that ends as well. */
	for (i = 0; i < 1000; i++)
		(void)is_answered();
	for (i = 0; i < 1000; i++)
		ATF_REQUIRE(!is_answered());
}

CASE(who_is_told_badcookie_pays_for_it)
{
	(void)tc;
	set_up(true);
	expect_five();
}

CASE(who_is_told_to_come_by_tcp_for_want_of_a_cookie_pays_for_it)
{
	(void)tc;
	set_up(false);
	ATF_REQUIRE(is_answered());
	ATF_CHECK(query_is_cut(&reply));
	table.guard = (struct guard){ 0 };
	memset(memory, 0, sizeof(memory));
	guard_init(&table.guard, &settings.limit, memory);
	guard_find(&table.guard, &client.address, false, &client.limit);
	expect_five();
}

/* First to see whose limit it is, and then to answer it. */
CASE(a_cookie_is_looked_at_once)
{
	static struct query_message message;

	(void)tc;
	set_up(true);
	ATF_REQUIRE(is_answered());
	/* The cookie is the last of the answer, as it is of the question. */
	ATF_REQUIRE_EQ(len + DNS_COOKIE_SERVER, reply.len);
	memcpy(msg + 12, reply.bytes + 12, reply.len - 12);
	len = reply.len;
	query_read(&table, &message, msg, len, false);
	ATF_CHECK(query_is_proven(&table, &settings, &client, &message, START));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT,
	    query_take_read(
		&table, &settings, &client, &message, START, &reply));
	ATF_CHECK_EQ(1, counter_value[COUNTER_cookies_good]);
	/* But each question's. */
	query_read(&table, &message, msg, len, false);
	client.address.bytes[3]++;
	ATF_CHECK(
	    !query_is_proven(&table, &settings, &client, &message, START));
	ATF_CHECK_EQ(1, counter_value[COUNTER_cookies_good]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_cookies_bad]);
}

/* The server's half of the cookie is new, and all that is added. */
CASE(the_least_amplification_leaves_room_for_a_cookie)
{
	(void)tc;
	set_up(true);
	client.most = (uint32_t)len;
	ATF_REQUIRE(is_answered());
	ATF_REQUIRE_EQ(len + DNS_COOKIE_SERVER, reply.len);
	ATF_CHECK_EQ(DNS_BADCOOKIE & 0xf, message_rcode(reply.bytes));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, who_is_told_badcookie_pays_for_it);
	ATF_TP_ADD_TC(
	    tp, who_is_told_to_come_by_tcp_for_want_of_a_cookie_pays_for_it);
	ATF_TP_ADD_TC(tp, a_cookie_is_looked_at_once);
	ATF_TP_ADD_TC(tp, the_least_amplification_leaves_room_for_a_cookie);
	return atf_no_error();
}
