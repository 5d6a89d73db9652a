/* What may be cached, and for how long. */
#include <atf-c.h>
#include <string.h>

#include "sample.h"
#include "unpriv/dns/storable.h"

#define ANSWERED (DNS_QR | DNS_RD | DNS_RA)
#define NAME	 SAMPLE_NAME

static struct message m;
static struct dns_answer answer;
static struct dns_storable got;
static struct dns_ttl_limits limits;

static void
begin(uint16_t flags, uint16_t type)
{
	limits = (struct dns_ttl_limits){ 0, 86400, 3600, 5 };
	message_begin(&m, 0x5555, flags);
	message_question(&m, NAME, type, 1);
}

static void
add(int section, uint16_t type, uint32_t ttl)
{
	message_pointer(&m, 12);
	message_record(&m, section, type, ttl);
	if (type == DNS_TYPE_CNAME || type == DNS_TYPE_NS)
		message_name(&m, "a.example.net");
	else
		message_u32(&m, 0xc0000201);
	message_record_end(&m);
}

static void
add_soa(int section, uint32_t ttl, uint32_t minimum)
{
	int i;

	message_name(&m, "example.com");
	message_record(&m, section, DNS_TYPE_SOA, ttl);
	message_name(&m, "ns.example.com");
	message_name(&m, ".");
	for (i = 0; i < 4; i++)
		message_u32(&m, 99999);
	message_u32(&m, minimum);
	message_record_end(&m);
}

static void
check(enum dns_kind kind, uint32_t ttl)
{
	ATF_REQUIRE(dns_answer_read(&answer, m.b, m.len));
	dns_storable(&got, m.b, &answer, &answer.question, &limits);
	ATF_CHECK_EQ_MSG(
	    kind, got.kind, "kind %d, expected %d", got.kind, kind);
	ATF_CHECK_EQ_MSG(ttl, got.ttl, "ttl %u, expected %u", got.ttl, ttl);
	ATF_CHECK(got.ceiling >= got.ttl && got.ceiling <= 86400);
}

ATF_TC_WITHOUT_HEAD(an_answer_lives_as_long_as_its_shortest_record);
ATF_TC_BODY(an_answer_lives_as_long_as_its_shortest_record, tc)
{
	int section;

	for (section = 1; section <= 3; section++) {
		begin(ANSWERED, 1);
		add(1, DNS_TYPE_CNAME, 300);
		add(1, 1, 200);
		add(2, DNS_TYPE_NS, 400);
		add(3, 1, 500);
		add(section, 1, 60);
		check(DNS_POSITIVE, 60);
		ATF_CHECK_EQ(86400, got.ceiling);
	}
}

ATF_TC_WITHOUT_HEAD(the_opt_has_no_ttl);
ATF_TC_BODY(the_opt_has_no_ttl, tc)
{
	begin(ANSWERED, 1);
	add(1, 1, 200);
	message_opt(&m, 1232, 0);
	message_record_end(&m);
	check(DNS_POSITIVE, 200);
}

ATF_TC_WITHOUT_HEAD(a_ttl_of_0_or_with_its_top_bit_set_is_not_cached);
ATF_TC_BODY(a_ttl_of_0_or_with_its_top_bit_set_is_not_cached, tc)
{
	begin(ANSWERED, 1);
	add(1, 1, 0);
	check(DNS_NOT_STORABLE, 0);
	begin(ANSWERED, 1);
	add(1, 1, 0x80000000);
	check(DNS_NOT_STORABLE, 0);
	limits.min = 1;
	check(DNS_POSITIVE, 1);
	begin(ANSWERED, 1);
	add(1, 1, 0x7fffffff);
	check(DNS_POSITIVE, 86400);
}

ATF_TC_WITHOUT_HEAD(min_raises_and_max_lowers_a_ttl);
ATF_TC_BODY(min_raises_and_max_lowers_a_ttl, tc)
{
	begin(ANSWERED, 1);
	add(1, 1, 100);
	limits.min = 120;
	check(DNS_POSITIVE, 120);
	limits.min = 0;
	limits.max = 50;
	check(DNS_POSITIVE, 50);
	ATF_CHECK_EQ(50, got.ceiling);
	limits.max = 0;
	check(DNS_NOT_STORABLE, 0);
}

ATF_TC_WITHOUT_HEAD(a_negative_answer_lives_by_the_soas_ttl_and_minimum);
ATF_TC_BODY(a_negative_answer_lives_by_the_soas_ttl_and_minimum, tc)
{
	uint16_t rcode;

	for (rcode = 0; rcode <= 3; rcode += 3) {
		begin(ANSWERED | rcode, 1);
		add_soa(2, 900, 300);
		check(DNS_NEGATIVE, 300);
		ATF_CHECK_EQ(300, got.ceiling);
		begin(ANSWERED | rcode, 1);
		add_soa(2, 300, 900);
		check(DNS_NEGATIVE, 300);
		begin(ANSWERED | rcode, 1);
		add_soa(2, 300, 0x80000384);
		check(DNS_NOT_STORABLE, 0);
		begin(ANSWERED | rcode, 1);
		add_soa(2, 7200, 7200);
		check(DNS_NEGATIVE, 3600);
		limits.min = 5000;
		check(DNS_NEGATIVE, 3600);
		limits.negative = 0;
		check(DNS_NOT_STORABLE, 0);
	}
}

ATF_TC_WITHOUT_HEAD(a_negative_answer_without_soa_is_not_cached);
ATF_TC_BODY(a_negative_answer_without_soa_is_not_cached, tc)
{
	begin(ANSWERED | DNS_NXDOMAIN, 1);
	check(DNS_NOT_STORABLE, 0);
	begin(ANSWERED, 1);
	check(DNS_NOT_STORABLE, 0);
	limits.min = 60;
	check(DNS_NOT_STORABLE, 0);
	/* A referral, RFC 2308 2.2. */
	begin(ANSWERED, 1);
	add(2, DNS_TYPE_NS, 300);
	check(DNS_NOT_STORABLE, 0);
	/* A SOA in the wrong section. */
	begin(ANSWERED, 1);
	add_soa(3, 300, 300);
	check(DNS_NOT_STORABLE, 0);
}

ATF_TC_WITHOUT_HEAD(an_alias_to_nothing_is_a_negative_answer);
ATF_TC_BODY(an_alias_to_nothing_is_a_negative_answer, tc)
{
	uint16_t rcode;

	for (rcode = 0; rcode <= 3; rcode += 3) {
		begin(ANSWERED | rcode, 1);
		add(1, DNS_TYPE_CNAME, 100);
		check(DNS_NOT_STORABLE, 0);
		add_soa(2, 900, 300);
		check(DNS_NEGATIVE, 100);
	}
	begin(ANSWERED, DNS_TYPE_CNAME);
	add(1, DNS_TYPE_CNAME, 100);
	check(DNS_POSITIVE, 100);
	/* RFC 2308 2.1: the rcode says it, whatever the records. */
	begin(ANSWERED | DNS_NXDOMAIN, 1);
	add(1, 1, 100);
	check(DNS_NOT_STORABLE, 0);
}

ATF_TC_WITHOUT_HEAD(a_failure_is_kept_between_a_second_and_five_minutes);
ATF_TC_BODY(a_failure_is_kept_between_a_second_and_five_minutes, tc)
{
	uint16_t rcode;

	for (rcode = 1; rcode <= 15; rcode++) {
		if (rcode == DNS_NXDOMAIN)
			continue;
		begin(ANSWERED | rcode, 1);
		check(DNS_FAILURE, 5);
		ATF_CHECK_EQ(5, got.ceiling);
		limits.failure = 0;
		check(DNS_FAILURE, 1);
		limits.failure = 301;
		check(DNS_FAILURE, 300);
	}
	/* BADVERS: the OPT has the rcode's upper bits. */
	begin(ANSWERED, 1);
	add(1, 1, 100);
	message_opt(&m, 1232, 0x01000000);
	message_record_end(&m);
	check(DNS_FAILURE, 5);
}

ATF_TC_WITHOUT_HEAD(what_was_truncated_is_not_cached);
ATF_TC_BODY(what_was_truncated_is_not_cached, tc)
{
	begin(ANSWERED | DNS_TC, 1);
	add(1, 1, 100);
	check(DNS_NOT_STORABLE, 0);
	/* RFC 9520 3.2: that it failed is known all the same. */
	begin(ANSWERED | DNS_TC | DNS_SERVFAIL, 1);
	check(DNS_FAILURE, 5);
}

ATF_TC_WITHOUT_HEAD(an_answer_to_another_question_is_not_cached);
ATF_TC_BODY(an_answer_to_another_question_is_not_cached, tc)
{
	struct dns_question asked;

	begin(ANSWERED, 1);
	add(1, 1, 100);
	check(DNS_POSITIVE, 100);
	asked = answer.question;
	dns_question_fold(&asked);
	dns_storable(&got, m.b, &answer, &asked, &limits);
	ATF_CHECK_EQ(DNS_POSITIVE, got.kind);
	asked.name[1] = 'v';
	dns_storable(&got, m.b, &answer, &asked, &limits);
	ATF_CHECK_EQ(DNS_NOT_STORABLE, got.kind);
	asked = answer.question;
	asked.type = DNS_TYPE_AAAA;
	dns_storable(&got, m.b, &answer, &asked, &limits);
	ATF_CHECK_EQ(DNS_NOT_STORABLE, got.kind);
	asked = answer.question;
	asked.class = 3;
	dns_storable(&got, m.b, &answer, &asked, &limits);
	ATF_CHECK_EQ(DNS_NOT_STORABLE, got.kind);
}

ATF_TC_WITHOUT_HEAD(what_answers_no_question_is_not_cached);
ATF_TC_BODY(what_answers_no_question_is_not_cached, tc)
{
	begin(ANSWERED, 1);
	add(1, 1, 100);
	check(DNS_POSITIVE, 100);
	answer.flags = ANSWERED & ~DNS_QR;
	dns_storable(&got, m.b, &answer, &answer.question, &limits);
	ATF_CHECK_EQ(DNS_NOT_STORABLE, got.kind);
	answer.flags = ANSWERED | 5 << 11; /* UPDATE */
	dns_storable(&got, m.b, &answer, &answer.question, &limits);
	ATF_CHECK_EQ(DNS_NOT_STORABLE, got.kind);
}

ATF_TC_WITHOUT_HEAD(of_meta_types_only_any_is_cached);
ATF_TC_BODY(of_meta_types_only_any_is_cached, tc)
{
	static const uint16_t never[] = { 0, 41, 128, 249, 250, 251, 252, 253,
		254 };
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		begin(ANSWERED, never[i]);
		add(1, 1, 100);
		add_soa(2, 100, 100);
		check(DNS_NOT_STORABLE, 0);
	}
	begin(ANSWERED, DNS_TYPE_ANY);
	add(1, DNS_TYPE_HINFO, 100);
	check(DNS_POSITIVE, 100);
	begin(ANSWERED, 127);
	add(1, 127, 100);
	check(DNS_POSITIVE, 100);
	begin(ANSWERED, 256);
	add(1, 256, 100);
	check(DNS_POSITIVE, 100);
}

ATF_TC_WITHOUT_HEAD(of_meta_classes_none_is_cached);
ATF_TC_BODY(of_meta_classes_none_is_cached, tc)
{
	static const uint16_t never[] = { 0, 254, 255, 65535 };
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		begin(ANSWERED, 1);
		add(1, 1, 100);
		m.b[SAMPLE_RECORDS - 2] = (uint8_t)(never[i] >> 8);
		m.b[SAMPLE_RECORDS - 1] = (uint8_t)never[i];
		check(DNS_NOT_STORABLE, 0);
	}
	begin(ANSWERED, 16);
	add(1, 16, 100);
	m.b[SAMPLE_RECORDS - 1] = 3; /* CH */
	check(DNS_POSITIVE, 100);
}

ATF_TC_WITHOUT_HEAD(what_is_signed_for_one_hop_is_not_cached);
ATF_TC_BODY(what_is_signed_for_one_hop_is_not_cached, tc)
{
	static const uint16_t never[] = { 249, 250, 0 };
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		begin(ANSWERED, 1);
		add(1, 1, 100);
		add(3, never[i], 100);
		check(DNS_NOT_STORABLE, 0);
	}
	/* SIG(0) has class ANY; a SIG of old is data. */
	begin(ANSWERED, 1);
	add(1, 1, 100);
	sample_rdata(&m, 3, 14, 0);
	check(DNS_POSITIVE, 60);
	m.b[SAMPLE_RECORDS + 16 + 5] = 255;
	check(DNS_NOT_STORABLE, 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, an_answer_lives_as_long_as_its_shortest_record);
	ATF_TP_ADD_TC(tp, the_opt_has_no_ttl);
	ATF_TP_ADD_TC(tp, a_ttl_of_0_or_with_its_top_bit_set_is_not_cached);
	ATF_TP_ADD_TC(tp, min_raises_and_max_lowers_a_ttl);
	ATF_TP_ADD_TC(tp, a_negative_answer_lives_by_the_soas_ttl_and_minimum);
	ATF_TP_ADD_TC(tp, a_negative_answer_without_soa_is_not_cached);
	ATF_TP_ADD_TC(tp, an_alias_to_nothing_is_a_negative_answer);
	ATF_TP_ADD_TC(tp, a_failure_is_kept_between_a_second_and_five_minutes);
	ATF_TP_ADD_TC(tp, what_was_truncated_is_not_cached);
	ATF_TP_ADD_TC(tp, an_answer_to_another_question_is_not_cached);
	ATF_TP_ADD_TC(tp, what_answers_no_question_is_not_cached);
	ATF_TP_ADD_TC(tp, of_meta_types_only_any_is_cached);
	ATF_TP_ADD_TC(tp, of_meta_classes_none_is_cached);
	ATF_TP_ADD_TC(tp, what_is_signed_for_one_hop_is_not_cached);
	return atf_no_error();
}
