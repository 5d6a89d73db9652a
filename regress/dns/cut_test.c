/* The empty answer with TC set, of whatever may have come. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/dns/cut.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

/* www.example.com., AAAA, IN, RD and CD, and an OPT. */
static const uint8_t asked[] = "\x12\x34\x01\x30\0\1\0\0\0\0\0\1"
			       "\3wWw\7example\3com\0\0\x1c\0\1"
			       "\0\0\x29\x04\xd0\0\0\0\0\0\0";
#define ASKED	 (sizeof(asked) - 1)
#define QUESTION (12 + 17 + 4)

static uint8_t msg[sizeof(asked)];

CASE(it_has_the_id_and_the_question_and_nothing_else)
{
	(void)tc;
	memcpy(msg, asked, ASKED);
	ATF_REQUIRE_EQ(QUESTION, dns_cut(msg, ASKED));
	/* QR, TC, RD; RA, CD: neither AD nor what was there besides. */
	ATF_CHECK_EQ(0, memcmp(msg, "\x12\x34\x83\x90\0\1\0\0\0\0\0\0", 12));
	ATF_CHECK_EQ(0, memcmp(msg + 12, asked + 12, QUESTION - 12));
}

CASE(half_a_question_gets_none)
{
	size_t len;

	(void)tc;
	for (len = 0; len < QUESTION; len++) {
		memcpy(msg, asked, ASKED);
		ATF_CHECK_EQ_MSG(0, dns_cut(msg, len), "%zu", len);
		ATF_CHECK_EQ(0, memcmp(msg, asked, ASKED));
	}
	memcpy(msg, asked, ASKED);
	ATF_CHECK_EQ(QUESTION, dns_cut(msg, QUESTION));
}

/* An answer that is answered goes on for ever. */
CASE(answers_other_opcodes_and_other_numbers_of_questions_get_none)
{
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = { { 2, 0x81 }, { 2, 0x29 }, { 4, 1 }, { 5, 0 }, { 5, 2 },
		{ 12, 0xc0 }, { 12, 0x41 }, { 12, 64 } };
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(msg, asked, ASKED);
		msg[cases[i].at] = cases[i].value;
		ATF_CHECK_EQ_MSG(0, dns_cut(msg, ASKED), "%zu", i);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, it_has_the_id_and_the_question_and_nothing_else);
	ATF_TP_ADD_TC(tp, half_a_question_gets_none);
	ATF_TP_ADD_TC(
	    tp, answers_other_opcodes_and_other_numbers_of_questions_get_none);
	return atf_no_error();
}
