/*
 * How long is waited, and how often asked again.
 */
#include <atf-c.h>

#include "unpriv/tls/patience.h"

static struct patience p;
static struct budget b;

static void
took(uint64_t ms, int n)
{
	while (n-- > 0)
		patience_add(&p, ms);
}

ATF_TC_WITHOUT_HEAD(before_there_are_answers_the_start_is_waited);
ATF_TC_BODY(before_there_are_answers_the_start_is_waited, tc)
{
	ATF_CHECK_EQ(PATIENCE_START, patience_ms(&p));
	took(1, PATIENCE_SAMPLES - 1);
	ATF_CHECK_EQ(PATIENCE_START, patience_ms(&p));
	took(1, 1);
	ATF_CHECK_EQ(PATIENCE_MIN, patience_ms(&p));
}

ATF_TC_WITHOUT_HEAD(it_is_what_ninety_five_of_a_hundred_take);
ATF_TC_BODY(it_is_what_ninety_five_of_a_hundred_take, tc)
{
	took(30, 95);
	took(300, 5);
	ATF_CHECK_EQ(32, patience_ms(&p));
	took(300, 4);
	ATF_CHECK_EQ(320, patience_ms(&p));
}

ATF_TC_WITHOUT_HEAD(it_has_bounds);
ATF_TC_BODY(it_has_bounds, tc)
{
	took(0, 100);
	ATF_CHECK_EQ(20, patience_ms(&p));
	took(60000, 100);
	ATF_CHECK_EQ(400, patience_ms(&p));
}

ATF_TC_WITHOUT_HEAD(what_was_long_ago_is_forgotten);
ATF_TC_BODY(what_was_long_ago_is_forgotten, tc)
{
	took(200, 100000);
	ATF_CHECK_EQ(200, patience_ms(&p));
	took(10, 4000);
	ATF_CHECK_EQ(20, patience_ms(&p));
	took(200, 100);
	ATF_CHECK_EQ(200, patience_ms(&p));
}

ATF_TC_WITHOUT_HEAD(one_in_ten_may_be_asked_again);
ATF_TC_BODY(one_in_ten_may_be_asked_again, tc)
{
	int i, got = 0;

	/* The burst, and then what is earned. */
	for (i = 0; i < BUDGET_BURST; i++)
		ATF_REQUIRE(budget_take(&b, 1000));
	ATF_CHECK(!budget_take(&b, 1000));
	for (i = 0; i < 1000; i++) {
		budget_earn(&b);
		got += budget_take(&b, 1000);
	}
	ATF_CHECK_EQ(100, got);
	/* No more is saved up than the burst. */
	for (i = 0; i < 1000; i++)
		budget_earn(&b);
	for (got = 0; budget_take(&b, 1000);)
		got++;
	ATF_CHECK_EQ(BUDGET_BURST, got);
}

ATF_TC_WITHOUT_HEAD(one_a_second_may_be_asked_again_in_any_case);
ATF_TC_BODY(one_a_second_may_be_asked_again_in_any_case, tc)
{
	uint64_t now = 1000;
	int i;

	for (i = 0; i < BUDGET_BURST; i++)
		ATF_REQUIRE(budget_take(&b, now));
	ATF_CHECK_EQ(2000, budget_next(&b, now));
	ATF_CHECK(!budget_take(&b, now + 999));
	ATF_CHECK(budget_take(&b, now + 1000));
	ATF_CHECK(!budget_take(&b, now + 1001));
	ATF_CHECK_EQ(3000, budget_next(&b, now + 1001));
	/* In an hour no more than the burst. */
	for (i = 0; budget_take(&b, now + 3600000); i++)
		;
	ATF_CHECK_EQ(BUDGET_BURST, i);
	budget_return(&b);
	ATF_CHECK(budget_take(&b, now + 3600000));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, before_there_are_answers_the_start_is_waited);
	ATF_TP_ADD_TC(tp, it_is_what_ninety_five_of_a_hundred_take);
	ATF_TP_ADD_TC(tp, it_has_bounds);
	ATF_TP_ADD_TC(tp, what_was_long_ago_is_forgotten);
	ATF_TP_ADD_TC(tp, one_in_ten_may_be_asked_again);
	ATF_TP_ADD_TC(tp, one_a_second_may_be_asked_again_in_any_case);
	return atf_no_error();
}
