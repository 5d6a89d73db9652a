/* Names that are answered without an upstream, and answers of our own. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "naive.h"
#include "unpriv/dns/query.h"
#include "unpriv/dns/special.h"

#define ALL	((1u << SPECIALS) - 1)
#define BIT(x)	(1u << SPECIAL_##x)
#define ZEROS7	"0.0.0.0.0.0.0."
#define ZEROS31 ZEROS7 ZEROS7 ZEROS7 ZEROS7 "0.0.0."

static const char unspecified[] = "0." ZEROS31 "ip6.arpa";
static const char loopback[] = "1." ZEROS31 "ip6.arpa";
static const char neither[] = "2." ZEROS31 "ip6.arpa";
static struct message m;
static struct dns_query query;
static struct dns_special special;
static struct dns_answer told;
static struct naive n;
static uint8_t out[DNS_MESSAGE_MAX];
static const struct dns_reply reply = { 512, 1232, 0, false };

/* Whether it is answered here; then the answer is in told, and right. */
static bool
asks_forwarded(
    const char *name, uint16_t type, unsigned int set, size_t forwarded)
{
	struct dns_question folded;
	size_t len, cap;

	message_begin(&m, 7, DNS_RD);
	message_question(&m, name, type, 1);
	message_opt(&m, 1232, 0);
	message_record_end(&m);
	ATF_REQUIRE_EQ(DNS_TAKE, dns_query_read(&query, m.b, m.len));
	folded = query.question;
	dns_question_fold(&folded);
	if (!dns_special_find(&special, &folded, set, forwarded))
		return false;
	ATF_CHECK(dns_special_may_be(&query.question, set));
	len = dns_local_write(
	    out, sizeof(out), &special.local, NULL, &query, &reply);
	ATF_REQUIRE(len > 0 && len <= reply.limit);
	ATF_REQUIRE(dns_answer_read(&told, out, len));
	naive_decode(&n, out, len, true);
	ATF_REQUIRE(n.ok && n.opts == 1);
	ATF_CHECK_EQ(DNS_QR | DNS_RD | DNS_RA, n.flags & ~(DNS_AA | 0xf));
	ATF_CHECK(memcmp(n.qname, query.question.name, n.qname_len) == 0);
	for (cap = 0; cap < len; cap++)
		ATF_CHECK_EQ(0,
		    dns_local_write(
			out, cap, &special.local, NULL, &query, &reply));
	(void)dns_local_write(
	    out, sizeof(out), &special.local, NULL, &query, &reply);
	return true;
}

static bool
asks(const char *name, uint16_t type, unsigned int set)
{
	return asks_forwarded(name, type, set, 0);
}

/* The rdata of the one record there is, whose owner must be `owner`. */
static void
check_record(uint16_t rcode, int section, const char *owner, uint16_t type,
    const void *rdata, size_t len)
{
	static struct message want;

	/* The same, written by hand. */
	message_begin(&want, 7, n.flags);
	message_bytes(&want, out + 12, told.answers - 12u);
	message_name(&want, owner);
	message_record(
	    &want, section, type, type == DNS_TYPE_HINFO ? 3600 : 10800);
	message_bytes(&want, rdata, len);
	message_record_end(&want);
	message_opt(&want, 1232, 0);
	message_record_end(&want);
	message_count(&want, 0, 1);
	ATF_CHECK_EQ(rcode, told.rcode);
	ATF_CHECK_EQ(section == 1, told.ancount);
	ATF_CHECK_EQ(section == 2, told.nscount);
	{
		struct naive w;

		naive_decode(&w, want.b, want.len, true);
		ATF_REQUIRE(w.ok);
		ATF_CHECK_EQ(w.hash[section], n.hash[section]);
	}
}

static void
check_soa(uint16_t rcode, int section, const char *owner)
{
	static const uint32_t numbers[] = { 1, 3600, 1200, 604800, 10800 };
	static struct message rdata;
	size_t i;

	memset(&rdata, 0, sizeof(rdata));
	message_name(&rdata, owner);
	message_name(&rdata, "nobody.invalid");
	for (i = 0; i < 5; i++)
		message_u32(&rdata, numbers[i]);
	check_record(rcode, section, owner, DNS_TYPE_SOA, rdata.b, rdata.len);
	ATF_CHECK((n.flags & DNS_AA) != 0);
}

ATF_TC_WITHOUT_HEAD(localhost_and_all_below_it_is_this_machine);
ATF_TC_BODY(localhost_and_all_below_it_is_this_machine, tc)
{
	static const char *const names[] = { "localhost", "LocalHost",
		"a.b.localhost" };
	static const uint8_t one[16] = { [15] = 1 };
	size_t i;

	for (i = 0; i < 3; i++) {
		ATF_REQUIRE(asks(names[i], 1, SPECIAL_DEFAULT));
		ATF_CHECK_EQ(SPECIAL_LOCALHOST, special.number);
		check_record(0, 1, names[i], 1, "\177\0\0\1", 4);
		ATF_REQUIRE(asks(names[i], DNS_TYPE_AAAA, ALL));
		check_record(0, 1, names[i], DNS_TYPE_AAAA, one, 16);
		ATF_REQUIRE(asks(names[i], 15, ALL));
		check_soa(0, 2, "localhost");
		ATF_REQUIRE(asks(names[i], DNS_TYPE_DS, ALL));
		check_soa(0, 2, "localhost");
		ATF_CHECK(!asks(names[i], 1, ALL & ~BIT(LOCALHOST)));
	}
	ATF_CHECK(!asks("localhost.example", 1, ALL));
	ATF_CHECK(!asks("xlocalhost", 1, ALL));
	/* One label, which has the zone's bytes at its end. */
	ATF_CHECK(!asks("a\011localhost", 1, ALL));
}

ATF_TC_WITHOUT_HEAD(what_must_not_exist_is_denied_by_the_zone_above);
ATF_TC_BODY(what_must_not_exist_is_denied_by_the_zone_above, tc)
{
	static const struct {
		const char *name, *above;
		unsigned int bit;
	} zones[] = { { "invalid", ".", BIT(INVALID) },
		{ "x.y.Invalid", ".", BIT(INVALID) },
		{ "onion", ".", BIT(ONION) }, { "a.onion", ".", BIT(ONION) },
		{ "test", ".", BIT(TEST) }, { "a.test", ".", BIT(TEST) },
		{ "use-application-dns.net", "net", BIT(CANARY) } };
	size_t i;

	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		ATF_REQUIRE(asks(zones[i].name, 1, zones[i].bit));
		check_soa(DNS_NXDOMAIN, 2, zones[i].above);
		ATF_REQUIRE(asks(zones[i].name, DNS_TYPE_ANY, ALL));
		check_soa(DNS_NXDOMAIN, 2, zones[i].above);
		ATF_CHECK(!asks(zones[i].name, 1, ALL & ~zones[i].bit));
	}
	ATF_CHECK(!asks("a.test", 1, SPECIAL_DEFAULT));
	ATF_CHECK(!asks("use-application-dns.net", 1, SPECIAL_DEFAULT));
}

static const char *const reverse[] = { "10.in-addr.arpa", "16.172.in-addr.arpa",
	"31.172.in-addr.arpa", "168.192.in-addr.arpa", "0.in-addr.arpa",
	"127.in-addr.arpa", "254.169.in-addr.arpa", "2.0.192.in-addr.arpa",
	"100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa",
	"255.255.255.255.in-addr.arpa", "64.100.in-addr.arpa",
	"127.100.in-addr.arpa", unspecified, "d.f.ip6.arpa", "8.e.f.ip6.arpa",
	"9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa",
	"8.b.d.0.1.0.0.2.ip6.arpa", "home.arpa" };

ATF_TC_WITHOUT_HEAD(an_empty_zone_has_soa_and_ns_and_no_name_below);
ATF_TC_BODY(an_empty_zone_has_soa_and_ns_and_no_name_below, tc)
{
	char below[300];
	struct message ns;
	size_t i;

	for (i = 0; i < sizeof(reverse) / sizeof(reverse[0]); i++) {
		ATF_REQUIRE_MSG(asks(reverse[i], DNS_TYPE_PTR, SPECIAL_DEFAULT),
		    "%s", reverse[i]);
		check_soa(0, 2, reverse[i]);
		ATF_REQUIRE(asks(reverse[i], DNS_TYPE_SOA, ALL));
		check_soa(0, 1, reverse[i]);
		ATF_REQUIRE(asks(reverse[i], DNS_TYPE_NS, ALL));
		memset(&ns, 0, sizeof(ns));
		message_name(&ns, reverse[i]);
		check_record(0, 1, reverse[i], DNS_TYPE_NS, ns.b, ns.len);
		ATF_CHECK(!asks(reverse[i], DNS_TYPE_DS, ALL));
		(void)snprintf(below, sizeof(below), "7.x.%s", reverse[i]);
		ATF_REQUIRE(asks(below, DNS_TYPE_PTR, ALL));
		check_soa(DNS_NXDOMAIN, 2, reverse[i]);
		ATF_REQUIRE(asks(below, DNS_TYPE_SOA, ALL));
		check_soa(DNS_NXDOMAIN, 2, reverse[i]);
		ATF_REQUIRE(asks(below, DNS_TYPE_DS, ALL));
		ATF_CHECK(!asks(
		    below, DNS_TYPE_PTR, ALL & ~(BIT(PRIVATE) | BIT(HOME))));
	}
}

ATF_TC_WITHOUT_HEAD(public_addresses_are_asked_of_the_upstream);
ATF_TC_BODY(public_addresses_are_asked_of_the_upstream, tc)
{
	static const char *const names[] = { ".", "com", "arpa", "in-addr.arpa",
		"ip6.arpa", "172.in-addr.arpa", "15.172.in-addr.arpa",
		"32.172.in-addr.arpa", "016.172.in-addr.arpa",
		"1x.172.in-addr.arpa", "1600.172.in-addr.arpa",
		"2/.172.in-addr.arpa", "1:.172.in-addr.arpa",
		"63.100.in-addr.arpa", "128.100.in-addr.arpa",
		"11.in-addr.arpa", "192.in-addr.arpa", "10.ip6.arpa",
		"c.e.f.ip6.arpa", "10.in-addr.arpa.example", "10.in-addr",
		"example.net", neither, "1.255.255.255.in-addr.arpa" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ATF_CHECK_MSG(
		    !asks(names[i], DNS_TYPE_PTR, ALL), "%s", names[i]);
}

ATF_TC_WITHOUT_HEAD(the_loopback_addresses_are_localhost);
ATF_TC_BODY(the_loopback_addresses_are_localhost, tc)
{
	static const char *const names[] = { "1.0.0.127.in-addr.arpa",
		loopback };
	size_t i;

	for (i = 0; i < 2; i++) {
		ATF_REQUIRE(asks(names[i], DNS_TYPE_PTR, ALL));
		check_record(0, 1, names[i], DNS_TYPE_PTR, "\011localhost", 11);
		ATF_REQUIRE(asks(names[i], 1, ALL));
		check_soa(0, 2, names[i]);
	}
	ATF_REQUIRE(asks("0.0.127.in-addr.arpa", DNS_TYPE_PTR, ALL));
	check_soa(0, 2, "0.127.in-addr.arpa");
	ATF_REQUIRE(asks("1.1.127.in-addr.arpa", DNS_TYPE_PTR, ALL));
	check_soa(DNS_NXDOMAIN, 2, "127.in-addr.arpa");
}

ATF_TC_WITHOUT_HEAD(under_resolver_arpa_there_is_no_data);
ATF_TC_BODY(under_resolver_arpa_there_is_no_data, tc)
{
	ATF_REQUIRE(asks("_dns.resolver.arpa", 64, SPECIAL_DEFAULT));
	check_soa(0, 2, "resolver.arpa");
	ATF_REQUIRE(asks("resolver.arpa", 1, SPECIAL_DEFAULT));
	check_soa(0, 2, "resolver.arpa");
	ATF_CHECK(!asks("resolver.arpa", DNS_TYPE_DS, ALL));
	ATF_CHECK(!asks("_dns.resolver.arpa", 64, ALL & ~BIT(RESOLVER)));
}

ATF_TC_WITHOUT_HEAD(any_is_answered_with_hinfo);
ATF_TC_BODY(any_is_answered_with_hinfo, tc)
{
	static const char *const names[] = { ".", "www.Example.com",
		"localhost", "10.in-addr.arpa", "a.resolver.arpa" };
	size_t i;

	for (i = 0; i < 5; i++) {
		ATF_REQUIRE(asks(names[i], DNS_TYPE_ANY, SPECIAL_DEFAULT));
		ATF_CHECK_EQ(SPECIAL_ANY, special.number);
		check_record(
		    0, 1, names[i], DNS_TYPE_HINFO, "\007RFC8482\0", 9);
		ATF_CHECK_EQ(0, n.flags & DNS_AA);
	}
	ATF_CHECK(!asks("www.example.com", DNS_TYPE_ANY, ALL & ~BIT(ANY)));
	ATF_REQUIRE(asks("localhost", DNS_TYPE_ANY, ALL & ~BIT(ANY)));
	check_record(0, 1, "localhost", 1, "\177\0\0\1", 4);
	ATF_REQUIRE(asks("1.10.in-addr.arpa", DNS_TYPE_ANY, ALL));
	check_soa(DNS_NXDOMAIN, 2, "10.in-addr.arpa");
}

ATF_TC_WITHOUT_HEAD(only_the_internets_class_has_special_names);
ATF_TC_BODY(only_the_internets_class_has_special_names, tc)
{
	ATF_REQUIRE(asks("localhost", 1, ALL));
	query.question.class = 3;
	ATF_CHECK(!dns_special_find(&special, &query.question, ALL, 0));
	query.question.type = DNS_TYPE_ANY;
	ATF_CHECK(!dns_special_find(&special, &query.question, ALL, 0));
}

/* Bytes on the wire: "1.10.in-addr.arpa" is 19, "corp.onion" 12. */
ATF_TC_WITHOUT_HEAD(a_special_domain_that_is_forwarded_is_not_answered);
ATF_TC_BODY(a_special_domain_that_is_forwarded_is_not_answered, tc)
{
	ATF_CHECK(asks_forwarded("2.1.10.in-addr.arpa", 12, ALL, 14));
	ATF_CHECK(asks_forwarded("2.1.10.in-addr.arpa", 12, ALL, 6));
	ATF_CHECK(!asks_forwarded("2.1.10.in-addr.arpa", 12, ALL, 17));
	ATF_CHECK(!asks_forwarded("2.1.10.in-addr.arpa", 12, ALL, 19));
	/* A range's zones are one label deeper. */
	ATF_CHECK(asks_forwarded("2.20.172.in-addr.arpa", 12, ALL, 18));
	ATF_CHECK(!asks_forwarded("2.20.172.in-addr.arpa", 12, ALL, 21));
	ATF_CHECK(!asks_forwarded("a.corp.onion", 1, ALL, 12));
	ATF_CHECK(!asks_forwarded("localhost", 1, ALL, 11));
	/* What a question is of is another matter. */
	ATF_REQUIRE(asks_forwarded("a.corp.onion", DNS_TYPE_ANY, ALL, 12));
	ATF_CHECK_EQ(DNS_NOERROR, told.rcode);
	ATF_CHECK(
	    !asks_forwarded("a.corp.onion", DNS_TYPE_ANY, ALL & ~BIT(ANY), 12));
}

ATF_TC_WITHOUT_HEAD(the_longest_name_in_a_zone_is_answered);
ATF_TC_BODY(the_longest_name_in_a_zone_is_answered, tc)
{
	char name[260];

	/* 240 bytes of one-letter labels, then 13 of "resolver.arpa". */
	memset(name, 'a', 238);
	for (size_t i = 1; i < 238; i += 2)
		name[i] = '.';
	(void)snprintf(name + 238, sizeof(name) - 238, "resolver.arpa");
	ATF_REQUIRE(asks(name, 1, ALL));
	ATF_CHECK_EQ(DNS_NAME_MAX - 2, query.question.name_len);
	check_soa(0, 2, "resolver.arpa");
}

ATF_TC_WITHOUT_HEAD(each_has_a_word_of_its_own);
ATF_TC_BODY(each_has_a_word_of_its_own, tc)
{
	unsigned int i;

	for (i = 0; i < SPECIALS; i++) {
		ATF_REQUIRE(special_word((enum special)i) != NULL);
		ATF_CHECK_EQ(i, special_number(special_word((enum special)i)));
	}
	ATF_CHECK(special_word(SPECIALS) == NULL);
	ATF_CHECK_EQ(SPECIALS, special_number("onions"));
	ATF_CHECK_EQ(SPECIAL_ONION, special_number("onion"));
}

ATF_TC_WITHOUT_HEAD(data_larger_than_the_client_takes_is_truncated);
ATF_TC_BODY(data_larger_than_the_client_takes_is_truncated, tc)
{
	static const uint8_t text[200] = { 199 };
	const struct dns_local_record records[3] = { { DNS_TYPE_TXT, 0, 200, 60,
							 text, NULL, 0 },
		{ DNS_TYPE_TXT, 0, 200, 60, text, NULL, 0 },
		{ DNS_TYPE_TXT, 0, 200, 60, text, NULL, 0 } };
	struct dns_local local = { DNS_NOERROR, true, 2, 0, records };
	size_t len;

	ATF_REQUIRE(asks("localhost", DNS_TYPE_TXT, ALL));
	len = dns_local_write(out, sizeof(out), &local, NULL, &query, &reply);
	naive_decode(&n, out, len, true);
	ATF_CHECK(n.ok && n.records[1] == 2 && (n.flags & DNS_TC) == 0);
	local.nanswer = 3;
	len = dns_local_write(out, sizeof(out), &local, NULL, &query, &reply);
	ATF_REQUIRE(len > 0 && len <= 512);
	naive_decode(&n, out, len, true);
	ATF_CHECK(n.ok && n.records[1] == 0 && (n.flags & DNS_TC) != 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, localhost_and_all_below_it_is_this_machine);
	ATF_TP_ADD_TC(tp, what_must_not_exist_is_denied_by_the_zone_above);
	ATF_TP_ADD_TC(tp, an_empty_zone_has_soa_and_ns_and_no_name_below);
	ATF_TP_ADD_TC(tp, public_addresses_are_asked_of_the_upstream);
	ATF_TP_ADD_TC(tp, the_loopback_addresses_are_localhost);
	ATF_TP_ADD_TC(tp, under_resolver_arpa_there_is_no_data);
	ATF_TP_ADD_TC(tp, any_is_answered_with_hinfo);
	ATF_TP_ADD_TC(tp, only_the_internets_class_has_special_names);
	ATF_TP_ADD_TC(tp, a_special_domain_that_is_forwarded_is_not_answered);
	ATF_TP_ADD_TC(tp, the_longest_name_in_a_zone_is_answered);
	ATF_TP_ADD_TC(tp, each_has_a_word_of_its_own);
	ATF_TP_ADD_TC(tp, data_larger_than_the_client_takes_is_truncated);
	return atf_no_error();
}
