/* Answers as the cache keeps them, and what is told of them later. */
#include <atf-c.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "sample.h"
#include "unpriv/dns/stored.h"

#define ANSWERED (DNS_QR | DNS_RD | DNS_RA)

static struct message m;
static struct dns_answer answer;
static struct dns_query query;
static struct dns_reply reply;
static struct naive told;
static uint8_t stored[2 * DNS_MESSAGE_MAX], out[DNS_MESSAGE_MAX];
static size_t stored_len;
static const struct dns_storable as_it_is = { DNS_POSITIVE, 0, UINT32_MAX };

static void
store(const struct dns_storable *storable)
{
	const char *broken = check_stored(m.b, m.len);

	ATF_CHECK_MSG(broken == NULL, "not so: %s", broken);
	message_keep(m.b, m.len, "dns_stored");
	ATF_REQUIRE(dns_answer_read(&answer, m.b, m.len));
	stored_len =
	    dns_stored_write(stored, sizeof(stored), m.b, &answer, storable);
	ATF_REQUIRE(stored_len > 0);
	message_keep(stored, stored_len, "dns_stored");
	check_way(&query, &reply, &answer, m.len, 2);
	query.edns = true;
}

static size_t
tell(uint32_t age, uint32_t ttl, const struct dns_ede *ede)
{
	const struct dns_stored_now now = { age, ttl, ede };
	size_t len = dns_stored_tell(
	    out, sizeof(out), stored, stored_len, &now, &query, &reply);

	ATF_REQUIRE(len > 0 && len <= reply.limit);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	return len;
}

/* A TTL, where the first record's owner is a pointer. */
static uint32_t
ttl_at(size_t record)
{
	const uint8_t *p = out + record + 6;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* www.example.com A, four of them, with an OPT and one error. */
static void
sample(uint32_t ttl)
{
	int i;

	sample_begin(&m, ANSWERED);
	for (i = 0; i < 4; i++) {
		message_pointer(&m, 12);
		message_record(&m, 1, 1, ttl + (uint32_t)i);
		message_u32(&m, 0xc0000201);
		message_record_end(&m);
	}
	message_opt(&m, 1232, 0);
	sample_ede(&m, 10, "no RRSIGs");
	message_record_end(&m);
}

ATF_TC_WITHOUT_HEAD(every_ttl_counts_down_and_none_below_0);
ATF_TC_BODY(every_ttl_counts_down_and_none_below_0, tc)
{
	sample(300);
	store(&as_it_is);
	tell(100, 0, NULL);
	ATF_CHECK_EQ(200, ttl_at(SAMPLE_RECORDS));
	ATF_CHECK_EQ(203, ttl_at(SAMPLE_RECORDS + 48));
	tell(301, 0, NULL);
	ATF_CHECK_EQ(0, ttl_at(SAMPLE_RECORDS));
	ATF_CHECK_EQ(2, ttl_at(SAMPLE_RECORDS + 48));
	tell(UINT32_MAX, 0, NULL);
	ATF_CHECK_EQ(0, ttl_at(SAMPLE_RECORDS + 48));
}

ATF_TC_WITHOUT_HEAD(a_stale_answer_has_one_ttl_and_one_more_error);
ATF_TC_BODY(a_stale_answer_has_one_ttl_and_one_more_error, tc)
{
	static const uint8_t text[] = "old";
	const struct dns_ede stale = { DNS_EDE_STALE, 3, text };
	const uint8_t *p;
	size_t len;

	sample(300);
	store(&as_it_is);
	tell(5000, 30, &stale);
	ATF_CHECK_EQ(30, ttl_at(SAMPLE_RECORDS));
	ATF_CHECK_EQ(30, ttl_at(SAMPLE_RECORDS + 48));
	p = naive_option(&told, out, DNS_OPT_EDE, 0, &len);
	ATF_REQUIRE(p != NULL && len == 11);
	ATF_CHECK(memcmp(p, "\0\12no RRSIGs", 11) == 0);
	p = naive_option(&told, out, DNS_OPT_EDE, 1, &len);
	ATF_REQUIRE(p != NULL && len == 5);
	ATF_CHECK(memcmp(p, "\0\3old", 5) == 0);
	ATF_CHECK(naive_option(&told, out, DNS_OPT_EDE, 2, &len) == NULL);
}

ATF_TC_WITHOUT_HEAD(a_ttl_is_kept_between_the_entrys_own_and_the_ceiling);
ATF_TC_BODY(a_ttl_is_kept_between_the_entrys_own_and_the_ceiling, tc)
{
	const struct dns_storable narrow = { DNS_POSITIVE, 301, 302 };

	sample(300);
	store(&narrow);
	tell(0, 0, NULL);
	ATF_CHECK_EQ(301, ttl_at(SAMPLE_RECORDS));
	ATF_CHECK_EQ(301, ttl_at(SAMPLE_RECORDS + 16));
	ATF_CHECK_EQ(302, ttl_at(SAMPLE_RECORDS + 32));
	ATF_CHECK_EQ(302, ttl_at(SAMPLE_RECORDS + 48));
}

ATF_TC_WITHOUT_HEAD(a_ttl_with_its_top_bit_set_is_kept_as_0);
ATF_TC_BODY(a_ttl_with_its_top_bit_set_is_kept_as_0, tc)
{
	sample(0x7ffffffe);
	store(&as_it_is);
	tell(0, 0, NULL);
	ATF_CHECK_EQ(0x7fffffff, ttl_at(SAMPLE_RECORDS + 16));
	ATF_CHECK_EQ(0, ttl_at(SAMPLE_RECORDS + 32));
}

ATF_TC_WITHOUT_HEAD(what_comes_from_the_cache_is_not_authoritative);
ATF_TC_BODY(what_comes_from_the_cache_is_not_authoritative, tc)
{
	sample_begin(&m, ANSWERED | DNS_AA | DNS_AD);
	store(&as_it_is);
	query.flags = DNS_RD;
	query.dnssec_ok = true;
	tell(0, 0, NULL);
	ATF_CHECK_EQ(DNS_QR | DNS_RD | DNS_RA | DNS_AD, told.flags);
	query.dnssec_ok = false;
	tell(0, 0, NULL);
	ATF_CHECK_EQ(DNS_QR | DNS_RD | DNS_RA, told.flags);
	stored[2] |= DNS_AA >> 8;
	tell(0, 0, NULL);
	ATF_CHECK_EQ(DNS_QR | DNS_RD | DNS_RA, told.flags);
}

ATF_TC_WITHOUT_HEAD(records_behind_an_opt_are_kept_and_count_down);
ATF_TC_BODY(records_behind_an_opt_are_kept_and_count_down, tc)
{
	size_t i;

	for (i = 0; i < SAMPLE_RDATAS; i++) {
		sample_begin(&m, ANSWERED);
		sample_rdata(&m, 1, i, 0);
		sample_opt(&m, 0);
		sample_rdata(&m, 3, i, 0);
		sample_text(&m, 3, 1);
		store(&as_it_is);
	}
}

ATF_TC_WITHOUT_HEAD(only_do_and_cd_name_type_and_class_make_another_key);
ATF_TC_BODY(only_do_and_cd_name_type_and_class_make_another_key, tc)
{
	uint8_t a[DNS_STORED_KEY_MAX], b[DNS_STORED_KEY_MAX];
	struct dns_question q, other;
	size_t n;

	sample_begin(&m, ANSWERED);
	ATF_REQUIRE(dns_answer_read(&answer, m.b, m.len));
	q = answer.question;
	dns_question_fold(&q);
	n = dns_stored_key(a, sizeof(a), &q, DNS_ASK_RD | DNS_ASK_AD);
	ATF_CHECK_EQ(17 + 5, n);
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &q, 0));
	ATF_CHECK(memcmp(a, b, n) == 0);
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &q, DNS_ASK_DO));
	ATF_CHECK(memcmp(a, b, n) != 0);
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &q, DNS_ASK_CD));
	ATF_CHECK(memcmp(a, b, n) != 0);
	other = q;
	other.type = 28;
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &other, 0));
	ATF_CHECK(memcmp(a, b, n) != 0);
	other = q;
	other.class = 3;
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &other, 0));
	ATF_CHECK(memcmp(a, b, n) != 0);
	other = q;
	other.name[1] = 'v';
	ATF_CHECK_EQ(n, dns_stored_key(b, sizeof(b), &other, 0));
	ATF_CHECK(memcmp(a, b, n) != 0);
	ATF_CHECK_EQ(0, dns_stored_key(b, n - 1, &q, 0));
	q.name_len = DNS_NAME_MAX;
	ATF_CHECK_EQ(DNS_STORED_KEY_MAX, dns_stored_key(b, sizeof(b), &q, 0));
}

ATF_TC_WITHOUT_HEAD(
    whatever_is_scribbled_over_it_nothing_is_told_out_of_bounds);
ATF_TC_BODY(whatever_is_scribbled_over_it_nothing_is_told_out_of_bounds, tc)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xc0, 0xff };
	const char *broken = NULL;
	size_t i, v;
	uint8_t was;

	sample(300);
	store(&as_it_is);
	for (i = 0; i < stored_len && broken == NULL; i++) {
		was = stored[i];
		for (v = 0; v < sizeof(values) && broken == NULL; v++) {
			stored[i] = values[v];
			broken = check_scribble(stored, stored_len);
		}
		for (v = 0; v < 8 && broken == NULL; v++) {
			stored[i] = (uint8_t)(was ^ 1 << v);
			broken = check_scribble(stored, stored_len);
		}
		stored[i] = was;
		if (broken == NULL)
			broken = check_scribble(stored, i);
	}
	ATF_CHECK_MSG(broken == NULL, "at %zu: not so: %s", i, broken);
}

ATF_TC_WITHOUT_HEAD(another_form_or_a_name_of_another_length_is_not_told);
ATF_TC_BODY(another_form_or_a_name_of_another_length_is_not_told, tc)
{
	const struct dns_stored_now now = { 0, 0, NULL };
	size_t i;

	sample(300);
	store(&as_it_is);
	(void)tell(0, 0, NULL);
	/* The first two bytes. */
	for (i = 0; i < 2; i++) {
		stored[i]++;
		ATF_CHECK_EQ(0,
		    dns_stored_tell(out, sizeof(out), stored, stored_len, &now,
			&query, &reply));
		stored[i]--;
	}
	(void)tell(0, 0, NULL);
}

ATF_TC_WITHOUT_HEAD(a_place_of_a_ttl_outside_the_records_is_passed_over);
ATF_TC_BODY(a_place_of_a_ttl_outside_the_records_is_passed_over, tc)
{
	static uint8_t right[DNS_MESSAGE_MAX];
	size_t len;

	sample(300);
	store(&as_it_is);
	len = tell(0, 0, NULL);
	memcpy(right, out, len);
	/* The first record's: behind the 15 bytes of the header. */
	stored[15] = 0xff;
	ATF_CHECK_EQ(len, tell(100, 0, NULL));
	ATF_CHECK_EQ(300, ttl_at(SAMPLE_RECORDS));
	ATF_CHECK_EQ(201, ttl_at(SAMPLE_RECORDS + 16));
	/* Of 64 bytes, 61 is the first that does not do. */
	stored[15] = 0;
	stored[16] = 61;
	ATF_CHECK_EQ(len, tell(0, 30, NULL));
	ATF_CHECK(memcmp(out + SAMPLE_RECORDS + 64, right + SAMPLE_RECORDS + 64,
		      len - SAMPLE_RECORDS - 64) == 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, every_ttl_counts_down_and_none_below_0);
	ATF_TP_ADD_TC(tp, a_stale_answer_has_one_ttl_and_one_more_error);
	ATF_TP_ADD_TC(tp, a_ttl_is_kept_between_the_entrys_own_and_the_ceiling);
	ATF_TP_ADD_TC(tp, a_ttl_with_its_top_bit_set_is_kept_as_0);
	ATF_TP_ADD_TC(tp, what_comes_from_the_cache_is_not_authoritative);
	ATF_TP_ADD_TC(tp, records_behind_an_opt_are_kept_and_count_down);
	ATF_TP_ADD_TC(tp, only_do_and_cd_name_type_and_class_make_another_key);
	ATF_TP_ADD_TC(
	    tp, whatever_is_scribbled_over_it_nothing_is_told_out_of_bounds);
	ATF_TP_ADD_TC(tp, another_form_or_a_name_of_another_length_is_not_told);
	ATF_TP_ADD_TC(tp, a_place_of_a_ttl_outside_the_records_is_passed_over);
	return atf_no_error();
}
