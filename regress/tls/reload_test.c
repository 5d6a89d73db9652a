/*
 * The pool under another config: what is kept, what ends, what is asked again.
 */
#include "script.h"

ATF_TC_WITHOUT_HEAD(a_reload_moves_what_stays_and_drains_what_goes);
ATF_TC_BODY(a_reload_moves_what_stays_and_drains_what_goes, tc)
{
	const uint32_t moved[] = { UINT32_MAX, 0 }, gone[] = { UINT32_MAX };

	begin_up();
	configure(2, 1, moved);
	turn();
	ask(0, 2, "a.example.");
	ATF_CHECK_EQ(0, s.written[1].conn);
	answer_to(1);
	ask(0, 3, "b.example.");
	configure(1, 1, gone);
	turn();
	/* What is in flight on it may end; nothing new goes there. */
	ask(0, 4, "c.example.");
	up(s.opened[s.nopened - 1]);
	ATF_CHECK_EQ(s.opened[s.nopened - 1], s.written[3].conn);
	ATF_CHECK(s.written[3].conn != 0);
	answer_to(2);
	ATF_CHECK_EQ(3, s.nanswered);
	turn();
	ATF_CHECK_EQ(0, s.closed[s.nclosed - 1]);
}

/* The workers keep what they are told after a reload. */
ATF_TC_WITHOUT_HEAD(who_asks_after_a_reload_is_not_told_an_answer_of_before);
ATF_TC_BODY(who_asks_after_a_reload_is_not_told_an_answer_of_before, tc)
{
	const uint32_t gone[] = { UINT32_MAX };
	size_t answered, written;

	begin_up();
	ask(0, 2, "a.example.");
	written = s.nwritten;
	configure(1, 1, gone);
	turn();
	ask(1, 3, "a.example.");
	up(s.opened[s.nopened - 1]);
	ATF_REQUIRE_EQ(written + 1, s.nwritten);
	answered = s.nanswered;
	answer_to(written - 1);
	ATF_REQUIRE_EQ(answered + 1, s.nanswered);
	answer_to(written);
	ATF_REQUIRE_EQ(answered + 2, s.nanswered);
}

ATF_TC_WITHOUT_HEAD(a_reload_that_changes_the_order_of_preference_is_followed);
ATF_TC_BODY(a_reload_that_changes_the_order_of_preference_is_followed, tc)
{
	const uint32_t swapped[] = { 1, 0 };

	begin(2, 1);
	ask(0, 1, "first.example.");
	up(0);
	answer_to(0);
	configure(2, 1, swapped);
	turn();
	/* What was the first is now the second: it answers while there is no
	 * other, and the one that is preferred now is connected to. */
	ask(0, 2, "a.example.");
	ATF_REQUIRE_EQ(2, s.nwritten);
	ATF_CHECK_EQ(0, s.written[1].conn);
	ATF_REQUIRE_EQ(2, s.nopened);
	ATF_CHECK_EQ(0, s.opened_upstream[1]);
	up(s.opened[1]);
	ask(0, 3, "b.example.");
	ATF_REQUIRE_EQ(3, s.nwritten);
	ATF_CHECK_EQ(s.opened[1], s.written[2].conn);
}

ATF_TC_WITHOUT_HEAD(a_reload_does_not_forget_which_address_failed);
ATF_TC_BODY(a_reload_does_not_forget_which_address_failed, tc)
{
	const uint32_t same[] = { 0 };

	begin(1, 1);
	ask(0, 1, "a.example.");
	end(0, REASON_NO_PIN);
	ATF_CHECK_EQ(1, s.nfailed);
	configure(1, 1, same);
	ask(0, 2, "b.example.");
	ATF_CHECK_EQ(1, s.nopened);
	/* Another address knows nothing of that. */
	configure(1, 1, NULL);
	ask(0, 3, "c.example.");
	ATF_CHECK_EQ(2, s.nopened);
}

ATF_TC_WITHOUT_HEAD(what_drains_too_long_is_asked_again);
ATF_TC_BODY(what_drains_too_long_is_asked_again, tc)
{
	const uint32_t gone[] = { UINT32_MAX };

	begin_up();
	ask(0, 3, "b.example.");
	configure(1, 1, gone);
	later(PATIENCE_MAX);
	ATF_REQUIRE(s.nopened > 1);
	up(s.opened[s.nopened - 1]);
	answer_to(s.nwritten - 1);
	ATF_CHECK_EQ(2, s.nanswered);
	later(POOL_DRAIN - PATIENCE_MAX - 1);
	ATF_CHECK_EQ(0, s.nclosed);
	later(1);
	ATF_REQUIRE_EQ(1, s.nclosed);
	ATF_CHECK_EQ(0, s.closed[0]);
}

ATF_TC_WITHOUT_HEAD(what_an_upstream_of_before_did_is_told_of_no_other);
ATF_TC_BODY(what_an_upstream_of_before_did_is_told_of_no_other, tc)
{
	static const uint32_t other[] = { UINT32_MAX };
	unsigned int i;
	size_t opened;

	begin_up();
	ask(0, 2, "a.example.");
	opened = s.nopened;
	configure(1, 1, other);
	(void)turn();
	end(0, REASON_RESET);
	for (i = 0; i < 40 && s.nfailed == 0; i++) {
		for (; opened < s.nopened; opened++)
			end(s.opened[opened], REASON_REFUSED);
		later(100);
	}
	ATF_REQUIRE_EQ(1, s.nfailed);
	ATF_CHECK_STREQ("upstream: reset", s.text);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_reload_moves_what_stays_and_drains_what_goes);
	ATF_TP_ADD_TC(
	    tp, who_asks_after_a_reload_is_not_told_an_answer_of_before);
	ATF_TP_ADD_TC(
	    tp, a_reload_that_changes_the_order_of_preference_is_followed);
	ATF_TP_ADD_TC(tp, a_reload_does_not_forget_which_address_failed);
	ATF_TP_ADD_TC(tp, what_drains_too_long_is_asked_again);
	ATF_TP_ADD_TC(tp, what_an_upstream_of_before_did_is_told_of_no_other);
	return atf_no_error();
}
