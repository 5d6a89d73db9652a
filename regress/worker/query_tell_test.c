/* How we tell a client something ourselves, and how much of it. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/worker/query_tell.h"

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct settings settings;
static struct query_client client;
static struct query_reply reply;
static struct dns_query query;
static enum dns_verdict verdict;

static void
set_up(enum ipc_proto proto, uint16_t edns)
{
	uint8_t msg[512];
	size_t len = client_question(msg, 7, "example.org.", edns);

	memset(&settings, 0, sizeof(settings));
	memset(&client, 0, sizeof(client));
	settings.udp_size = 1232;
	settings.nallow = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8"));
	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	client.proto = proto;
	verdict = dns_query_read(&query, msg, len);
	ATF_REQUIRE_EQ(DNS_TAKE, verdict);
}

static size_t
limit(void)
{
	struct dns_reply how;

	query_how(&how, &settings, &client, &query);
	ATF_CHECK_EQ(client.proto == IPC_TCP, how.tcp);
	ATF_CHECK_EQ(1232, how.udp_size);
	ATF_CHECK_EQ(100, how.keepalive);
	return how.limit;
}

CASE(an_answer_is_as_long_as_the_client_and_the_config_take)
{
	(void)tc;
	set_up(IPC_UDP, 0);
	ATF_CHECK_EQ(512, limit());
	set_up(IPC_UDP, 800);
	ATF_CHECK_EQ(800, limit());
	set_up(IPC_UDP, 4096);
	ATF_CHECK_EQ(1232, limit());
	set_up(IPC_TCP, 800);
	ATF_CHECK_EQ(DNS_MESSAGE_MAX, limit());
}

CASE(and_by_udp_as_many_times_as_long_as_its_question_and_a_cookie)
{
	(void)tc;
	set_up(IPC_UDP, 800);
	client.most = 300;
	ATF_CHECK_EQ(300, limit());
	/* What a client's own becomes with ours. */
	query.tell_cookie = true;
	query.cookie_len = DNS_COOKIE_CLIENT;
	ATF_CHECK_EQ(300 + DNS_COOKIE_SERVER, limit());
	query.cookie_len = DNS_COOKIE_LEN;
	ATF_CHECK_EQ(300, limit());
	query.tell_cookie = false;
	query.cookie_len = DNS_COOKIE_CLIENT;
	ATF_CHECK_EQ(300, limit());
	client.most = 900;
	ATF_CHECK_EQ(800, limit());
	client.most = 300;
	client.proto = IPC_TCP;
	ATF_CHECK_EQ(DNS_MESSAGE_MAX, limit());
}

CASE(what_is_refused_is_refused_for_the_first_reason_there_is)
{
	struct dns_ede ede;

	(void)tc;
	set_up(IPC_TCP, 800);
	ATF_CHECK(
	    !query_refuse(&query, verdict, &settings, &client, false, &ede));
	ATF_CHECK(
	    query_refuse(&query, verdict, &settings, &client, true, &ede));
	ATF_CHECK_EQ(DNS_FORMERR, query.rcode);
	ATF_CHECK_EQ(DNS_EDE_NONE, ede.code);
	client.over = true;
	ATF_CHECK(
	    query_refuse(&query, verdict, &settings, &client, true, &ede));
	ATF_CHECK_EQ(DNS_REFUSED, query.rcode);
	ATF_CHECK_EQ(DNS_EDE_PROHIBITED, ede.code);
	ATF_CHECK_EQ(14, ede.text_len); /* over the limit */
	settings.nallow = 0;
	ATF_CHECK(
	    query_refuse(&query, verdict, &settings, &client, true, &ede));
	ATF_CHECK_EQ(DNS_REFUSED, query.rcode);
	ATF_CHECK_EQ(17, ede.text_len); /* not in allow from */
}

/* RFC 7873 5.4: a question for a cookie alone. */
CASE(who_asks_for_a_cookie_alone_is_told_that_or_formerr)
{
	struct dns_ede ede;

	(void)tc;
	set_up(IPC_UDP, 800);
	query.rcode = DNS_NOERROR;
	query.tell_cookie = true;
	ATF_CHECK(
	    query_refuse(&query, DNS_REJECT, &settings, &client, false, &ede));
	ATF_CHECK_EQ(DNS_NOERROR, query.rcode);
	query.tell_cookie = false;
	ATF_CHECK(
	    query_refuse(&query, DNS_REJECT, &settings, &client, false, &ede));
	ATF_CHECK_EQ(DNS_FORMERR, query.rcode);
}

CASE(what_is_told_at_once_was_never_in_flight)
{
	const struct dns_ede ede = query_ede(DNS_EDE_OTHER, "text");

	(void)tc;
	set_up(IPC_UDP, 800);
	client.serial = 4711;
	reply.was_in_flight = true;
	query_fail(&reply, &settings, &client, &query, DNS_SERVFAIL, &ede);
	ATF_CHECK(!reply.was_in_flight);
	ATF_CHECK_EQ(4711, reply.client.serial);
	ATF_CHECK_EQ(DNS_SERVFAIL, message_rcode(reply.bytes));
	ATF_CHECK(!query_is_cut(&reply));
	reply.was_in_flight = true;
	query_prove(&reply, &settings, &client, &query, COOKIE_NONE);
	ATF_CHECK(!reply.was_in_flight);
	ATF_CHECK(query_is_cut(&reply));
	query_prove(&reply, &settings, &client, &query, COOKIE_NEW);
	ATF_CHECK_EQ(DNS_BADCOOKIE & 0xf, message_rcode(reply.bytes));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, an_answer_is_as_long_as_the_client_and_the_config_take);
	ATF_TP_ADD_TC(
	    tp, and_by_udp_as_many_times_as_long_as_its_question_and_a_cookie);
	ATF_TP_ADD_TC(
	    tp, what_is_refused_is_refused_for_the_first_reason_there_is);
	ATF_TP_ADD_TC(tp, who_asks_for_a_cookie_alone_is_told_that_or_formerr);
	ATF_TP_ADD_TC(tp, what_is_told_at_once_was_never_in_flight);
	return atf_no_error();
}
