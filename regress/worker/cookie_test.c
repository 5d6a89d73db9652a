/* Servers' cookies: RFC 9018's own vectors, and what no cookie may do. */
#include <atf-c.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "unpriv/worker/cookie.h"

static struct cookie_secrets secrets;
static struct dns_query query;
static struct netaddr client;

static size_t
from_hex(uint8_t *to, const char *hex)
{
	unsigned int byte;
	size_t n = 0;

	while (sscanf(hex + 2 * n, "%2x", &byte) == 1)
		to[n++] = (uint8_t)byte;
	return n;
}

static void
set_secret(struct siphash_key *key, const char *hex)
{
	uint8_t bytes[16];

	ATF_REQUIRE_EQ(16, from_hex(bytes, hex));
	memcpy(&key->k0, bytes, 8);
	memcpy(&key->k1, bytes + 8, 8);
	key->k0 = le64toh(key->k0);
	key->k1 = le64toh(key->k1);
	secrets.known = true;
}

static enum cookie_proof
take(const char *address, const char *cookie, uint32_t now)
{
	uint8_t bytes[40];

	ATF_REQUIRE(netaddr_parse(&client, address));
	memset(&query, 0, sizeof(query));
	query.edns = true;
	query.cookie_len = (uint8_t)from_hex(bytes, cookie);
	memcpy(query.cookie, bytes,
	    query.cookie_len < DNS_COOKIE_LEN ? query.cookie_len
					      : DNS_COOKIE_LEN);
	return cookie_take(&secrets, &query, &client, now);
}

static void
check_told(const char *hex)
{
	uint8_t want[DNS_COOKIE_LEN];

	ATF_REQUIRE_EQ(DNS_COOKIE_LEN, from_hex(want, hex));
	ATF_CHECK(query.tell_cookie);
	ATF_CHECK_MSG(
	    memcmp(want, query.cookie, sizeof(want)) == 0, "not %s", hex);
}

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define FIRST  "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
#define OTHER  "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"
#define MADE   1559731985u /* FIRST was */

ATF_TC_WITHOUT_HEAD(the_vectors_of_rfc_9018_hold);
ATF_TC_BODY(the_vectors_of_rfc_9018_hold, tc)
{
	/* A.1: a client learns its cookie. */
	set_secret(&secrets.now, SECRET);
	ATF_CHECK_EQ(
	    COOKIE_NEW, take("198.51.100.100", "2464c4abcf10c957", MADE));
	check_told(FIRST);
	/* A.2: the same client, 40 minutes later. */
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, 1559734385));
	check_told("2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
	/* A.3: another, whose cookie has reserved bytes set, when it was made;
	 * and, too old, when it asks. */
	ATF_CHECK_EQ(COOKIE_GOOD, take("203.0.113.203", OTHER, 1559727985));
	ATF_CHECK_EQ(COOKIE_BAD, take("203.0.113.203", OTHER, 1559734700));
	check_told("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
	/* A.4: IPv6, and a secret that was rolled over. */
	set_secret(&secrets.before, "dd3bdf9344b678b185a6f5cb60fca715");
	set_secret(&secrets.now, "445536bcd2513298075a5d379663c962");
	ATF_CHECK_EQ(COOKIE_GOOD,
	    take("2001:db8:220:1:59de:d0f4:8769:82b8",
		"22681ab97d52c298010000005cf7c57926556bd0934c72f8",
		1559741961));
	check_told("22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

ATF_TC_WITHOUT_HEAD(a_cookie_is_good_for_an_hour_and_renewed_after_half_of_it);
ATF_TC_BODY(a_cookie_is_good_for_an_hour_and_renewed_after_half_of_it, tc)
{
	set_secret(&secrets.now, SECRET);
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, MADE));
	check_told(FIRST);
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, MADE + 1800));
	check_told(FIRST);
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, MADE + 1801));
	ATF_CHECK(query.cookie[15] != 0x11);
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, MADE + 3600));
	ATF_CHECK_EQ(COOKIE_BAD, take("198.51.100.100", FIRST, MADE + 3601));
	ATF_CHECK(query.tell_cookie);
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", FIRST, MADE - 300));
	ATF_CHECK_EQ(COOKIE_BAD, take("198.51.100.100", FIRST, MADE - 301));
	ATF_CHECK_EQ(
	    COOKIE_BAD, take("198.51.100.100", FIRST, MADE + (1u << 31)));
}

ATF_TC_WITHOUT_HEAD(the_time_of_a_cookie_wraps);
ATF_TC_BODY(the_time_of_a_cookie_wraps, tc)
{
	char hex[2 * DNS_COOKIE_LEN + 1];
	size_t i;

	set_secret(&secrets.now, SECRET);
	(void)take("192.0.2.1", "0102030405060708", UINT32_MAX - 9);
	for (i = 0; i < DNS_COOKIE_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", query.cookie[i]);
	ATF_CHECK_EQ(COOKIE_GOOD, take("192.0.2.1", hex, 1000));
	ATF_CHECK_EQ(COOKIE_BAD, take("192.0.2.1", hex, 3600));
}

ATF_TC_WITHOUT_HEAD(
    a_cookie_proves_nothing_for_anything_but_what_it_was_made_of);
ATF_TC_BODY(a_cookie_proves_nothing_for_anything_but_what_it_was_made_of, tc)
{
	char hex[] = FIRST;
	size_t i;

	set_secret(&secrets.now, SECRET);
	set_secret(&secrets.before, "dd3bdf9344b678b185a6f5cb60fca715");
	ATF_CHECK_EQ(COOKIE_BAD, take("198.51.100.101", FIRST, MADE));
	for (i = 0; i < sizeof(hex) - 1; i++) {
		hex[i] = hex[i] == '7' ? '8' : '7';
		ATF_CHECK_EQ_MSG(COOKIE_BAD, take("198.51.100.100", hex, MADE),
		    "digit %zu", i);
		hex[i] = FIRST[i];
	}
	ATF_CHECK_EQ(COOKIE_GOOD, take("198.51.100.100", hex, MADE));
	/* As long as another server's, and beginning as ours. */
	ATF_CHECK_EQ(COOKIE_BAD, take("198.51.100.100", FIRST "00", MADE));
	ATF_CHECK_EQ(COOKIE_BAD,
	    take("198.51.100.100", "2464c4abcf10c957010000005cf79f11", MADE));
	ATF_CHECK(query.tell_cookie);
}

ATF_TC_WITHOUT_HEAD(a_secret_from_two_rotations_ago_proves_nothing);
ATF_TC_BODY(a_secret_from_two_rotations_ago_proves_nothing, tc)
{
	set_secret(&secrets.now, "445536bcd2513298075a5d379663c962");
	set_secret(&secrets.before, "dd3bdf9344b678b185a6f5cb60fca715");
	ATF_CHECK_EQ(COOKIE_BAD, take("198.51.100.100", FIRST, MADE));
}

ATF_TC_WITHOUT_HEAD(without_secrets_nothing_is_proven_and_nothing_told);
ATF_TC_BODY(without_secrets_nothing_is_proven_and_nothing_told, tc)
{
	memset(&secrets, 0, sizeof(secrets));
	ATF_CHECK_EQ(COOKIE_NONE, take("198.51.100.100", FIRST, MADE));
	ATF_CHECK(!query.tell_cookie);
	set_secret(&secrets.now, SECRET);
	ATF_CHECK_EQ(COOKIE_NONE, take("198.51.100.100", "", MADE));
	ATF_CHECK(!query.tell_cookie);
}

ATF_TC_WITHOUT_HEAD(what_cannot_hold_a_cookie_is_seen_without_parsing);
ATF_TC_BODY(what_cannot_hold_a_cookie_is_seen_without_parsing, tc)
{
	uint8_t msg[56] = { [5] = 1, [11] = 1 };

	ATF_CHECK(cookie_may_be(msg, sizeof(msg)));
	ATF_CHECK(!cookie_may_be(msg, sizeof(msg) - 1));
	ATF_CHECK(!cookie_may_be(msg, 0));
	msg[11] = 2;
	ATF_CHECK(!cookie_may_be(msg, sizeof(msg)));
	msg[11] = 0;
	ATF_CHECK(!cookie_may_be(msg, sizeof(msg)));
	msg[11] = msg[9] = 1;
	ATF_CHECK(!cookie_may_be(msg, sizeof(msg)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, the_vectors_of_rfc_9018_hold);
	ATF_TP_ADD_TC(
	    tp, a_cookie_is_good_for_an_hour_and_renewed_after_half_of_it);
	ATF_TP_ADD_TC(tp, the_time_of_a_cookie_wraps);
	ATF_TP_ADD_TC(
	    tp, a_cookie_proves_nothing_for_anything_but_what_it_was_made_of);
	ATF_TP_ADD_TC(tp, a_secret_from_two_rotations_ago_proves_nothing);
	ATF_TP_ADD_TC(tp, without_secrets_nothing_is_proven_and_nothing_told);
	ATF_TP_ADD_TC(tp, what_cannot_hold_a_cookie_is_seen_without_parsing);
	return atf_no_error();
}
