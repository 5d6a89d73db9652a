/*
 * How often is asked again, and who comes last.
 */
#include "script.h"

static struct budget b;
static uint16_t one_of; /* each a domain of its own */

static uint16_t
domain_of(const char *name)
{
	const struct siphash_key key = { 3, 4 };
	struct dns_question q = question_of(name);

	return budget_domain(&key, q.name, q.name_len);
}

ATF_TC_WITHOUT_HEAD(one_in_ten_may_be_asked_again);
ATF_TC_BODY(one_in_ten_may_be_asked_again, tc)
{
	int i, got = 0;

	/* The burst, and then what is earned. */
	for (i = 0; i < BUDGET_BURST; i++)
		ATF_REQUIRE(budget_take(&b, one_of++ % BUDGET_DOMAINS, 1000));
	ATF_CHECK(!budget_take(&b, one_of++ % BUDGET_DOMAINS, 1000));
	for (i = 0; i < 1000; i++) {
		budget_earn(&b);
		got += budget_take(&b, one_of++ % BUDGET_DOMAINS, 1000);
	}
	ATF_CHECK_EQ(100, got);
	/* No more is saved up than the burst. */
	for (i = 0; i < 1000; i++)
		budget_earn(&b);
	for (got = 0; budget_take(&b, one_of++ % BUDGET_DOMAINS, 1000);)
		got++;
	ATF_CHECK_EQ(BUDGET_BURST, got);
}

ATF_TC_WITHOUT_HEAD(one_a_second_may_be_asked_again_in_any_case);
ATF_TC_BODY(one_a_second_may_be_asked_again_in_any_case, tc)
{
	uint64_t now = 1000;
	int i;

	for (i = 0; i < BUDGET_BURST; i++)
		ATF_REQUIRE(budget_take(&b, one_of++ % BUDGET_DOMAINS, now));
	ATF_CHECK_EQ(2000, budget_next(&b, 0, now));
	ATF_CHECK(!budget_take(&b, one_of++ % BUDGET_DOMAINS, now + 999));
	ATF_CHECK(budget_take(&b, one_of++ % BUDGET_DOMAINS, now + 1000));
	ATF_CHECK(!budget_take(&b, one_of++ % BUDGET_DOMAINS, now + 1001));
	ATF_CHECK_EQ(3000, budget_next(&b, 0, now + 1001));
	/* In an hour no more than the burst. */
	for (i = 0; budget_take(&b, one_of++ % BUDGET_DOMAINS, now + 3600000);
	     i++)
		;
	ATF_CHECK_EQ(BUDGET_BURST, i);
	budget_return(&b, 0);
	ATF_CHECK(budget_take(&b, one_of++ % BUDGET_DOMAINS, now + 3600000));
}

ATF_TC_WITHOUT_HEAD(a_domain_is_the_last_two_labels_of_a_name);
ATF_TC_BODY(a_domain_is_the_last_two_labels_of_a_name, tc)
{
	ATF_CHECK_EQ(
	    domain_of("a.b.example.com."), domain_of("c.example.com."));
	ATF_CHECK_EQ(domain_of("example.com."), domain_of("c.example.com."));
	ATF_CHECK(domain_of("example.com.") != domain_of("example.org."));
	ATF_CHECK(domain_of("com.") != domain_of("org."));
	ATF_CHECK(domain_of("com.") != domain_of("example.com."));
	ATF_CHECK(domain_of(".") < BUDGET_DOMAINS);
}

ATF_TC_WITHOUT_HEAD(a_domain_that_nobody_answers_leaves_some_to_others);
ATF_TC_BODY(a_domain_that_nobody_answers_leaves_some_to_others, tc)
{
	uint64_t now = 1000;
	int i;

	for (i = 1; budget_take(&b, 1, now); i++)
		ATF_CHECK_EQ(i >= BUDGET_VAIN, budget_is_last(&b, 1, now));
	ATF_CHECK_EQ(BUDGET_BURST - BUDGET_KEPT + 1, i);
	ATF_CHECK(budget_is_last(&b, 1, now));
	ATF_CHECK(!budget_is_last(&b, 2, now));
	ATF_CHECK_EQ(now + 1000, budget_next(&b, 1, now));
	ATF_CHECK_EQ(now, budget_next(&b, 2, now));
	/* Others have had none in vain. */
	for (i = 0; i < BUDGET_KEPT; i++)
		ATF_CHECK(budget_take(&b, (uint16_t)(2 + i), now));
	ATF_CHECK(!budget_take(&b, 2, now));
	ATF_CHECK_EQ(now + 1000, budget_next(&b, 2, now));
}

ATF_TC_WITHOUT_HEAD(a_domain_whose_questions_are_answered_is_as_any_other);
ATF_TC_BODY(a_domain_whose_questions_are_answered_is_as_any_other, tc)
{
	int i;

	for (i = 0; i < BUDGET_BURST; i++) {
		ATF_CHECK(budget_take(&b, 1, 1000));
		budget_answered(&b, 1, 1);
	}
	ATF_CHECK(!budget_is_last(&b, 1, 1000));
	/* What was given back was not in vain. */
	for (i = 0; i < 2 * BUDGET_VAIN; i++) {
		budget_return(&b, 2);
		ATF_CHECK(budget_take(&b, 2, 1000));
	}
	ATF_CHECK(!budget_is_last(&b, 2, 1000));
	/* More answers than extras are worth nothing. */
	budget_answered(&b, 3, 100);
	for (i = 0; i < BUDGET_VAIN; i++)
		ATF_CHECK(budget_take(&b, 3, 3600000));
	ATF_CHECK(budget_is_last(&b, 3, 3600000));
}

ATF_TC_WITHOUT_HEAD(what_was_in_vain_is_forgotten_in_twelve_seconds);
ATF_TC_BODY(what_was_in_vain_is_forgotten_in_twelve_seconds, tc)
{
	uint64_t now = 1000000;
	int i, n = 0;

	/* However much it was. */
	for (i = 0; i < 10000; i++) {
		budget_earn(&b);
		n += budget_take(&b, 1, now);
	}
	ATF_CHECK(n > 900);
	ATF_CHECK(budget_is_last(&b, 1, now));
	ATF_CHECK(budget_is_last(&b, 1, now + BUDGET_FORGET));
	ATF_CHECK(!budget_is_last(&b, 1, now + 3 * (uint64_t)BUDGET_FORGET));
}

static void
ask_many(unsigned int n, const char *domain)
{
	static uint64_t id;
	char name[64];

	while (n-- > 0) {
		(void)snprintf(
		    name, sizeof(name), "q%u.%s", (unsigned int)++id, domain);
		ask(0, id, name);
	}
}

/* Two connections; so many of one domain are late on the first. */
static void
begin_late(unsigned int n)
{
	begin(1, 2);
	ask_many(n, "silent.example.");
	up(s.opened[0]);
	later(PATIENCE_START);
	s.now += 3;
	up(s.opened[1]);
	ATF_CHECK_EQ(n, counter_value[COUNTER_upstream_overdue]);
}

ATF_TC_WITHOUT_HEAD(a_domain_that_answers_when_asked_again_has_all_of_it);
ATF_TC_BODY(a_domain_that_answers_when_asked_again_has_all_of_it, tc)
{
	size_t i, n;

	begin_late(BUDGET_BURST);
	ATF_CHECK_EQ(BUDGET_VAIN, counter_value[COUNTER_upstream_hedged]);
	n = s.nwritten;
	for (i = BUDGET_BURST; i < n; i++)
		if (s.written[i].question.name_len > 1)
			answer_to(i);
	turn();
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] >= BUDGET_BURST - 1);
}

ATF_TC_WITHOUT_HEAD(the_pool_wakes_for_who_comes_last_once_there_is_enough);
ATF_TC_BODY(the_pool_wakes_for_who_comes_last_once_there_is_enough, tc)
{
	uint64_t start, due = 0;
	size_t opened = 2;

	begin_late(BUDGET_BURST);
	start = s.now - 3;
	/* All else is due at odd times. */
	while (due < start + 1000) {
		s.now = due > s.now + 13 ? due : s.now + 13;
		(void)turn();
		for (; opened < s.nopened; opened++)
			up(s.opened[opened]);
		due = turn();
	}
	ATF_CHECK_EQ(start + 1000, due);
}

ATF_TC_WITHOUT_HEAD(an_extra_that_is_not_needed_any_more_is_given_back);
ATF_TC_BODY(an_extra_that_is_not_needed_any_more_is_given_back, tc)
{
	unsigned int i;
	char domain[32];
	size_t n;

	begin_up();
	for (i = 0; i < 2 * BUDGET_BURST; i++) {
		(void)snprintf(domain, sizeof(domain), "d%u.", i);
		n = s.nwritten;
		ask_many(1, domain);
		/* There is no other connection to ask it on. */
		later(PATIENCE_MAX);
		answer_to(n);
		s.nanswered = 0;
	}
	ATF_CHECK_EQ(0, counter_value[COUNTER_upstream_withheld]);
}

#define TOLD 100000 /* of the others; below are the silent ones */

static uint64_t asked_at[1000], worst;
static size_t nasked, nlost, seen, first, nopened;

/* Each 97th of the others is lost where it is asked first, and none of what is
 * below silent.example is answered; all else is after 10 ms. */
static void
serve(void)
{
	const struct written *w;
	size_t i;

	for (; nopened < s.nopened; nopened++)
		up(s.opened[nopened]);
	for (; seen < s.nwritten; seen++) {
		w = &s.written[seen];
		s.written[seen].due = s.now + 10;
		if (w->question.name[1] == 'z')
			s.written[seen].due = UINT64_MAX;
		else if (w->question.name[1] == 'w' && nlost < nasked / 97) {
			nlost++;
			s.written[seen].due = UINT64_MAX;
		}
	}
	for (i = first; i < s.nwritten; i++)
		if (s.written[i].due == s.now)
			answer_to(i);
	while (first < s.nwritten && s.written[first].due <= s.now)
		first++;
	for (i = 0; i < s.nanswered; i++)
		if (s.answered[i] >= TOLD &&
		    s.now - asked_at[s.answered[i] - TOLD] > worst)
			worst = s.now - asked_at[s.answered[i] - TOLD];
	s.nanswered = 0;
}

/* So many each second; the worst time of the others. */
static void
ask_both(unsigned int silent, unsigned int others)
{
	char name[32];
	unsigned int t;

	begin(1, 2);
	for (t = 0; t < 15000; t++) {
		if (t > 2000 && t % (1000 / silent) == 0) {
			(void)snprintf(
			    name, sizeof(name), "z%u.silent.example.", t);
			ask(0, t, name);
		}
		if (t < 14000 && t % (1000 / others) == 0) {
			(void)snprintf(name, sizeof(name), "www.h%u.org.", t);
			asked_at[nasked] = s.now;
			ask(0, TOLD + nasked++, name);
		}
		serve();
		later(1);
	}
}

ATF_TC_WITHOUT_HEAD(names_that_nobody_answers_cost_others_no_second_chance);
ATF_TC_BODY(names_that_nobody_answers_cost_others_no_second_chance, tc)
{
	ask_both(50, 50);
	ATF_CHECK(nlost >= 7);
	ATF_CHECK(counter_value[COUNTER_upstream_withheld] > 100);
	/* Late once, and answered then. */
	ATF_CHECK_MSG(worst <= PATIENCE_START + 20, "%u", (unsigned int)worst);
	/* All the same they are asked again: one in ten, and one a second. */
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] > 100);
	ATF_CHECK(counter_value[COUNTER_upstream_hedged] <=
	    10 + 15 + (nasked + 650) / 10);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, one_in_ten_may_be_asked_again);
	ATF_TP_ADD_TC(tp, one_a_second_may_be_asked_again_in_any_case);
	ATF_TP_ADD_TC(tp, a_domain_is_the_last_two_labels_of_a_name);
	ATF_TP_ADD_TC(tp, a_domain_that_nobody_answers_leaves_some_to_others);
	ATF_TP_ADD_TC(
	    tp, a_domain_whose_questions_are_answered_is_as_any_other);
	ATF_TP_ADD_TC(tp, what_was_in_vain_is_forgotten_in_twelve_seconds);
	ATF_TP_ADD_TC(tp, a_domain_that_answers_when_asked_again_has_all_of_it);
	ATF_TP_ADD_TC(
	    tp, the_pool_wakes_for_who_comes_last_once_there_is_enough);
	ATF_TP_ADD_TC(tp, an_extra_that_is_not_needed_any_more_is_given_back);
	ATF_TP_ADD_TC(
	    tp, names_that_nobody_answers_cost_others_no_second_chance);
	return atf_no_error();
}
