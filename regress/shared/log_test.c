/* The log: one clean line for a message, whoever wrote it. */
#include <atf-c.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "dotproxy/log.h"

static char last[LOG_LINE_MAX + 1];
static int last_priority, lines;

static void
remember(int priority, const char *line)
{
	ATF_REQUIRE(strlen(line) < LOG_LINE_MAX);
	memcpy(last, line, strlen(line) + 1);
	last_priority = priority;
	lines++;
}

static void
begin(bool verbose)
{
	log_init("log_test", verbose);
	log_set_sink(remember);
	lines = 0;
}

ATF_TC_WITHOUT_HEAD(a_foreign_byte_that_moves_a_terminal_is_replaced);
ATF_TC_BODY(a_foreign_byte_that_moves_a_terminal_is_replaced, tc)
{
	char text[1];
	int c;

	begin(false);
	for (c = 1; c < 256; c++) {
		text[0] = (char)c;
		log_foreign(LOG_INFO, "worker", text, 1);
		ATF_REQUIRE_EQ(strlen("worker: x"), strlen(last));
		ATF_CHECK_EQ(c >= ' ' && c <= '~' ? c : '?', last[8]);
	}
	log_foreign(LOG_ERR, "tls", "a\nb\r\033[2Jc\x9b", 10);
	ATF_CHECK_STREQ("tls: a?b??[2Jc?", last);
	ATF_CHECK_EQ(LOG_ERR, last_priority);
}

ATF_TC_WITHOUT_HEAD(a_foreign_text_ends_at_its_length_or_its_nul);
ATF_TC_BODY(a_foreign_text_ends_at_its_length_or_its_nul, tc)
{
	begin(false);
	log_foreign(LOG_INFO, "worker", "abcdef", 3);
	ATF_CHECK_STREQ("worker: abc", last);
	log_foreign(LOG_INFO, "worker", "ab\0cd", 5);
	ATF_CHECK_STREQ("worker: ab", last);
	log_foreign(LOG_INFO, "worker", "", 0);
	ATF_CHECK_STREQ("worker: ", last);
}

ATF_TC_WITHOUT_HEAD(a_foreign_text_is_no_format);
ATF_TC_BODY(a_foreign_text_is_no_format, tc)
{
	begin(false);
	log_foreign(LOG_INFO, "worker", "%s%n%d", 6);
	ATF_CHECK_STREQ("worker: %s%n%d", last);
}

ATF_TC_WITHOUT_HEAD(what_is_longer_than_a_line_is_cut);
ATF_TC_BODY(what_is_longer_than_a_line_is_cut, tc)
{
	static char text[4 * LOG_LINE_MAX];

	begin(false);
	memset(text, 'x', sizeof(text) - 1);
	log_foreign(LOG_INFO, "worker", text, sizeof(text) - 1);
	ATF_CHECK_EQ(LOG_LINE_MAX - 1, strlen(last));
	log_info("%s", text);
	ATF_CHECK_EQ(LOG_LINE_MAX - 1, strlen(last));
	errno = ENOENT;
	log_warn("%s", text);
	ATF_CHECK_EQ(LOG_LINE_MAX - 1, strlen(last));
	ATF_CHECK_EQ(3, lines);
}

ATF_TC_WITHOUT_HEAD(a_message_of_ones_own_is_one_clean_line_too);
ATF_TC_BODY(a_message_of_ones_own_is_one_clean_line_too, tc)
{
	begin(false);
	log_info("one\ntwo\t%s", "\177three");
	ATF_CHECK_STREQ("one?two??three", last);
	ATF_CHECK_EQ(LOG_INFO, last_priority);
}

ATF_TC_WITHOUT_HEAD(a_warning_tells_errno_and_keeps_it);
ATF_TC_BODY(a_warning_tells_errno_and_keeps_it, tc)
{
	begin(false);
	errno = ENOENT;
	log_warn("%s", "open");
	ATF_CHECK_STREQ("open: No such file or directory", last);
	ATF_CHECK_EQ(ENOENT, errno);
	log_warnx("%s", "open");
	ATF_CHECK_STREQ("open", last);
	ATF_CHECK_EQ(LOG_ERR, last_priority);
}

ATF_TC_WITHOUT_HEAD(debug_is_told_only_to_who_asked);
ATF_TC_BODY(debug_is_told_only_to_who_asked, tc)
{
	begin(false);
	log_debug("no");
	ATF_CHECK_EQ(0, lines);
	log_set_verbose(true);
	ATF_CHECK(log_is_verbose());
	log_debug("yes");
	ATF_CHECK_EQ(1, lines);
	ATF_CHECK_EQ(LOG_DEBUG, last_priority);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_foreign_byte_that_moves_a_terminal_is_replaced);
	ATF_TP_ADD_TC(tp, a_foreign_text_ends_at_its_length_or_its_nul);
	ATF_TP_ADD_TC(tp, a_foreign_text_is_no_format);
	ATF_TP_ADD_TC(tp, what_is_longer_than_a_line_is_cut);
	ATF_TP_ADD_TC(tp, a_message_of_ones_own_is_one_clean_line_too);
	ATF_TP_ADD_TC(tp, a_warning_tells_errno_and_keeps_it);
	ATF_TP_ADD_TC(tp, debug_is_told_only_to_who_asked);
	return atf_no_error();
}
