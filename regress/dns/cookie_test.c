/* A cookie in a question (RFC 7873), and in what is told. */
#include <atf-c.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "sample.h"
#include "unpriv/dns/answer.h"

static const char cookie[41] = "clientckservercookieof16uptothirtytwoxxx";
static struct message m;
static struct dns_query query;
static struct naive told;
static uint8_t out[DNS_MESSAGE_MAX];

static enum dns_verdict
verdict(void)
{
	const char *broken = check_query(m.b, m.len);

	ATF_CHECK_MSG(broken == NULL, "not so: %s", broken);
	message_keep(m.b, m.len, "dns_query");
	return dns_query_read(&query, m.b, m.len);
}

static void
begin(bool question)
{
	message_begin(&m, 0x1234, DNS_RD);
	if (question)
		message_question(&m, SAMPLE_NAME, 1, 1);
	else
		message_count(&m, 0, 0);
	message_opt(&m, 1232, 0);
}

static enum dns_verdict
verdict_of_length(size_t n)
{
	begin(true);
	message_option(&m, DNS_OPT_COOKIE, cookie, n);
	message_record_end(&m);
	return verdict();
}

ATF_TC_WITHOUT_HEAD(a_cookie_is_read_with_or_without_a_servers);
ATF_TC_BODY(a_cookie_is_read_with_or_without_a_servers, tc)
{
	size_t n, kept;

	for (n = 0; n <= 40; n++) {
		if (n != 8 && n < 16)
			continue;
		ATF_REQUIRE_EQ(DNS_TAKE, verdict_of_length(n));
		ATF_CHECK(query.edns);
		ATF_CHECK_EQ(n, query.cookie_len);
		kept = n < DNS_COOKIE_LEN ? n : DNS_COOKIE_LEN;
		ATF_CHECK(memcmp(query.cookie, cookie, kept) == 0);
		ATF_CHECK(!query.tell_cookie);
	}
}

ATF_TC_WITHOUT_HEAD(a_cookie_of_any_other_length_is_formerr);
ATF_TC_BODY(a_cookie_of_any_other_length_is_formerr, tc)
{
	static const uint8_t zeroes[300];
	size_t n;

	for (n = 0; n < 16; n++) {
		if (n == 8)
			continue;
		ATF_CHECK_EQ(DNS_REJECT, verdict_of_length(n));
		ATF_CHECK_EQ(DNS_FORMERR, query.rcode);
		ATF_CHECK_EQ(0, query.cookie_len);
	}
	/* 256 + 8: no length is read by its lower byte alone. */
	for (n = 41; n <= 264; n += 223) {
		begin(true);
		message_option(&m, DNS_OPT_COOKIE, zeroes, n);
		message_record_end(&m);
		ATF_CHECK_EQ(DNS_REJECT, verdict());
		ATF_CHECK_EQ(DNS_FORMERR, query.rcode);
		ATF_CHECK_EQ(0, query.cookie_len);
	}
}

ATF_TC_WITHOUT_HEAD(of_several_cookies_the_first_counts);
ATF_TC_BODY(of_several_cookies_the_first_counts, tc)
{
	begin(true);
	message_option(&m, DNS_OPT_COOKIE, cookie, 16);
	message_option(&m, DNS_OPT_COOKIE, "x", 1);
	message_option(&m, DNS_OPT_COOKIE, "88888888", 8);
	message_record_end(&m);
	ATF_REQUIRE_EQ(DNS_TAKE, verdict());
	ATF_CHECK_EQ(16, query.cookie_len);
	ATF_CHECK(memcmp(query.cookie, cookie, 16) == 0);
}

ATF_TC_WITHOUT_HEAD(a_cookie_without_a_question_asks_for_a_servers);
ATF_TC_BODY(a_cookie_without_a_question_asks_for_a_servers, tc)
{
	begin(false);
	message_option(&m, DNS_OPT_COOKIE, cookie, 8);
	message_record_end(&m);
	ATF_CHECK_EQ(DNS_REJECT, verdict());
	ATF_CHECK_EQ(DNS_NOERROR, query.rcode);
	ATF_CHECK_EQ(8, query.cookie_len);
	/* Without one it is no question of any kind. */
	begin(false);
	message_record_end(&m);
	ATF_CHECK_EQ(DNS_REJECT, verdict());
	ATF_CHECK_EQ(DNS_FORMERR, query.rcode);
}

ATF_TC_WITHOUT_HEAD(no_cookie_goes_upstream);
ATF_TC_BODY(no_cookie_goes_upstream, tc)
{
	size_t len, n;

	ATF_REQUIRE_EQ(DNS_TAKE, verdict_of_length(24));
	query.tell_cookie = true;
	len = dns_upstream_query_write(
	    out, sizeof(out), 1, &query.question, dns_query_ask(&query), 128);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	ATF_CHECK(naive_option(&told, out, DNS_OPT_COOKIE, 0, &n) == NULL);
}

ATF_TC_WITHOUT_HEAD(an_error_tells_the_cookie_within_its_512_bytes);
ATF_TC_BODY(an_error_tells_the_cookie_within_its_512_bytes, tc)
{
	static const char text[DNS_EDE_TEXT_MAX + 1] = "why";
	struct dns_reply how = { DNS_UDP_MIN, 1232, 100, true };
	struct dns_ede ede = { DNS_EDE_PROHIBITED, DNS_EDE_TEXT_MAX,
		(const uint8_t *)text };
	size_t len, n, most = 0, name;
	const uint8_t *p;

	for (name = 1; name <= DNS_NAME_MAX; name++) {
		memset(&query, 0, sizeof(query));
		query.question.name_len = (uint8_t)name;
		query.edns = query.keepalive = query.tell_cookie = true;
		memcpy(query.cookie, cookie, DNS_COOKIE_LEN);
		len = dns_error_write(
		    out, sizeof(out), DNS_BADCOOKIE, &ede, &query, &how);
		ATF_REQUIRE(len != 0 && len <= DNS_UDP_MIN);
		most = len > most ? len : most;
	}
	/* Header, question, OPT, keepalive, cookie and reason, all longest. */
	ATF_CHECK_EQ(12 + 259 + 11 + 6 + 28 + 6 + DNS_EDE_TEXT_MAX, most);
	ATF_REQUIRE_EQ(DNS_TAKE, verdict_of_length(24));
	query.tell_cookie = true;
	len = dns_error_write(
	    out, sizeof(out), DNS_BADCOOKIE, NULL, &query, &how);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	ATF_CHECK_EQ(23 & 15, told.flags & 15);
	ATF_CHECK_EQ(1u << 24, told.opt_ttl);
	p = naive_option(&told, out, DNS_OPT_COOKIE, 0, &n);
	ATF_REQUIRE(p != NULL);
	ATF_CHECK_EQ(DNS_COOKIE_LEN, n);
	ATF_CHECK(memcmp(p, cookie, n) == 0);
}

ATF_TC_WITHOUT_HEAD(an_answer_that_only_fits_without_it_is_truncated);
ATF_TC_BODY(an_answer_that_only_fits_without_it_is_truncated, tc)
{
	struct dns_reply how = { DNS_UDP_MIN, 1232, 100, false };
	static uint8_t text[512];
	struct dns_answer answer;
	size_t len, n;

	ATF_REQUIRE_EQ(DNS_TAKE, verdict_of_length(24));
	/* The longest TXT that fits beside a bare OPT. */
	sample_begin(&m, DNS_QR | DNS_RA);
	n = DNS_UDP_MIN - m.len - 12 - 11;
	message_pointer(&m, 12);
	message_record(&m, 1, DNS_TYPE_TXT, 60);
	text[0] = 255;
	text[256] = (uint8_t)(n - 257);
	message_bytes(&m, text, n);
	message_record_end(&m);
	ATF_REQUIRE(dns_answer_read(&answer, m.b, m.len));
	len = dns_answer_write(out, sizeof(out), m.b, &answer, &query, &how);
	ATF_CHECK_EQ(DNS_UDP_MIN, len);
	ATF_CHECK_EQ(0, out[2] & 2);
	query.tell_cookie = true;
	len = dns_answer_write(out, sizeof(out), m.b, &answer, &query, &how);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	ATF_CHECK(len <= DNS_UDP_MIN);
	ATF_CHECK((told.flags & DNS_TC) != 0);
	ATF_CHECK(naive_option(&told, out, DNS_OPT_COOKIE, 0, &n) != NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_cookie_is_read_with_or_without_a_servers);
	ATF_TP_ADD_TC(tp, a_cookie_of_any_other_length_is_formerr);
	ATF_TP_ADD_TC(tp, of_several_cookies_the_first_counts);
	ATF_TP_ADD_TC(tp, a_cookie_without_a_question_asks_for_a_servers);
	ATF_TP_ADD_TC(tp, no_cookie_goes_upstream);
	ATF_TP_ADD_TC(tp, an_error_tells_the_cookie_within_its_512_bytes);
	ATF_TP_ADD_TC(tp, an_answer_that_only_fits_without_it_is_truncated);
	return atf_no_error();
}
