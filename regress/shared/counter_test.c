/* The table of counters: names that a metrics page can take as they are. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"

ATF_TC_WITHOUT_HEAD(no_two_counters_have_one_name_or_one_help);
ATF_TC_BODY(no_two_counters_have_one_name_or_one_help, tc)
{
	size_t i, j;

	for (i = 0; i < COUNTERS; i++)
		for (j = 0; j < i; j++) {
			ATF_CHECK_MSG(strcmp(counter_text[i].name,
					  counter_text[j].name) != 0,
			    "%s", counter_text[i].name);
			ATF_CHECK_MSG(strcmp(counter_text[i].help,
					  counter_text[j].help) != 0,
			    "%s", counter_text[i].help);
		}
}

ATF_TC_WITHOUT_HEAD(names_are_lower_case_words);
ATF_TC_BODY(names_are_lower_case_words, tc)
{
	const char *name;
	size_t i;

	for (i = 0; i < COUNTERS; i++) {
		name = counter_text[i].name;
		ATF_CHECK_MSG(name[0] >= 'a' && name[0] <= 'z', "%s", name);
		ATF_CHECK_MSG(
		    name[strspn(name, "abcdefghijklmnopqrstuvwxyz_")] == '\0',
		    "%s", name);
	}
}

ATF_TC_WITHOUT_HEAD(counting_one_leaves_the_others);
ATF_TC_BODY(counting_one_leaves_the_others, tc)
{
	size_t i;

	counter_inc(queries_udp);
	counter_add(reloads_failed, 41);
	counter_inc(reloads_failed);
	for (i = 0; i < COUNTERS; i++)
		ATF_CHECK_EQ(i == COUNTER_queries_udp ? 1
			: i == COUNTER_reloads_failed ? 42
						      : 0,
		    counter_value[i]);
}

static char lines[4096];

static void
keep_line(int priority, const char *line)
{
	size_t used = strlen(lines);

	(void)priority;
	(void)snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

/* Whoever reads them knows when that is all, also of one without any. */
ATF_TC_WITHOUT_HEAD(what_is_told_says_last_how_much_it_is);
ATF_TC_BODY(what_is_told_says_last_how_much_it_is, tc)
{
	uint64_t value[COUNTERS] = { 0 };

	log_set_sink(keep_line);
	counter_log("nobody", value);
	value[COUNTER_queries_udp] = 7;
	value[COUNTER_reloads_failed] = 1;
	counter_log("one", value);
	ATF_CHECK_STREQ("nobody: counters that are not 0: 0\n"
			"one: queries_udp 7\n"
			"one: reloads_failed 1\n"
			"one: counters that are not 0: 2\n",
	    lines);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, no_two_counters_have_one_name_or_one_help);
	ATF_TP_ADD_TC(tp, names_are_lower_case_words);
	ATF_TP_ADD_TC(tp, counting_one_leaves_the_others);
	ATF_TP_ADD_TC(tp, what_is_told_says_last_how_much_it_is);
	return atf_no_error();
}
