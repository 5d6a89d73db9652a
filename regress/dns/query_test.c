/* What becomes of each kind of message a client may send. */
#include <atf-c.h>
#include <string.h>

#include "check.h"
#include "message.h"
#include "unpriv/dns/answer.h"

#define TSIG 250

static struct message m;
static struct dns_query query;

/* Reads m as a client's; what holds of every message is checked too. */
static enum dns_verdict
verdict(void)
{
	const char *broken = check_query(m.b, m.len);

	ATF_CHECK_MSG(broken == NULL, "not so: %s", broken);
	message_keep(m.b, m.len, "dns_query");
	return dns_query_read(&query, m.b, m.len);
}

static bool
is_rejected_with(uint16_t rcode)
{
	return verdict() == DNS_REJECT && query.rcode == rcode;
}

static void
begin(void)
{
	message_begin(&m, 0x1234, DNS_RD);
	message_question(&m, "www.Example.com", 1, 1);
}

static void
add_opt(uint16_t size, uint32_t ttl)
{
	message_opt(&m, size, ttl);
	message_record_end(&m);
}

ATF_TC_WITHOUT_HEAD(a_plain_question_is_taken);
ATF_TC_BODY(a_plain_question_is_taken, tc)
{
	static const uint8_t name[] = "\3www\7Example\3com";

	begin();
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK_EQ(0x1234, query.id);
	ATF_CHECK_EQ(DNS_RD, query.flags);
	ATF_CHECK_EQ(sizeof(name), query.question.name_len);
	ATF_CHECK(memcmp(query.question.name, name, sizeof(name)) == 0);
	ATF_CHECK_EQ(1, query.question.type);
	ATF_CHECK_EQ(1, query.question.class);
	ATF_CHECK(!query.edns);
	ATF_CHECK_EQ(512, query.udp_size);
	ATF_CHECK_EQ(DNS_EDE_NONE, query.ede);
	ATF_CHECK_EQ(DNS_ASK_RD, dns_query_ask(&query));
}

ATF_TC_WITHOUT_HEAD(types_and_classes_that_nobody_knows_are_taken);
ATF_TC_BODY(types_and_classes_that_nobody_knows_are_taken, tc)
{
	message_begin(&m, 1, 0);
	message_question(&m, ".", 65280, 65000);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK_EQ(65280, query.question.type);
	ATF_CHECK_EQ(65000, query.question.class);
}

ATF_TC_WITHOUT_HEAD(shorter_than_a_header_is_dropped);
ATF_TC_BODY(shorter_than_a_header_is_dropped, tc)
{
	begin();
	for (m.len = 0; m.len < 12; m.len++)
		ATF_CHECK_EQ_MSG(DNS_DROP, verdict(), "%zu bytes", m.len);
}

ATF_TC_WITHOUT_HEAD(a_response_is_dropped);
ATF_TC_BODY(a_response_is_dropped, tc)
{
	begin();
	m.b[2] |= 0x80;
	ATF_CHECK_EQ(DNS_DROP, verdict());
	m.b[2] |= 0x28; /* whatever its opcode */
	ATF_CHECK_EQ(DNS_DROP, verdict());
}

ATF_TC_WITHOUT_HEAD(another_opcode_is_notimp_even_over_garbage);
ATF_TC_BODY(another_opcode_is_notimp_even_over_garbage, tc)
{
	int opcode;

	for (opcode = 1; opcode < 16; opcode++) {
		begin();
		m.b[2] = (uint8_t)(opcode << 3);
		ATF_CHECK(is_rejected_with(DNS_NOTIMP));
		ATF_CHECK(query.question.name_len > 0);
		message_u32(&m, 0xdeadbeef);
		ATF_CHECK(is_rejected_with(DNS_NOTIMP));
		m.b[12] = 0xc0;
		ATF_CHECK(is_rejected_with(DNS_NOTIMP));
		ATF_CHECK_EQ(0, query.question.name_len);
	}
	add_opt(1232, 1 << 16);
	ATF_CHECK_MSG(is_rejected_with(DNS_NOTIMP), "before BADVERS");
}

ATF_TC_WITHOUT_HEAD(a_count_of_questions_other_than_one_is_formerr);
ATF_TC_BODY(a_count_of_questions_other_than_one_is_formerr, tc)
{
	message_begin(&m, 1, DNS_RD);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "none, header only");
	add_opt(1232, 0);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "none, with an OPT");
	begin();
	message_question(&m, "www.example.com", 28, 1);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "two");
	ATF_CHECK_EQ(0, query.question.name_len);
	begin();
	message_count(&m, 0, 65535);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "65535");
}

ATF_TC_WITHOUT_HEAD(a_compressed_name_in_the_question_is_formerr);
ATF_TC_BODY(a_compressed_name_in_the_question_is_formerr, tc)
{
	message_begin(&m, 1, DNS_RD);
	message_bytes(&m, "\1a", 2);
	message_pointer(&m, 12);
	message_u32(&m, 0x00010001);
	message_count(&m, 0, 1);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
	ATF_CHECK_EQ(0, query.question.name_len);
}

ATF_TC_WITHOUT_HEAD(an_overlong_name_in_the_question_is_formerr);
ATF_TC_BODY(an_overlong_name_in_the_question_is_formerr, tc)
{
	int i;

	message_begin(&m, 1, DNS_RD);
	for (i = 0; i < 128; i++)
		message_bytes(&m, "\1a", 2);
	message_u8(&m, 0);
	message_u32(&m, 0x00010001);
	message_count(&m, 0, 1);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
}

ATF_TC_WITHOUT_HEAD(a_question_cut_anywhere_is_formerr);
ATF_TC_BODY(a_question_cut_anywhere_is_formerr, tc)
{
	size_t whole;

	begin();
	add_opt(1232, 0x8000);
	whole = m.len;
	for (m.len = 12; m.len < whole; m.len++)
		ATF_CHECK_MSG(
		    is_rejected_with(DNS_FORMERR), "%zu bytes", m.len);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
}

ATF_TC_WITHOUT_HEAD(bytes_behind_the_last_record_are_formerr);
ATF_TC_BODY(bytes_behind_the_last_record_are_formerr, tc)
{
	begin();
	message_u8(&m, 0);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
	ATF_CHECK_MSG(query.question.name_len > 0, "the question was read");
	begin();
	add_opt(1232, 0x8000);
	message_u8(&m, 0);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
	ATF_CHECK_MSG(query.edns && query.dnssec_ok, "the OPT was read");
}

ATF_TC_WITHOUT_HEAD(records_in_a_question_must_parse);
ATF_TC_BODY(records_in_a_question_must_parse, tc)
{
	int section;

	for (section = 1; section <= 3; section++) {
		begin();
		message_add(&m, section, "a", 16, "\1x", 2);
		ATF_CHECK_EQ(DNS_TAKE, verdict());
		m.b[m.len - 3]++; /* its RDLENGTH */
		ATF_CHECK(is_rejected_with(DNS_FORMERR));
		begin();
		message_pointer(&m, m.len);
		message_record(&m, section, 16, 0);
		message_record_end(&m);
		ATF_CHECK_MSG(
		    is_rejected_with(DNS_FORMERR), "an owner in a loop");
		begin();
		message_count(&m, section, 1);
		ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "none there");
	}
}

ATF_TC_WITHOUT_HEAD(an_opt_outside_the_additional_section_is_formerr);
ATF_TC_BODY(an_opt_outside_the_additional_section_is_formerr, tc)
{
	int section;

	for (section = 1; section <= 2; section++) {
		begin();
		message_add(&m, section, ".", DNS_TYPE_OPT, "", 0);
		ATF_CHECK(is_rejected_with(DNS_FORMERR));
		ATF_CHECK(!query.edns);
	}
}

ATF_TC_WITHOUT_HEAD(a_signature_in_the_additional_section_is_ignored);
ATF_TC_BODY(a_signature_in_the_additional_section_is_ignored, tc)
{
	begin();
	add_opt(4096, 0);
	message_add(&m, 3, "key", TSIG, "whatever", 8);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK_EQ(4096, query.udp_size);
	begin();
	message_add(&m, 3, ".", 24, "no SIG at all", 13);
	add_opt(4096, 0);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK_EQ(4096, query.udp_size);
}

ATF_TC_WITHOUT_HEAD(an_opt_is_read);
ATF_TC_BODY(an_opt_is_read, tc)
{
	begin();
	m.b[3] = DNS_AD | DNS_CD;
	message_opt(&m, 1400, 0x8000);
	message_option(&m, DNS_OPT_COOKIE, "12345678", 8);
	message_option(&m, DNS_OPT_KEEPALIVE, "", 0);
	message_option(&m, DNS_OPT_PADDING, "\0\0\0", 3);
	message_option(&m, DNS_OPT_ECS, "\0\1\x18\0\xc0\0\2", 7);
	message_option(&m, 65001, "x", 1);
	message_record_end(&m);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK(query.edns && query.dnssec_ok && query.keepalive &&
	    query.padding && query.client_subnet);
	ATF_CHECK_EQ(1400, query.udp_size);
	ATF_CHECK_EQ(DNS_ASK_ALL, dns_query_ask(&query));
}

ATF_TC_WITHOUT_HEAD(a_bare_opt_turns_nothing_on);
ATF_TC_BODY(a_bare_opt_turns_nothing_on, tc)
{
	begin();
	add_opt(100, 0x7fff);
	ATF_CHECK_EQ(DNS_TAKE, verdict());
	ATF_CHECK(query.edns && !query.dnssec_ok && !query.keepalive &&
	    !query.padding && !query.client_subnet);
	ATF_CHECK_EQ_MSG(512, query.udp_size, "RFC 6891 6.2.3");
}

ATF_TC_WITHOUT_HEAD(two_opts_are_formerr);
ATF_TC_BODY(two_opts_are_formerr, tc)
{
	begin();
	add_opt(1232, 0x8000);
	add_opt(4096, 0);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
	ATF_CHECK_MSG(query.edns && query.dnssec_ok && query.udp_size == 1232,
	    "the first is what is answered");
}

ATF_TC_WITHOUT_HEAD(an_opt_of_another_owner_is_formerr);
ATF_TC_BODY(an_opt_of_another_owner_is_formerr, tc)
{
	size_t root;

	begin();
	root = m.len - 5;
	message_add(&m, 3, "a", DNS_TYPE_OPT, "", 0);
	ATF_CHECK(is_rejected_with(DNS_FORMERR));
	ATF_CHECK(!query.edns);
	begin();
	message_pointer(&m, root);
	message_record(&m, 3, DNS_TYPE_OPT, 0);
	message_record_end(&m);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "the root by pointer");
}

ATF_TC_WITHOUT_HEAD(options_that_overrun_are_formerr_without_an_opt);
ATF_TC_BODY(options_that_overrun_are_formerr_without_an_opt, tc)
{
	size_t n;

	for (n = 1; n < 8; n++) {
		begin();
		message_opt(&m, 1232, 0x8000);
		message_option(&m, DNS_OPT_KEEPALIVE, "", 0);
		message_bytes(&m, "\0\12\0\4xxx", n);
		message_record_end(&m);
		ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "%zu bytes", n);
		ATF_CHECK(!query.edns && !query.keepalive);
	}
}

ATF_TC_WITHOUT_HEAD(a_later_edns_version_is_badvers);
ATF_TC_BODY(a_later_edns_version_is_badvers, tc)
{
	begin();
	add_opt(1232, 1 << 16 | 0x8000);
	ATF_CHECK(is_rejected_with(DNS_BADVERS));
	ATF_CHECK(query.edns && query.dnssec_ok);
	message_u8(&m, 0);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "before BADVERS");
	message_begin(&m, 1, 0);
	message_question(&m, "a", DNS_TYPE_AXFR, 1);
	add_opt(1232, 255 << 16);
	ATF_CHECK_MSG(is_rejected_with(DNS_BADVERS), "before REFUSED");
}

ATF_TC_WITHOUT_HEAD(a_transfer_is_refused);
ATF_TC_BODY(a_transfer_is_refused, tc)
{
	message_begin(&m, 1, 0);
	message_question(&m, "a", DNS_TYPE_AXFR, 1);
	ATF_CHECK(is_rejected_with(DNS_REFUSED));
	ATF_CHECK_EQ(DNS_EDE_NOT_SUPPORTED, query.ede);
	message_begin(&m, 1, 0);
	message_question(&m, "a", DNS_TYPE_IXFR, 1);
	message_add(&m, 2, "a", 6, "\0\0aaaabbbbccccddddeeee", 22);
	ATF_CHECK(is_rejected_with(DNS_REFUSED));
	message_u8(&m, 0);
	ATF_CHECK_MSG(is_rejected_with(DNS_FORMERR), "before REFUSED");
}

ATF_TC_WITHOUT_HEAD(what_goes_upstream_is_exactly_this);
ATF_TC_BODY(what_goes_upstream_is_exactly_this, tc)
{
	static const uint8_t head[] = { 0xab, 0xcd, 0x01, 0x30, 0, 1, 0, 0, 0,
		0, 0, 1, 1, 'A', 0, 0, 28, 0, 1,
		/* OPT: 1232, DO, padding of 94 */
		0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 98, 0, 12, 0, 94 };
	struct dns_question q = {
		.name = "\1A", .name_len = 3, .type = 28, .class = 1
	};
	uint8_t buf[512];
	size_t i;

	memset(buf, 0xee, sizeof(buf));
	ATF_REQUIRE_EQ(128,
	    dns_upstream_query_write(
		buf, sizeof(buf), 0xabcd, &q, DNS_ASK_ALL, 128));
	ATF_CHECK(memcmp(buf, head, sizeof(head)) == 0);
	for (i = sizeof(head); i < 128; i++)
		ATF_CHECK_EQ(0, buf[i]);
	ATF_CHECK_EQ(0xee, buf[128]);
	ATF_CHECK_EQ(
	    30, dns_upstream_query_write(buf, sizeof(buf), 0, &q, 0, 0));
	ATF_CHECK_EQ_MSG(0, buf[2] | buf[3] | buf[26], "no flag, no DO");
}

ATF_TC_WITHOUT_HEAD(every_length_of_name_is_padded_to_the_block);
ATF_TC_BODY(every_length_of_name_is_padded_to_the_block, tc)
{
	struct dns_question q = { .type = 1, .class = 1 };
	uint8_t buf[DNS_UPSTREAM_QUERY_MAX];
	size_t len, n, cap;

	for (n = 1; n <= 255; n += 2) {
		q.name[n - 1] = 0;
		if (n > 1)
			memcpy(q.name + n - 3, "\1a", 2);
		q.name_len = (uint8_t)n;
		ATF_REQUIRE(dns_question_is_valid(&q));
		len = dns_upstream_query_write(
		    buf, sizeof(buf), 1, &q, DNS_ASK_RD, 128);
		ATF_CHECK_EQ(0, len % 128);
		/* Header, type and class, OPT, padding option. */
		ATF_CHECK_EQ((12 + n + 4 + 11 + 4 + 127) / 128 * 128, len);
		ATF_CHECK_EQ(DNS_TAKE, dns_query_read(&query, buf, len));
		ATF_CHECK(dns_question_equal(&q, &query.question));
		for (cap = 0; cap < len; cap += 31)
			ATF_CHECK_EQ(0,
			    dns_upstream_query_write(
				buf, cap, 1, &q, DNS_ASK_RD, 128));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_plain_question_is_taken);
	ATF_TP_ADD_TC(tp, types_and_classes_that_nobody_knows_are_taken);
	ATF_TP_ADD_TC(tp, shorter_than_a_header_is_dropped);
	ATF_TP_ADD_TC(tp, a_response_is_dropped);
	ATF_TP_ADD_TC(tp, another_opcode_is_notimp_even_over_garbage);
	ATF_TP_ADD_TC(tp, a_count_of_questions_other_than_one_is_formerr);
	ATF_TP_ADD_TC(tp, a_compressed_name_in_the_question_is_formerr);
	ATF_TP_ADD_TC(tp, an_overlong_name_in_the_question_is_formerr);
	ATF_TP_ADD_TC(tp, a_question_cut_anywhere_is_formerr);
	ATF_TP_ADD_TC(tp, bytes_behind_the_last_record_are_formerr);
	ATF_TP_ADD_TC(tp, records_in_a_question_must_parse);
	ATF_TP_ADD_TC(tp, an_opt_outside_the_additional_section_is_formerr);
	ATF_TP_ADD_TC(tp, a_signature_in_the_additional_section_is_ignored);
	ATF_TP_ADD_TC(tp, an_opt_is_read);
	ATF_TP_ADD_TC(tp, a_bare_opt_turns_nothing_on);
	ATF_TP_ADD_TC(tp, two_opts_are_formerr);
	ATF_TP_ADD_TC(tp, an_opt_of_another_owner_is_formerr);
	ATF_TP_ADD_TC(tp, options_that_overrun_are_formerr_without_an_opt);
	ATF_TP_ADD_TC(tp, a_later_edns_version_is_badvers);
	ATF_TP_ADD_TC(tp, a_transfer_is_refused);
	ATF_TP_ADD_TC(tp, what_goes_upstream_is_exactly_this);
	ATF_TP_ADD_TC(tp, every_length_of_name_is_padded_to_the_block);
	return atf_no_error();
}
