/* What an upstream may say: well formed, or not read at all. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "sample.h"
#include "unpriv/dns/answer.h"

#define ANSWERED (DNS_QR | DNS_RD | DNS_RA)

static struct message m;
static struct dns_answer answer;

static bool
is_read(void)
{
	const char *broken = check_answer(m.b, m.len);

	ATF_CHECK_MSG(broken == NULL, "not so: %s", broken);
	message_keep(m.b, m.len, "dns_answer");
	return dns_answer_read(&answer, m.b, m.len);
}

ATF_TC_WITHOUT_HEAD(a_whole_answer_is_read);
ATF_TC_BODY(a_whole_answer_is_read, tc)
{
	size_t authority, additional, opt;

	sample_begin(&m, ANSWERED | DNS_AD | DNS_NXDOMAIN);
	sample_text(&m, 1, 1);
	sample_text(&m, 1, 1);
	authority = m.len;
	sample_text(&m, 2, 1);
	additional = m.len;
	sample_text(&m, 3, 1);
	opt = m.len;
	message_opt(&m, 1232, 1 << 24);
	sample_ede(&m, 9, "no DNSKEY");
	message_record_end(&m);
	ATF_REQUIRE(is_read());
	ATF_CHECK_EQ(0x5555, answer.id);
	ATF_CHECK_EQ(ANSWERED | DNS_AD | DNS_NXDOMAIN, answer.flags);
	ATF_CHECK_EQ(16 + DNS_NXDOMAIN, answer.rcode);
	ATF_CHECK_EQ(2, answer.ancount);
	ATF_CHECK_EQ(1, answer.nscount);
	ATF_CHECK_EQ(2, answer.arcount);
	ATF_CHECK_EQ(SAMPLE_RECORDS, answer.answers);
	ATF_CHECK_EQ(authority, answer.authority);
	ATF_CHECK_EQ(additional, answer.additional);
	ATF_CHECK_EQ(opt, answer.opt);
	ATF_CHECK_EQ(m.len, answer.opt_end);
	ATF_CHECK_EQ(m.len, answer.end);
	ATF_CHECK_EQ(1, answer.nede);
	ATF_CHECK_EQ(9, answer.ede[0].code);
	ATF_CHECK_EQ(9, answer.ede[0].text_len);
	ATF_CHECK(memcmp(answer.ede[0].text, "no DNSKEY", 9) == 0);
}

ATF_TC_WITHOUT_HEAD(what_is_no_answer_to_one_question_is_not_read);
ATF_TC_BODY(what_is_no_answer_to_one_question_is_not_read, tc)
{
	sample_begin(&m, ANSWERED & ~DNS_QR);
	ATF_CHECK_MSG(!is_read(), "a query");
	sample_begin(&m, ANSWERED | 4 << 11);
	ATF_CHECK_MSG(!is_read(), "a NOTIFY");
	message_begin(&m, 1, ANSWERED);
	ATF_CHECK_MSG(!is_read(), "no question");
	sample_begin(&m, ANSWERED);
	message_question(&m, "a", 1, 1);
	ATF_CHECK_MSG(!is_read(), "two questions");
	message_begin(&m, 1, ANSWERED);
	message_bytes(&m, "\1a", 2);
	message_pointer(&m, 12);
	message_u32(&m, 0x00010001);
	message_count(&m, 0, 1);
	ATF_CHECK_MSG(!is_read(), "a compressed question");
}

ATF_TC_WITHOUT_HEAD(an_answer_cut_anywhere_or_too_long_is_not_read);
ATF_TC_BODY(an_answer_cut_anywhere_or_too_long_is_not_read, tc)
{
	size_t whole;

	sample_begin(&m, ANSWERED);
	message_add(&m, 1, "a", 5, "\1b", 3);
	message_add(&m, 2, "a", 16, "\1b", 2);
	message_opt(&m, 1232, 0);
	sample_ede(&m, 1, "x");
	message_record_end(&m);
	whole = m.len;
	for (m.len = 0; m.len < whole; m.len++)
		ATF_CHECK_MSG(!is_read(), "%zu bytes", m.len);
	ATF_CHECK(is_read());
	message_u8(&m, 0);
	ATF_CHECK_MSG(!is_read(), "a byte behind the last record");
}

ATF_TC_WITHOUT_HEAD(an_opt_that_is_twice_misplaced_or_malformed_is_not_read);
ATF_TC_BODY(an_opt_that_is_twice_misplaced_or_malformed_is_not_read, tc)
{
	sample_begin(&m, ANSWERED);
	sample_opt(&m, 0);
	ATF_CHECK(is_read());
	sample_opt(&m, 0);
	ATF_CHECK_MSG(!is_read(), "two");
	sample_begin(&m, ANSWERED);
	message_add(&m, 1, ".", DNS_TYPE_OPT, "", 0);
	ATF_CHECK_MSG(!is_read(), "among the answers");
	sample_begin(&m, ANSWERED);
	message_add(&m, 2, ".", DNS_TYPE_OPT, "", 0);
	ATF_CHECK_MSG(!is_read(), "in the authority section");
	sample_begin(&m, ANSWERED);
	message_add(&m, 3, "a", DNS_TYPE_OPT, "", 0);
	ATF_CHECK_MSG(!is_read(), "not of the root");
	sample_begin(&m, ANSWERED);
	message_add(&m, 3, ".", DNS_TYPE_OPT, "\0\12\0\4xxx", 7);
	ATF_CHECK_MSG(!is_read(), "an option that overruns");
}

ATF_TC_WITHOUT_HEAD(names_in_rdata_that_may_be_compressed_must_be_well_formed);
ATF_TC_BODY(names_in_rdata_that_may_be_compressed_must_be_well_formed, tc)
{
	int section;
	size_t i;

	for (i = 0; i < SAMPLE_RDATAS; i++) {
		section = (int)(i % 3) + 1;
		sample_begin(&m, ANSWERED);
		sample_rdata(&m, section, i, 0);
		ATF_CHECK_MSG(is_read(), "type %u", sample_type(i));
		if (sample_type(i) != 24 && sample_type(i) != 30) {
			sample_begin(&m, ANSWERED);
			sample_rdata(&m, section, i, -1);
			ATF_CHECK_MSG(
			    !is_read(), "type %u, a byte less", sample_type(i));
			sample_begin(&m, ANSWERED);
			sample_rdata(&m, section, i, 1);
			ATF_CHECK_MSG(
			    !is_read(), "type %u, a byte more", sample_type(i));
		}
		sample_begin(&m, ANSWERED);
		message_pointer(&m, 12);
		message_record(&m, section, sample_type(i), 60);
		message_record_end(&m);
		ATF_CHECK_MSG(!is_read(), "type %u, empty", sample_type(i));
	}
}

ATF_TC_WITHOUT_HEAD(rdata_of_other_types_is_not_looked_into);
ATF_TC_BODY(rdata_of_other_types_is_not_looked_into, tc)
{
	static const uint16_t types[] = { 1, 10, 16, 28, 36, 39, 46, 47, 64,
		65280 };
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		sample_begin(&m, ANSWERED);
		message_add(&m, 1, "a", types[i], "\xff\xff\x3f", 3);
		ATF_CHECK_MSG(is_read(), "type %u", types[i]);
	}
}

ATF_TC_WITHOUT_HEAD(the_dearest_answer_is_read_in_milliseconds);
ATF_TC_BODY(the_dearest_answer_is_read_in_milliseconds, tc)
{
	struct timespec begun, ended;
	size_t i, last;
	double ms;

	message_begin(&m, 1, ANSWERED);
	message_question(&m, ".", 1, 1);
	message_name(&m, ".");
	message_record(&m, 1, 10, 0);
	last = m.len;
	message_u8(&m, 0);
	for (i = 0; i < 127; i++) {
		message_bytes(&m, "\1a", 2);
		message_pointer(&m, last);
		last = m.len - 4;
	}
	message_record_end(&m);
	while (m.len + 16 <= DNS_MESSAGE_MAX) {
		message_pointer(&m, last);
		message_record(&m, 1, 14, 0);
		message_pointer(&m, last);
		message_pointer(&m, last);
		message_record_end(&m);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	for (i = 0; i < 10; i++)
		ATF_REQUIRE(dns_answer_read(&answer, m.b, m.len));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	ms = (double)(ended.tv_sec - begun.tv_sec) * 1e2 +
	    (double)(ended.tv_nsec - begun.tv_nsec) / 1e7;
	/* Measured: 7 ms. Quadratic would be seconds. */
	printf("%zu bytes, %u records, 128 pointers a name: %.1f ms\n", m.len,
	    answer.ancount, ms);
	ATF_CHECK_MSG(ms < 200, "%f ms", ms);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_whole_answer_is_read);
	ATF_TP_ADD_TC(tp, what_is_no_answer_to_one_question_is_not_read);
	ATF_TP_ADD_TC(tp, an_answer_cut_anywhere_or_too_long_is_not_read);
	ATF_TP_ADD_TC(
	    tp, an_opt_that_is_twice_misplaced_or_malformed_is_not_read);
	ATF_TP_ADD_TC(
	    tp, names_in_rdata_that_may_be_compressed_must_be_well_formed);
	ATF_TP_ADD_TC(tp, rdata_of_other_types_is_not_looked_into);
	ATF_TP_ADD_TC(tp, the_dearest_answer_is_read_in_milliseconds);
	return atf_no_error();
}
