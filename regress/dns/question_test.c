/* Questions by themselves. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/dns/query.h"

static struct dns_question
question(const void *name, size_t len, uint16_t type, uint16_t class)
{
	struct dns_question q = { .name_len = (uint8_t)len,
		.type = type,
		.class = class };

	memcpy(q.name, name, len);
	return q;
}

/* A name as a string literal, whose NUL is the root label. */
#define Q(name, type) question(name, sizeof(name), type, 1)

static void
check_text(const char *want, struct dns_question q)
{
	char text[DNS_QUESTION_TEXT];

	ATF_CHECK_STREQ(want, dns_question_text(&q, text));
}

ATF_TC_WITHOUT_HEAD(questions_are_equal_whatever_the_case);
ATF_TC_BODY(questions_are_equal_whatever_the_case, tc)
{
	struct dns_question a = Q("\3wWw\4a-Z1", 1), b = Q("\3WwW\4A-z1", 1);

	ATF_CHECK(dns_question_equal(&a, &b));
	b.type = 28;
	ATF_CHECK(!dns_question_equal(&a, &b));
	b.type = 1;
	b.class = 3;
	ATF_CHECK(!dns_question_equal(&a, &b));
	b = Q("\3www\4a-z2", 1);
	ATF_CHECK(!dns_question_equal(&a, &b));
	b = Q("\3www\5a-z1x", 1);
	ATF_CHECK(!dns_question_equal(&a, &b));
}

ATF_TC_WITHOUT_HEAD(only_ascii_letters_fold);
ATF_TC_BODY(only_ascii_letters_fold, tc)
{
	struct dns_question a = Q("\7@AZ[\xc4\xe4`", 1);
	struct dns_question b = Q("\7@az[\xc4\xe4`", 1);

	ATF_CHECK(dns_question_equal(&a, &b));
	dns_question_fold(&a);
	ATF_CHECK(memcmp(a.name, b.name, a.name_len) == 0);
	b = Q("\7@az[\xe4\xe4`", 1);
	ATF_CHECK_MSG(!dns_question_equal(&a, &b), "a byte above 127 folded");
	b = Q("\7@az{\xc4\xe4`", 1);
	ATF_CHECK_MSG(!dns_question_equal(&a, &b), "[ is not {");
}

ATF_TC_WITHOUT_HEAD(a_valid_name_ends_where_its_length_says);
ATF_TC_BODY(a_valid_name_ends_where_its_length_says, tc)
{
	struct dns_question q = Q("\3www", 1);

	ATF_CHECK(dns_question_is_valid(&q));
	q.name_len--;
	ATF_CHECK_MSG(!dns_question_is_valid(&q), "no root label");
	q.name_len += 2;
	ATF_CHECK_MSG(!dns_question_is_valid(&q), "bytes behind the root");
	q.name_len = 0;
	ATF_CHECK_MSG(!dns_question_is_valid(&q), "no name");
	q = Q("", 1);
	ATF_CHECK_MSG(dns_question_is_valid(&q), "the root");
	q = question("\3www\xc0\x0c", 6, 1, 1);
	ATF_CHECK_MSG(!dns_question_is_valid(&q), "a pointer");
	memset(q.name, 'x', sizeof(q.name));
	q.name[0] = 64;
	q.name[65] = 0;
	q.name_len = 66;
	ATF_CHECK_MSG(!dns_question_is_valid(&q), "a label of 64 bytes");
}

ATF_TC_WITHOUT_HEAD(a_question_reads_as_in_a_zone_file);
ATF_TC_BODY(a_question_reads_as_in_a_zone_file, tc)
{
	check_text("www.Example.com. AAAA", Q("\3www\7Example\3com", 28));
	check_text(". NS", Q("", 2));
	check_text("a. TYPE65280", Q("\1a", 65280));
	check_text("a. HTTPS", Q("\1a", 65));
	check_text(
	    "version.bind. CH TXT", question("\7version\4bind", 14, 16, 3));
	check_text("a. HS A", question("\1a", 3, 1, 4));
	check_text("a. ANY ANY", question("\1a", 3, 255, 255));
	check_text("a. CLASS9 A", question("\1a", 3, 1, 9));
	check_text("? A", question("", 0, 1, 1));
}

ATF_TC_WITHOUT_HEAD(what_could_deceive_a_reader_of_the_log_is_escaped);
ATF_TC_BODY(what_could_deceive_a_reader_of_the_log_is_escaped, tc)
{
	check_text("a\\.b\\\\. A", Q("\4a.b\\", 1));
	check_text("\\\"\\(\\)\\;\\@\\$. A", Q("\6\"();@$", 1));
	check_text("\\000\\010\\027\\032\\127\\255. A",
	    question("\6\0\n\033 \177\377", 8, 1, 1));
}

ATF_TC_WITHOUT_HEAD(the_longest_text_fits);
ATF_TC_BODY(the_longest_text_fits, tc)
{
	struct dns_question q = {
		.name_len = 255, .type = 65280, .class = 65280
	};
	char text[DNS_QUESTION_TEXT];
	size_t i;

	memset(q.name, 0xff, sizeof(q.name));
	for (i = 0; i < 192; i += 64)
		q.name[i] = 63;
	q.name[192] = 61;
	q.name[254] = 0;
	ATF_REQUIRE(dns_question_is_valid(&q));
	dns_question_text(&q, text);
	ATF_CHECK_EQ(
	    4 * 250 + 4 + strlen(" CLASS65280 TYPE65280"), strlen(text));
}

ATF_TC_WITHOUT_HEAD(the_last_labels_of_a_name_begin_where_one_does);
ATF_TC_BODY(the_last_labels_of_a_name_begin_where_one_does, tc)
{
	static const uint8_t name[] = "\003www\007example\003com";

	ATF_CHECK_EQ(4, dns_name_last(name, sizeof(name), 2));
	ATF_CHECK_EQ(12, dns_name_last(name, sizeof(name), 1));
	ATF_CHECK_EQ(16, dns_name_last(name, sizeof(name), 0));
	/* There are no more. */
	ATF_CHECK_EQ(0, dns_name_last(name, sizeof(name), 3));
	ATF_CHECK_EQ(0, dns_name_last(name, sizeof(name), 4));
	ATF_CHECK_EQ(0, dns_name_last(&name[16], 1, 0));
	ATF_CHECK_EQ(0, dns_name_last(&name[16], 1, 2));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, the_last_labels_of_a_name_begin_where_one_does);
	ATF_TP_ADD_TC(tp, questions_are_equal_whatever_the_case);
	ATF_TP_ADD_TC(tp, only_ascii_letters_fold);
	ATF_TP_ADD_TC(tp, a_valid_name_ends_where_its_length_says);
	ATF_TP_ADD_TC(tp, a_question_reads_as_in_a_zone_file);
	ATF_TP_ADD_TC(tp, what_could_deceive_a_reader_of_the_log_is_escaped);
	ATF_TP_ADD_TC(tp, the_longest_text_fits);
	return atf_no_error();
}
