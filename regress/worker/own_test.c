/* What is answered here, as a client's question meets it. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "dotproxy/special.h"
#include "unpriv/worker/local.h"
#include "unpriv/worker/query.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define START 1000 /* ms */

static struct query_table table;
static struct settings settings;
static struct query_client client;
static struct query_reply reply;
static uint8_t msg[512];
static size_t len;

static void
set_up(void)
{
	settings.udp_size = 1232;
	settings.nallow = 1;
	settings.special = SPECIAL_DEFAULT;
	ATF_REQUIRE(netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8"));
	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	client.proto = IPC_UDP;
	client.object = 3;
	query_init(&table, START);
	query_present(&table);
}

/* A question without EDNS ends with its type and class. */
static enum query_fate
ask(const char *name, uint16_t type)
{
	len = client_question(msg, 7, name, 0);
	msg[len - 4] = (uint8_t)(type >> 8);
	msg[len - 3] = (uint8_t)type;
	return query_take(
	    &table, &settings, &client, msg, len, false, START, &reply);
}

static bool
ends_with(const void *bytes, size_t n)
{
	return reply.len >= n &&
	    memcmp(reply.bytes + reply.len - n, bytes, n) == 0;
}

CASE(a_special_name_is_answered_at_once_and_counted)
{
	(void)tc;
	set_up();
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("A.LocalHost.", DNS_TYPE_A));
	ATF_CHECK_EQ(7, message_id(reply.bytes));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(reply.bytes));
	ATF_CHECK(ends_with("\177\0\0\1", 4));
	ATF_CHECK(!reply.was_in_flight);
	ATF_CHECK_EQ(3, reply.client.object);
	ATF_CHECK_EQ(0, memcmp(reply.bytes + 12, "\1A\11LocalHost", 12));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("x.onion.", DNS_TYPE_A));
	ATF_CHECK_EQ(DNS_NXDOMAIN, message_rcode(reply.bytes));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("example.org.", DNS_TYPE_ANY));
	ATF_CHECK(ends_with("\7RFC8482", 9));
	ATF_CHECK_EQ(3, counter_value[COUNTER_special_answers]);
	ATF_CHECK_EQ(0, table.nused);
}

CASE(what_is_switched_off_is_asked_of_an_upstream)
{
	static const struct {
		const char *name;
		uint16_t type;
	} cases[SPECIALS] = {
		[SPECIAL_LOCALHOST] = { "localhost.", DNS_TYPE_A },
		[SPECIAL_INVALID] = { "a.invalid.", DNS_TYPE_A },
		[SPECIAL_TEST] = { "a.test.", DNS_TYPE_A },
		[SPECIAL_ONION] = { "a.onion.", DNS_TYPE_A },
		[SPECIAL_PRIVATE] = { "1.10.in-addr.arpa.", DNS_TYPE_PTR },
		[SPECIAL_HOME] = { "a.home.arpa.", DNS_TYPE_A },
		[SPECIAL_RESOLVER] = { "_dns.resolver.arpa.", 64 },
		[SPECIAL_CANARY] = { "use-application-dns.net.", DNS_TYPE_A },
		[SPECIAL_ANY] = { "example.org.", DNS_TYPE_ANY },
	};
	unsigned int i;

	(void)tc;
	set_up();
	for (i = 0; i < SPECIALS; i++) {
		settings.special = 1u << i;
		ATF_CHECK_EQ_MSG(QUERY_ANSWERED,
		    ask(cases[i].name, cases[i].type), "%s on", cases[i].name);
		settings.special = SPECIAL_ALL & ~(1u << i);
		ATF_CHECK_EQ_MSG(QUERY_IN_FLIGHT,
		    ask(cases[i].name, cases[i].type), "%s off", cases[i].name);
	}
}

CASE(a_special_name_of_a_forwarded_zone_is_asked_there)
{
	(void)tc;
	set_up();
	settings.nforward = 1;
	settings.forward[0] = (struct forward){ "\00210\7in-addr\4arpa", 17 };
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, ask("1.10.IN-addr.arpa.", DNS_TYPE_PTR));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("1.11.168.192.in-addr.arpa.", 12));
	ATF_CHECK_EQ(DNS_NXDOMAIN, message_rcode(reply.bytes));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("a.home.arpa.", DNS_TYPE_A));
	/* More than it was asked for does not count. */
	settings.forward[0] = (struct forward){ "\4arpa", 6 };
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("a.home.arpa.", DNS_TYPE_A));
	settings.forward[0] = (struct forward){ "\4home\4arpa", 11 };
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, ask("a.home.arpa.", DNS_TYPE_A));
}

CASE(a_question_without_rd_is_answered_too)
{
	(void)tc;
	set_up();
	len = client_question(msg, 7, "localhost.", 0);
	msg[2] = 0;
	ATF_CHECK_EQ(QUERY_ANSWERED,
	    query_take(
		&table, &settings, &client, msg, len, false, START, &reply));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(reply.bytes));
}

CASE(who_may_not_ask_is_told_nothing_of_it)
{
	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse(&client.address, "192.0.2.1"));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("localhost.", DNS_TYPE_A));
	ATF_CHECK_EQ(DNS_REFUSED, message_rcode(reply.bytes));
	ATF_CHECK_EQ(0, counter_value[COUNTER_special_answers]);
}

CASE(local_data_counts_more_than_a_special_name)
{
	const struct conf_record r = { DNS_TYPE_A, 13, 4, 300 };
	const struct conf_local head = { 1, sizeof(r) + 13 + 4 };
	uint8_t bytes[sizeof(r) + 13 + 4];

	(void)tc;
	set_up();
	memcpy(bytes, &r, sizeof(r));
	memcpy(bytes + sizeof(r), "\1a\11localhost\0\300\0\2\1", 17);
	ATF_REQUIRE(local_build(&settings.local, &head, bytes) == NULL);
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("A.localhost.", DNS_TYPE_A));
	ATF_CHECK(ends_with("\300\0\2\1", 4));
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("b.localhost.", DNS_TYPE_A));
	ATF_CHECK(ends_with("\177\0\0\1", 4));
	/* Where it is alone, what is not in it is asked as ever. */
	settings.special = 0;
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("A.localhost.", DNS_TYPE_TXT));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(reply.bytes));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, ask("b.localhost.", DNS_TYPE_A));
	ATF_CHECK_EQ(3, counter_value[COUNTER_special_answers]);
	local_free(settings.local);
	settings.local = NULL;
}

CASE(local_data_is_answered_of_a_name_that_is_nothing_special)
{
	const struct conf_record r = { DNS_TYPE_A, 9, 4, 300 };
	const struct conf_local head = { 1, sizeof(r) + 9 + 4 };
	uint8_t bytes[sizeof(r) + 9 + 4];

	(void)tc;
	set_up();
	memcpy(bytes, &r, sizeof(r));
	memcpy(bytes + sizeof(r), "\3www\3lab\0\300\0\2\1", 13);
	ATF_REQUIRE(local_build(&settings.local, &head, bytes) == NULL);
	ATF_CHECK_EQ(QUERY_ANSWERED, ask("WWW.lab.", DNS_TYPE_A));
	ATF_CHECK(ends_with("\300\0\2\1", 4));
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, ask("ww.lab.", DNS_TYPE_A));
	ATF_CHECK_EQ(1, counter_value[COUNTER_special_answers]);
	local_free(settings.local);
	settings.local = NULL;
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, local_data_is_answered_of_a_name_that_is_nothing_special);
	ATF_TP_ADD_TC(tp, local_data_counts_more_than_a_special_name);
	ATF_TP_ADD_TC(tp, a_special_name_is_answered_at_once_and_counted);
	ATF_TP_ADD_TC(tp, what_is_switched_off_is_asked_of_an_upstream);
	ATF_TP_ADD_TC(tp, a_special_name_of_a_forwarded_zone_is_asked_there);
	ATF_TP_ADD_TC(tp, a_question_without_rd_is_answered_too);
	ATF_TP_ADD_TC(tp, who_may_not_ask_is_told_nothing_of_it);
	return atf_no_error();
}
