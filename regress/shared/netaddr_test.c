/* Addresses and prefixes: what is one, what is none, and what lies in which. */
#include <arpa/inet.h>
#include <atf-c.h>
#include <string.h>

#include "dotproxy/netaddr.h"

static const char *const addresses[] = { "0.0.0.0", "192.0.2.1",
	"255.255.255.255", "::", "::1", "2001:db8::53", "2606:4700:4700::1111",
	"fe80::1%7" };

static const char *const no_addresses[] = { "", " 192.0.2.1", "192.0.2.1 ",
	"192.0.2", "192.0.2.256", "192.0.2.1.5", "0x7f.0.0.1", "localhost", "1",
	":", ":::", "2001:db8::53::1", "2001:db8:0:0:0:0:0:0:1", "192.0.2.1%1",
	"fe80::1%", "fe80::1%0", "fe80::1%no-such-interface", "fe80::1%-1",
	"fe80::1%4294967296", "fe80::1%7x", "192.0.2.0/24", "::1/128",
	"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd" };

static const char *const prefixes[] = { "0.0.0.0/0", "10.0.0.0/8",
	"192.0.2.128/25", "192.0.2.1", "::/0", "fc00::/7", "fe80::/10",
	"2001:db8::/127", "::1" };

static const char *const no_prefixes[] = { "", "/", "/8", "10.0.0.0/",
	"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
	"10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/0x8", "10.0.0.1/8",
	"10.0.0.0/99999999999999999999", "::1/127", "fe00::/7x", "::/129",
	"fe80::%7/10", "fe80::/10%7", "10/8" };

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	ATF_REQUIRE_MSG(netaddr_parse(&a, text), "%s", text);
	return a;
}

static struct netaddr
prefix(const char *text)
{
	struct netaddr a;

	ATF_REQUIRE_MSG(netaddr_parse_prefix(&a, text), "%s", text);
	return a;
}

ATF_TC_WITHOUT_HEAD(an_address_comes_back_from_its_text);
ATF_TC_BODY(an_address_comes_back_from_its_text, tc)
{
	char text[NETADDR_TEXT];
	struct netaddr a;
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		a = address(addresses[i]);
		ATF_CHECK_STREQ(addresses[i], netaddr_text(&a, text));
		ATF_CHECK(netaddr_is_valid(&a));
		ATF_CHECK_EQ(0, a.port);
		ATF_CHECK_EQ(a.family == 4 ? 32 : 128, a.bits);
	}
}

ATF_TC_WITHOUT_HEAD(what_is_no_address_is_refused);
ATF_TC_BODY(what_is_no_address_is_refused, tc)
{
	struct netaddr a;
	size_t i;

	for (i = 0; i < sizeof(no_addresses) / sizeof(no_addresses[0]); i++)
		ATF_CHECK_MSG(
		    !netaddr_parse(&a, no_addresses[i]), "%s", no_addresses[i]);
}

ATF_TC_WITHOUT_HEAD(a_prefix_comes_back_from_its_text);
ATF_TC_BODY(a_prefix_comes_back_from_its_text, tc)
{
	char text[NETADDR_TEXT];
	struct netaddr a;
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		a = prefix(prefixes[i]);
		ATF_CHECK_STREQ(prefixes[i], netaddr_prefix_text(&a, text));
	}
}

ATF_TC_WITHOUT_HEAD(what_is_no_prefix_is_refused);
ATF_TC_BODY(what_is_no_prefix_is_refused, tc)
{
	struct netaddr a;
	char longer[NETADDR_TEXT * 2];
	size_t i;

	for (i = 0; i < sizeof(no_prefixes) / sizeof(no_prefixes[0]); i++)
		ATF_CHECK_MSG(!netaddr_parse_prefix(&a, no_prefixes[i]), "%s",
		    no_prefixes[i]);
	for (i = 1; i < sizeof(longer); i++) {
		memset(longer, '1', i);
		longer[i] = '\0';
		ATF_CHECK(!netaddr_parse_prefix(&a, longer));
	}
}

/* By each length: the last address within, and the first one beyond. */
ATF_TC_WITHOUT_HEAD(a_prefix_holds_what_has_its_bits_and_nothing_else);
ATF_TC_BODY(a_prefix_holds_what_has_its_bits_and_nothing_else, tc)
{
	struct netaddr p, a;
	unsigned int bits, bit;

	for (bits = 0; bits <= 128; bits++) {
		p = prefix("::/0");
		p.bits = (uint8_t)bits;
		for (bit = 0; bit < 128; bit++) {
			a = address("::");
			a.bytes[bit / 8] = (uint8_t)(0x80 >> bit % 8);
			ATF_CHECK_MSG(
			    netaddr_in_prefix(&p, &a) == (bit >= bits),
			    "bit %u of /%u", bit, bits);
		}
	}
	p = prefix("192.0.2.128/25");
	a = address("192.0.2.255");
	ATF_CHECK(netaddr_in_prefix(&p, &a));
	a = address("192.0.2.127");
	ATF_CHECK(!netaddr_in_prefix(&p, &a));
}

ATF_TC_WITHOUT_HEAD(a_prefix_of_one_family_holds_nothing_of_the_other);
ATF_TC_BODY(a_prefix_of_one_family_holds_nothing_of_the_other, tc)
{
	struct netaddr four = prefix("0.0.0.0/0"), six = prefix("::/0");
	struct netaddr a = address("192.0.2.1"), b = address("::1");
	struct netaddr mapped = address("::ffff:192.0.2.1");

	ATF_CHECK(netaddr_in_prefix(&four, &a));
	ATF_CHECK(!netaddr_in_prefix(&four, &b));
	ATF_CHECK(!netaddr_in_prefix(&four, &mapped));
	ATF_CHECK(netaddr_in_prefix(&six, &b));
	ATF_CHECK(!netaddr_in_prefix(&six, &a));
}

ATF_TC_WITHOUT_HEAD(equal_means_address_port_scope_and_family);
ATF_TC_BODY(equal_means_address_port_scope_and_family, tc)
{
	struct netaddr a = address("fe80::1%7"), b = a;

	ATF_CHECK(netaddr_equal(&a, &b));
	b.port = 53;
	ATF_CHECK(!netaddr_equal(&a, &b));
	b = address("fe80::1%8");
	ATF_CHECK(!netaddr_equal(&a, &b));
	b = address("fe80::2%7");
	ATF_CHECK(!netaddr_equal(&a, &b));
	a = address("0.0.0.0");
	b = address("::");
	ATF_CHECK(!netaddr_equal(&a, &b));
	ATF_CHECK(netaddr_is_wildcard(&a) && netaddr_is_wildcard(&b));
	b = address("::1");
	ATF_CHECK(!netaddr_is_wildcard(&b));
}

ATF_TC_WITHOUT_HEAD(an_address_survives_the_way_to_the_kernel_and_back);
ATF_TC_BODY(an_address_survives_the_way_to_the_kernel_and_back, tc)
{
	struct sockaddr_storage ss;
	struct netaddr a, b;
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		a = address(addresses[i]);
		a.port = 5353;
		ATF_CHECK_EQ(a.family == 4 ? sizeof(struct sockaddr_in)
					   : sizeof(struct sockaddr_in6),
		    netaddr_to_sockaddr(&a, &ss));
		ATF_REQUIRE(netaddr_from_sockaddr(&b, (struct sockaddr *)&ss));
		ATF_CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	}
	ss.ss_family = AF_UNIX;
	ATF_CHECK(!netaddr_from_sockaddr(&b, (struct sockaddr *)&ss));
}

ATF_TC_WITHOUT_HEAD(a_malformed_struct_is_not_valid);
ATF_TC_BODY(a_malformed_struct_is_not_valid, tc)
{
	struct netaddr a = address("192.0.2.1");

	a.bits = 33;
	ATF_CHECK(!netaddr_is_valid(&a));
	a = address("::1");
	a.bits = 129;
	ATF_CHECK(!netaddr_is_valid(&a));
	a.bits = 0;
	ATF_CHECK(netaddr_is_valid(&a));
	a.family = 5;
	ATF_CHECK(!netaddr_is_valid(&a));
	a.family = 0;
	ATF_CHECK(!netaddr_is_valid(&a));
}

ATF_TC_WITHOUT_HEAD(the_longest_text_fits);
ATF_TC_BODY(the_longest_text_fits, tc)
{
	struct netaddr a;
	char text[NETADDR_TEXT];

	memset(&a, 0xff, sizeof(a));
	a.family = 6;
	ATF_CHECK_STREQ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295"
			" port 65535",
	    netaddr_port_text(&a, text));
	ATF_CHECK_STREQ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295"
			"/255",
	    netaddr_prefix_text(&a, text));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, an_address_comes_back_from_its_text);
	ATF_TP_ADD_TC(tp, what_is_no_address_is_refused);
	ATF_TP_ADD_TC(tp, a_prefix_comes_back_from_its_text);
	ATF_TP_ADD_TC(tp, what_is_no_prefix_is_refused);
	ATF_TP_ADD_TC(tp, a_prefix_holds_what_has_its_bits_and_nothing_else);
	ATF_TP_ADD_TC(tp, a_prefix_of_one_family_holds_nothing_of_the_other);
	ATF_TP_ADD_TC(tp, equal_means_address_port_scope_and_family);
	ATF_TP_ADD_TC(tp, an_address_survives_the_way_to_the_kernel_and_back);
	ATF_TP_ADD_TC(tp, a_malformed_struct_is_not_valid);
	ATF_TP_ADD_TC(tp, the_longest_text_fits);
	return atf_no_error();
}
