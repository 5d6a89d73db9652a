/*
 * How long is waited.
 */
#include <atf-c.h>

#include "unpriv/tls/patience.h"

static struct patience p;

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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, before_there_are_answers_the_start_is_waited);
	ATF_TP_ADD_TC(tp, it_is_what_ninety_five_of_a_hundred_take);
	ATF_TP_ADD_TC(tp, it_has_bounds);
	ATF_TP_ADD_TC(tp, what_was_long_ago_is_forgotten);
	return atf_no_error();
}
