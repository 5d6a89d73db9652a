/* What a client is told of an answer, and of an error of our own. */
#include <atf-c.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "sample.h"
#include "unpriv/dns/answer.h"
#include "unpriv/dns/tell.h"

#define ANSWERED (DNS_QR | DNS_RD | DNS_RA)

static struct message m;
static struct dns_answer answer;
static struct dns_query query;
static struct dns_reply reply;
static uint8_t out[DNS_MESSAGE_MAX];
static struct naive told;

static bool
is_read(void)
{
	const char *broken = check_answer(m.b, m.len);

	if (broken == NULL)
		broken = check_stored(m.b, m.len);
	ATF_CHECK_MSG(broken == NULL, "not so: %s", broken);
	message_keep(m.b, m.len, "dns_answer");
	return dns_answer_read(&answer, m.b, m.len);
}

/* The client's side of it: asks in other letters, over TCP. */
static void
ask(uint16_t flags, bool edns)
{
	static const uint8_t name[] = "\3WWW\7eXAMPLE\3COM";

	memset(&query, 0, sizeof(query));
	query.id = 0x1234;
	query.flags = flags;
	query.edns = edns;
	query.udp_size = 512;
	query.ede = DNS_EDE_NONE;
	query.question.type = 1;
	query.question.class = 1;
	query.question.name_len = sizeof(name);
	memcpy(query.question.name, name, sizeof(name));
	reply = (struct dns_reply){ DNS_MESSAGE_MAX, 1400, 123, true };
}

/* Tells what m says, and decodes that. */
static size_t
tell(void)
{
	size_t len;

	ATF_REQUIRE(is_read());
	len = dns_answer_write(out, sizeof(out), m.b, &answer, &query, &reply);
	ATF_REQUIRE(len > 0 && len <= reply.limit);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	return len;
}

static void
check_ede(unsigned int nth, unsigned int code, const char *text)
{
	const uint8_t *p;
	size_t len;

	p = naive_option(&told, out, DNS_OPT_EDE, nth, &len);
	ATF_REQUIRE_MSG(p != NULL, "there is no error %u", nth);
	ATF_CHECK_EQ(code, p[0] * 256u + p[1]);
	ATF_CHECK_EQ(strlen(text), len - 2);
	ATF_CHECK(len - 2 == strlen(text) && memcmp(p + 2, text, len - 2) == 0);
}

static bool
has_ede(unsigned int nth)
{
	size_t len;

	return naive_option(&told, out, DNS_OPT_EDE, nth, &len) != NULL;
}

ATF_TC_WITHOUT_HEAD(the_client_gets_its_id_its_letters_and_the_same_records);
ATF_TC_BODY(the_client_gets_its_id_its_letters_and_the_same_records, tc)
{
	size_t len, question;

	sample_begin(&m, ANSWERED);
	sample_text(&m, 1, 1);
	sample_rdata(&m, 2, 4, 0);
	sample_text(&m, 3, 1);
	ask(DNS_RD, false);
	len = tell();
	question = query.question.name_len + 4u;
	ATF_CHECK_EQ(m.len, len);
	ATF_CHECK_EQ(0x1234, told.id);
	ATF_CHECK(memcmp(out + 12, query.question.name, question - 4) == 0);
	ATF_CHECK(memcmp(out + 12 + question, m.b + 12 + question,
		      len - 12 - question) == 0);
	ATF_CHECK_EQ(1, told.count[1]);
	ATF_CHECK_EQ(1, told.count[2]);
	ATF_CHECK_EQ(1, told.count[3]);
}

ATF_TC_WITHOUT_HEAD(another_question_is_not_told);
ATF_TC_BODY(another_question_is_not_told, tc)
{
	sample_begin(&m, ANSWERED);
	ATF_REQUIRE(is_read());
	ask(0, false);
	query.question.name_len--;
	ATF_CHECK_EQ(0,
	    dns_answer_write(out, sizeof(out), m.b, &answer, &query, &reply));
	ask(0, false);
	query.question.type = 28;
	ATF_CHECK_EQ(0,
	    dns_answer_write(out, sizeof(out), m.b, &answer, &query, &reply));
	ask(0, false);
	query.question.class = 3;
	ATF_CHECK_EQ(0,
	    dns_answer_write(out, sizeof(out), m.b, &answer, &query, &reply));
}

ATF_TC_WITHOUT_HEAD(rd_and_cd_are_the_clients_and_z_is_clear);
ATF_TC_BODY(rd_and_cd_are_the_clients_and_z_is_clear, tc)
{
	sample_begin(
	    &m, DNS_QR | DNS_AA | DNS_RD | DNS_Z | DNS_CD | DNS_REFUSED);
	ask(0, false);
	tell();
	ATF_CHECK_EQ(DNS_QR | DNS_AA | DNS_REFUSED, told.flags);
	sample_begin(&m, DNS_QR | DNS_RA);
	ask(DNS_RD | DNS_CD | DNS_Z, false);
	tell();
	ATF_CHECK_EQ(DNS_QR | DNS_RD | DNS_RA | DNS_CD, told.flags);
}

ATF_TC_WITHOUT_HEAD(ad_is_told_only_to_who_asked_with_ad_or_do);
ATF_TC_BODY(ad_is_told_only_to_who_asked_with_ad_or_do, tc)
{
	sample_begin(&m, ANSWERED | DNS_AD);
	ask(DNS_RD, true);
	tell();
	ATF_CHECK_EQ(0, told.flags & DNS_AD);
	ask(DNS_RD | DNS_AD, true);
	tell();
	ATF_CHECK(told.flags & DNS_AD);
	ask(DNS_RD, true);
	query.dnssec_ok = true;
	tell();
	ATF_CHECK(told.flags & DNS_AD);
	sample_begin(&m, ANSWERED);
	tell();
	ATF_CHECK_EQ_MSG(0, told.flags & DNS_AD, "nobody said AD");
}

ATF_TC_WITHOUT_HEAD(edns_is_hop_by_hop);
ATF_TC_BODY(edns_is_hop_by_hop, tc)
{
	size_t len;

	sample_begin(&m, ANSWERED);
	message_opt(&m, 4096, 0x8000);
	message_option(&m, DNS_OPT_COOKIE, "0123456789abcdef", 16);
	message_option(&m, DNS_OPT_ECS, "\0\1\x18\x18\xc0\0\2", 7);
	message_option(&m, DNS_OPT_PADDING, "\0\0\0\0", 4);
	message_option(&m, DNS_OPT_KEEPALIVE, "\0\1", 2);
	message_record_end(&m);
	ask(DNS_RD, false);
	tell();
	ATF_CHECK_EQ_MSG(0, told.count[3], "who sent no OPT gets none");
	ask(DNS_RD, true);
	tell();
	ATF_CHECK_EQ(1, told.opts);
	ATF_CHECK_EQ(1400, told.opt_size);
	ATF_CHECK_EQ(0, told.opt_ttl);
	ATF_CHECK_EQ_MSG(0, told.opt_len, "nothing of the upstream's");
	query.dnssec_ok = query.keepalive = query.padding = true;
	tell();
	ATF_CHECK_EQ(0x8000, told.opt_ttl);
	ATF_CHECK_EQ(6, told.opt_len);
	ATF_CHECK(memcmp(naive_option(&told, out, DNS_OPT_KEEPALIVE, 0, &len),
		      "\0\173", 2) == 0);
	reply.tcp = false;
	tell();
	ATF_CHECK_EQ_MSG(0, told.opt_len, "keepalive over UDP");
}

ATF_TC_WITHOUT_HEAD(extended_errors_go_through);
ATF_TC_BODY(extended_errors_go_through, tc)
{
	sample_begin(&m, ANSWERED | DNS_SERVFAIL);
	message_opt(&m, 1232, 0);
	sample_ede(&m, 9, "no DNSKEY matches");
	message_option(&m, DNS_OPT_EDE, "x", 1);
	sample_ede(&m, 22, "");
	sample_ede(&m, 65535, "\xc3\xa4");
	sample_ede(&m, 4, "d");
	sample_ede(&m, 5, "one too many");
	message_record_end(&m);
	ask(DNS_RD, true);
	tell();
	check_ede(0, 9, "no DNSKEY matches");
	check_ede(1, 22, "");
	check_ede(2, 4, "d");
	ATF_CHECK_MSG(!has_ede(3), "65535 is reserved, the fifth too many");
	ask(DNS_RD, false);
	tell();
	ATF_CHECK_EQ(0, told.opts);
}

ATF_TC_WITHOUT_HEAD(an_errors_text_is_whole_utf_8_characters);
ATF_TC_BODY(an_errors_text_is_whole_utf_8_characters, tc)
{
	static const struct {
		const char *said, *told;
	} texts[] = { { "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
			  "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "a\xff", "a" }, { "a\x80", "a" }, { "a\xc3", "a" },
		{ "a\xc3z", "a" }, { "a\xc0\x80", "a" },
		{ "a\xe0\x9f\xbf", "a" }, { "a\xed\xa0\x80", "a" },
		{ "a\xed\x9f\xbf", "a\xed\x9f\xbf" },
		{ "a\xf0\x8f\xbf\xbf", "a" }, { "a\xf4\x90\x80\x80", "a" },
		{ "a\xf4\x8f\xbf\xbf", "a\xf4\x8f\xbf\xbf" },
		{ "a\xf5\x80\x80\x80", "a" } };
	char longest[129 + 2 + 1];
	size_t i;

	ask(DNS_RD, true);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		sample_begin(&m, ANSWERED | DNS_SERVFAIL);
		message_opt(&m, 1232, 0);
		sample_ede(&m, 1, texts[i].said);
		message_record_end(&m);
		tell();
		check_ede(0, 1, texts[i].told);
	}
	/* The character that byte 128 is the second of goes too. */
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + 126, "\xe2\x82\xac", 4);
	sample_begin(&m, ANSWERED | DNS_SERVFAIL);
	message_opt(&m, 1232, 0);
	sample_ede(&m, 1, longest);
	message_record_end(&m);
	tell();
	longest[126] = '\0';
	check_ede(0, 1, longest);
}

ATF_TC_WITHOUT_HEAD(an_extended_rcode_becomes_servfail_with_a_reason);
ATF_TC_BODY(an_extended_rcode_becomes_servfail_with_a_reason, tc)
{
	sample_begin(&m, ANSWERED);
	message_opt(&m, 1232, 1 << 24); /* BADVERS */
	sample_ede(&m, 7, "why");
	message_record_end(&m);
	ask(DNS_RD, true);
	tell();
	ATF_CHECK_EQ(DNS_SERVFAIL, DNS_RCODE(told.flags));
	ATF_CHECK_EQ(0, told.opt_ttl);
	check_ede(0, DNS_EDE_OTHER, "");
	check_ede(1, 7, "why");
	ask(DNS_RD, false);
	tell();
	ATF_CHECK_EQ(DNS_SERVFAIL, DNS_RCODE(told.flags));
}

ATF_TC_WITHOUT_HEAD(what_is_too_long_first_loses_the_additional_section);
ATF_TC_BODY(what_is_too_long_first_loses_the_additional_section, tc)
{
	size_t len;

	sample_begin(&m, ANSWERED);
	sample_text(&m, 1, 1);
	sample_text(&m, 3, 1);
	sample_opt(&m, 0);
	ask(DNS_RD, true);
	len = tell();
	ATF_CHECK_EQ(m.len, len);
	reply.limit = len;
	ATF_CHECK_EQ_MSG(len, tell(), "it fits exactly");
	reply.limit = len - 1;
	tell();
	ATF_CHECK_EQ(1, told.records[1]);
	ATF_CHECK_EQ(0, told.records[3]);
	ATF_CHECK_EQ(1, told.opts);
	ATF_CHECK_EQ_MSG(0, told.flags & DNS_TC, "nothing asked for is lost");
}

ATF_TC_WITHOUT_HEAD(what_is_still_too_long_is_truncated_without_a_record);
ATF_TC_BODY(what_is_still_too_long_is_truncated_without_a_record, tc)
{
	sample_begin(&m, ANSWERED | DNS_NXDOMAIN);
	sample_text(&m, 1, 1);
	sample_text(&m, 2, 1);
	message_opt(&m, 1232, 0);
	sample_ede(&m, 3, "stale");
	message_record_end(&m);
	ask(DNS_RD, true);
	reply.limit = 512;
	ATF_CHECK_EQ(SAMPLE_RECORDS + 11 + 6 + 5, tell());
	ATF_CHECK_EQ(ANSWERED | DNS_TC | DNS_NXDOMAIN, told.flags);
	ATF_CHECK_EQ(0, told.count[1]);
	ATF_CHECK_EQ(0, told.count[2]);
	ATF_CHECK_EQ(1, told.count[3]);
	check_ede(0, 3, "stale");
}

ATF_TC_WITHOUT_HEAD(an_upstreams_own_truncation_stays);
ATF_TC_BODY(an_upstreams_own_truncation_stays, tc)
{
	sample_begin(&m, ANSWERED | DNS_TC);
	ask(DNS_RD, false);
	tell();
	ATF_CHECK_EQ(ANSWERED | DNS_TC, told.flags);
}

ATF_TC_WITHOUT_HEAD(errors_that_do_not_fit_are_cut);
ATF_TC_BODY(errors_that_do_not_fit_are_cut, tc)
{
	static uint8_t name[255];
	char text[129] = "";
	size_t i;

	memset(text, 'e', 128);
	for (i = 0; i < 254; i += 2)
		memcpy(name + i, "\1n", 2);
	message_begin(&m, 1, ANSWERED | DNS_SERVFAIL);
	message_bytes(&m, name, sizeof(name));
	message_u32(&m, 0x00010001);
	message_count(&m, 0, 1);
	message_opt(&m, 1232, 0);
	for (i = 1; i <= 4; i++)
		sample_ede(&m, (uint16_t)i, text);
	message_record_end(&m);
	ask(DNS_RD, true);
	memcpy(query.question.name, name, sizeof(name));
	query.question.name_len = 255;
	reply.limit = 512;
	ATF_CHECK_EQ(512, tell());
	check_ede(0, 1, text);
	/* 512 less header, question, OPT, a whole error and six more bytes. */
	text[512 - 12 - 259 - 11 - 134 - 6] = '\0';
	check_ede(1, 2, text);
	ATF_CHECK(!has_ede(2));
}

ATF_TC_WITHOUT_HEAD(records_behind_the_opt_lose_every_pointer);
ATF_TC_BODY(records_behind_the_opt_lose_every_pointer, tc)
{
	size_t i, at, len;

	sample_begin(&m, ANSWERED);
	sample_text(&m, 1, 1);
	sample_opt(&m, 0);
	for (i = 0; i < SAMPLE_RDATAS; i++)
		sample_rdata(&m, 3, i, 0);
	/* One that points at a name behind the OPT, from its RDATA too. */
	at = m.len;
	message_add(&m, 3, "behind", 16, "\1x", 2);
	message_pointer(&m, at);
	message_record(&m, 3, 15, 60);
	message_bytes(&m, "\0\1\1b", 4);
	message_pointer(&m, at);
	message_record_end(&m);
	ask(DNS_RD, true);
	len = tell(); /* which has held the records against the first */
	ATF_CHECK_EQ(1, told.records[1]);
	ATF_CHECK_EQ(SAMPLE_RDATAS + 2, told.records[3]);
	/* Behind the answer's own owner. */
	for (i = 0, at = SAMPLE_RECORDS + 2; at + 1 < len; at++)
		i += out[at] == 0xc0 && out[at + 1] == 12;
	ATF_CHECK_EQ(0, i);
}

ATF_TC_WITHOUT_HEAD(a_buffer_shorter_than_the_limit_gets_all_or_nothing);
ATF_TC_BODY(a_buffer_shorter_than_the_limit_gets_all_or_nothing, tc)
{
	size_t len, cap;

	sample_begin(&m, ANSWERED);
	sample_text(&m, 1, 1);
	sample_text(&m, 3, 1);
	ask(DNS_RD, true);
	len = tell();
	for (cap = 0; cap < len; cap++)
		ATF_CHECK_EQ(0,
		    dns_answer_write(out, cap, m.b, &answer, &query, &reply));
	ATF_CHECK_EQ(
	    len, dns_answer_write(out, len, m.b, &answer, &query, &reply));
}

ATF_TC_WITHOUT_HEAD(an_error_of_our_own_says_what_is_known);
ATF_TC_BODY(an_error_of_our_own_says_what_is_known, tc)
{
	static const uint8_t notify[12] = { 0x12, 0x34, 0xa0, 0x84 };
	struct dns_ede ede = { 18, 7, (const uint8_t *)"not you" };
	size_t len;

	ask(DNS_RD | DNS_CD | DNS_AD | DNS_TC, true);
	query.dnssec_ok = true;
	reply.limit = 512;
	len = dns_error_write(
	    out, sizeof(out), DNS_REFUSED, &ede, &query, &reply);
	naive_decode(&told, out, len, true);
	ATF_REQUIRE(told.ok);
	ATF_CHECK_EQ(0x1234, told.id);
	ATF_CHECK_EQ(ANSWERED | DNS_CD | DNS_REFUSED, told.flags);
	ATF_CHECK(memcmp(told.qname, query.question.name, told.qname_len) == 0);
	ATF_CHECK_EQ(0x8000, told.opt_ttl);
	check_ede(0, 18, "not you");
	ede.code = DNS_EDE_NONE;
	len = dns_error_write(
	    out, sizeof(out), DNS_BADVERS, &ede, &query, &reply);
	naive_decode(&told, out, len, true);
	ATF_CHECK_EQ(0, DNS_RCODE(told.flags));
	ATF_CHECK_EQ(1 << 24 | 0x8000, told.opt_ttl);
	ATF_CHECK_EQ(0, told.opt_len);
	query.edns = false;
	len = dns_error_write(
	    out, sizeof(out), DNS_BADVERS, NULL, &query, &reply);
	ATF_CHECK_EQ_MSG(DNS_SERVFAIL, out[3] & 15, "no room for BADVERS");
	ATF_CHECK_EQ(SAMPLE_RECORDS, len);
	/* A NOTIFY of which nothing else was read. */
	query.flags = 4 << 11;
	query.question.name_len = 0;
	ATF_CHECK_EQ(12,
	    dns_error_write(
		out, sizeof(out), DNS_NOTIMP, NULL, &query, &reply));
	ATF_CHECK(memcmp(out, notify, 12) == 0);
}

ATF_TC_WITHOUT_HEAD(of_too_many_errors_the_first_are_told);
ATF_TC_BODY(of_too_many_errors_the_first_are_told, tc)
{
	const size_t most = sizeof(((struct dns_told *)0)->ede) /
	    sizeof(((struct dns_told *)0)->ede[0]);
	struct {
		struct dns_told told;
		uint8_t behind[64];
	} room;
	struct dns_ede ede = { DNS_EDE_OTHER, 0, NULL };
	size_t i;

	memset(&room, 0xa5, sizeof(room));
	dns_told_init(&room.told, 0, 0xf);
	ATF_CHECK_EQ(0xf, room.told.rcode);
	ATF_CHECK_EQ(0, room.told.nede);
	ATF_CHECK_EQ(0, room.told.ancount);
	ATF_CHECK_EQ(0, room.told.nscount);
	ATF_CHECK_EQ(0, room.told.arcount);
	for (i = 0; i < most + 2; i++) {
		ede.code = (uint16_t)(100 + i);
		dns_told_add(&room.told, &ede);
	}
	ATF_CHECK_EQ(most, room.told.nede);
	ATF_CHECK_EQ(100, room.told.ede[0].code);
	ATF_CHECK_EQ(100 + most - 1, room.told.ede[most - 1].code);
	for (i = 0; i < sizeof(room.behind); i++)
		ATF_CHECK_EQ(0xa5, room.behind[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, the_client_gets_its_id_its_letters_and_the_same_records);
	ATF_TP_ADD_TC(tp, another_question_is_not_told);
	ATF_TP_ADD_TC(tp, rd_and_cd_are_the_clients_and_z_is_clear);
	ATF_TP_ADD_TC(tp, ad_is_told_only_to_who_asked_with_ad_or_do);
	ATF_TP_ADD_TC(tp, edns_is_hop_by_hop);
	ATF_TP_ADD_TC(tp, extended_errors_go_through);
	ATF_TP_ADD_TC(tp, an_errors_text_is_whole_utf_8_characters);
	ATF_TP_ADD_TC(tp, an_extended_rcode_becomes_servfail_with_a_reason);
	ATF_TP_ADD_TC(tp, what_is_too_long_first_loses_the_additional_section);
	ATF_TP_ADD_TC(tp, what_is_still_too_long_is_truncated_without_a_record);
	ATF_TP_ADD_TC(tp, an_upstreams_own_truncation_stays);
	ATF_TP_ADD_TC(tp, errors_that_do_not_fit_are_cut);
	ATF_TP_ADD_TC(tp, records_behind_the_opt_lose_every_pointer);
	ATF_TP_ADD_TC(tp, a_buffer_shorter_than_the_limit_gets_all_or_nothing);
	ATF_TP_ADD_TC(tp, an_error_of_our_own_says_what_is_known);
	ATF_TP_ADD_TC(tp, of_too_many_errors_the_first_are_told);
	return atf_no_error();
}
