/* What clients are told while upstreams fail: what was true before, or that
 * it has just failed. */
#include <atf-c.h>

#include "dotproxy/counter.h"

#include "asker.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define T   ASKER_START
#define S   ((uint64_t)1000)
#define END (T + 100 * S) /* of what set_up puts in */

static const struct asker_question www = { .name = "www.example.",
	.edns = true };
static const struct asker_answer servfail = { .rcode = DNS_SERVFAIL };
static const struct asker_answer good = { .records = 1, .ttl = 100 };

static void
set_up(void)
{
	asker_up(true);
	asker_fill(&www, &good, T);
}

static void
expect_empty(void)
{
	ATF_CHECK_EQ(0, asker.table.nused);
	ATF_CHECK_EQ(0, asker.table.nclients);
	ATF_CHECK_EQ(0, asker.table.nwaiting);
	ATF_CHECK_EQ(asker.asked, asker.replied);
}

static void
expect_stale(void)
{
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_STALE, asker_ede());
	ATF_CHECK_EQ(30, asker_ttl());
}

static void
expect_error(uint16_t ede)
{
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
	ATF_CHECK_EQ(ede, asker_ede());
}

/* Asks, and it goes upstream; what for is in asker.sent[0]. */
static void
ask(uint64_t now)
{
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, now));
	ATF_REQUIRE_EQ(1, asker_flush(now));
}

CASE(after_1800_ms_a_client_is_told_what_was_true_before)
{
	struct asker_answer late = good;

	(void)tc;
	set_up();
	ask(END);
	ATF_CHECK_EQ(0, asker_expire(END + 1799));
	ATF_CHECK_EQ(1, asker_expire(END + 1800));
	expect_stale();
	ATF_CHECK(asker.reply.was_in_flight);
	ATF_CHECK_EQ(0, asker_expire(END + 1801));
	ATF_CHECK_EQ(1, asker.table.nused);
	ATF_CHECK_EQ(0, asker.table.nclients);
	/* The answer is too late for this one, not for the next. */
	late.ttl = 77;
	ATF_CHECK(!asker_says(&asker.sent[0], &late, END + 3000));
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END + 3000));
	ATF_CHECK_EQ(77, asker_ttl());
	ATF_CHECK_EQ(DNS_EDE_NONE, asker_ede());
	ATF_CHECK_EQ(1, counter_value[COUNTER_cache_stale]);
	expect_empty();
}

CASE(nobody_is_told_again_when_it_times_out_at_last)
{
	(void)tc;
	set_up();
	ask(END);
	ATF_CHECK_EQ(1, asker_expire(END + QUERY_PATIENCE_MS));
	ATF_CHECK_EQ(0, asker_expire(END + QUERY_TIMEOUT_MS));
	ATF_CHECK_EQ(0, counter_value[COUNTER_queries_timeout]);
	expect_empty();
	/* It counts as a failure: the next one does not wait. */
	ATF_CHECK_EQ(QUERY_ANSWERED, asker_ask(&www, END + QUERY_TIMEOUT_MS));
	expect_stale();
}

CASE(when_upstreams_fail_what_was_true_before_is_told_at_once)
{
	(void)tc;
	set_up();
	ask(END);
	ATF_CHECK(asker_fails(&asker.sent[0], END + 1));
	expect_stale();
	ATF_CHECK(asker.reply.was_in_flight);
	/* Nor are they asked, while that is known. */
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END + 1000));
	expect_stale();
	ask(END + 1001);
	ATF_CHECK(asker_says(&asker.sent[0], &servfail, END + 1001));
	expect_stale();
	expect_empty();
}

/* RFC 8767 4: anything but NOERROR and NXDOMAIN has not renewed it. */
CASE(an_upstream_that_refuses_or_fails_otherwise_does_not_replace_what_was_true)
{
	static const uint16_t rcodes[] = { DNS_FORMERR, DNS_SERVFAIL,
		DNS_NOTIMP, DNS_REFUSED, 9 };
	struct asker_answer failed = { 0 };
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(rcodes) / sizeof(rcodes[0]); i++) {
		set_up();
		ask(END);
		failed.rcode = rcodes[i];
		ATF_CHECK(asker_says(&asker.sent[0], &failed, END));
		expect_stale();
		ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END + 500));
		expect_stale();
	}
	/* That a name is gone is news, though. */
	set_up();
	ask(END);
	failed.rcode = DNS_NXDOMAIN;
	ATF_CHECK(asker_says(&asker.sent[0], &failed, END));
	ATF_CHECK_EQ(DNS_NXDOMAIN, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_NONE, asker_ede());
}

CASE(what_ended_too_long_ago_is_not_told)
{
	(void)tc;
	set_up();
	asker.settings.stale = 50;
	ask(END + 50 * S - 1);
	ATF_CHECK(asker_fails(&asker.sent[0], END + 50 * S - 1));
	expect_stale();
	ask(END + 60 * S);
	ATF_CHECK_EQ(0, asker_expire(END + 60 * S + QUERY_PATIENCE_MS));
	ATF_CHECK(asker_fails(&asker.sent[0], END + 60 * S + 2000));
	expect_error(DNS_EDE_NETWORK_ERROR);
	expect_empty();
}

CASE(with_no_stale_in_the_config_nothing_stale_is_told)
{
	(void)tc;
	set_up();
	asker.settings.stale = 0;
	ask(END);
	ATF_CHECK_EQ(0, asker_expire(END + QUERY_PATIENCE_MS));
	ATF_CHECK_EQ(1, asker_expire(END + QUERY_TIMEOUT_MS));
	expect_error(DNS_EDE_NO_REACHABLE);
	ATF_CHECK_EQ(QUERY_ANSWERED, asker_ask(&www, END + QUERY_TIMEOUT_MS));
	expect_error(DNS_EDE_CACHED_ERROR);
	ATF_CHECK_EQ(1, counter_value[COUNTER_cache_failed]);
	expect_empty();
}

CASE(an_answer_that_came_for_another_meanwhile_is_not_called_stale)
{
	struct asker_answer brief = { .records = 1, .ttl = 7 };
	struct asker_sent first;

	(void)tc;
	set_up();
	ask(END);
	first = asker.sent[0];
	ask(END + 100);
	ATF_CHECK(asker_says(&asker.sent[0], &brief, END + 200));
	ATF_CHECK_EQ(1, asker_expire(END + QUERY_PATIENCE_MS));
	ATF_CHECK_EQ(DNS_EDE_NONE, asker_ede());
	ATF_CHECK_EQ(6, asker_ttl());
	ATF_CHECK(!asker_says(&first, &brief, END + 2000));
	expect_empty();
}

/* It fails at now, and is known to have for so many seconds. */
static void
fail_for(uint64_t now, uint64_t seconds)
{
	ask(now);
	ATF_CHECK(asker_fails(&asker.sent[0], now));
	expect_error(DNS_EDE_NETWORK_ERROR);
	ATF_REQUIRE_EQ_MSG(QUERY_ANSWERED,
	    asker_ask(&www, now + seconds * S - 1), "not %ju s",
	    (uintmax_t)seconds);
	expect_error(DNS_EDE_CACHED_ERROR);
	ATF_CHECK_EQ(0, asker_flush(now));
}

CASE(a_failure_is_remembered_longer_each_time_up_to_a_minute)
{
	const uint64_t seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	uint64_t now = T;
	size_t i;

	(void)tc;
	asker_up(true);
	for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		fail_for(now, seconds[i]);
		now += seconds[i] * S;
	}
	/* After a quiet time it begins again. */
	fail_for(now + 60 * S, 1);
	ask(now + 61 * S);
	ATF_CHECK(asker_says(&asker.sent[0], &good, now + 61 * S));
	expect_empty();
}

CASE(what_fails_for_many_at_once_has_failed_once)
{
	struct asker_sent sent[10];
	int i;

	(void)tc;
	asker_up(true);
	for (i = 0; i < 10; i++) {
		ask(T);
		sent[i] = asker.sent[0];
	}
	for (i = 0; i < 10; i++)
		ATF_CHECK(asker_fails(&sent[i], T + 10));
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, T + 1009));
	expect_error(DNS_EDE_CACHED_ERROR);
	fail_for(T + 1010, 2);
	expect_empty();
}

CASE(a_failure_is_forgotten_after_a_success)
{
	struct asker_answer brief = { .records = 1, .ttl = 1 };

	(void)tc;
	asker_up(true);
	asker.settings.stale = 0;
	fail_for(T, 1);
	fail_for(T + S, 2);
	ask(T + 3 * S);
	ATF_CHECK(asker_says(&asker.sent[0], &brief, T + 3 * S));
	fail_for(T + 4 * S, 1);
	/* Also by an answer that may not be kept. */
	brief.ttl = 0;
	ask(T + 5 * S);
	ATF_CHECK(asker_says(&asker.sent[0], &brief, T + 5 * S));
	fail_for(T + 6 * S, 1);
	expect_empty();
}

CASE(a_failure_is_forgotten_with_the_config_it_happened_under)
{
	(void)tc;
	asker_up(true);
	fail_for(T, 1);
	fail_for(T + S, 2);
	asker.settings.generation++;
	fail_for(T + S + 1, 1);
	expect_empty();
}

CASE(a_failure_of_one_question_is_not_anothers)
{
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	fail_for(T, 1);
	q.flags = DNS_CD;
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, asker_ask(&q, T));
	q.flags = 0;
	q.type = DNS_TYPE_AAAA;
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, asker_ask(&q, T));
	ATF_CHECK_EQ(2, asker_stop(T));
	expect_empty();
}

CASE(what_an_upstream_refuses_or_garbles_is_not_asked_again_at_once)
{
	struct asker_answer refused = { .rcode = DNS_REFUSED };
	struct asker_sent wrong;

	(void)tc;
	asker_up(true);
	ask(T);
	ATF_CHECK(asker_says(&asker.sent[0], &refused, T));
	ATF_CHECK_EQ(DNS_REFUSED, asker_rcode());
	/* As it was told, and that it is told from memory. */
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, T));
	ATF_CHECK_EQ(DNS_REFUSED, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_CACHED_ERROR, asker_ede());
	ask(T + 1 * S);
	wrong = asker.sent[0];
	wrong.question.name[1] = 'x';
	ATF_CHECK(asker_says(&wrong, &good, T + 1 * S));
	expect_error(DNS_EDE_INVALID_DATA);
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, T + 1 * S));
	expect_error(DNS_EDE_CACHED_ERROR);
	expect_empty();
}

CASE(who_cannot_be_asked_for_is_told_what_was_true_before)
{
	struct asker_question other = www;
	int i;

	(void)tc;
	set_up();
	other.name = "other.example.";
	for (i = 0; i < QUERY_BACKLOG; i++)
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&other, END));
	/* More than can be asked. */
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END));
	expect_stale();
	ATF_CHECK_EQ(1, counter_value[COUNTER_queries_shed]);
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&other, END));
	expect_error(DNS_EDE_OTHER);
	ATF_CHECK_EQ(QUERY_BACKLOG, asker_stop(END));
	/* Nobody to ask. */
	query_absent(&asker.table, END);
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END + QUERY_ABSENT_MS));
	expect_stale();
	query_present(&asker.table);
	expect_empty();
}

CASE(a_flood_beneath_its_zone_takes_no_answer_of_before)
{
	static _Alignas(64) uint8_t memory[CONF_LIMIT_MEMORY_MIN];
	const struct conf_limit conf = { .burst = 1,
		.prefix = 32,
		.prefix6 = 56,
		.memory = sizeof(memory),
		.zone_rate = 1,
		.zone_burst = 1,
		.zone_labels = 1 };
	struct asker_question random = www;

	(void)tc;
	set_up();
	guard_init(&asker.table.guard, &conf, memory);
	random.name = "a1b2.example.";
	ask(END);
	ATF_CHECK(asker_says(&asker.sent[0], &servfail, END));
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&random, END));
	expect_error(DNS_EDE_OTHER);
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, END + 1500));
	ATF_REQUIRE_EQ(1, asker_flush(END + 1500));
	ATF_CHECK(asker_says(&asker.sent[0], &good, END + 1500));
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&random, END + 110 * S));
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&www, END + 110 * S));
	expect_stale();
	(void)asker_stop(END + 110 * S);
	expect_empty();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, after_1800_ms_a_client_is_told_what_was_true_before);
	ATF_TP_ADD_TC(tp, nobody_is_told_again_when_it_times_out_at_last);
	ATF_TP_ADD_TC(
	    tp, when_upstreams_fail_what_was_true_before_is_told_at_once);
	ATF_TP_ADD_TC(tp,
	    an_upstream_that_refuses_or_fails_otherwise_does_not_replace_what_was_true);
	ATF_TP_ADD_TC(tp, what_ended_too_long_ago_is_not_told);
	ATF_TP_ADD_TC(tp, with_no_stale_in_the_config_nothing_stale_is_told);
	ATF_TP_ADD_TC(
	    tp, an_answer_that_came_for_another_meanwhile_is_not_called_stale);
	ATF_TP_ADD_TC(
	    tp, a_failure_is_remembered_longer_each_time_up_to_a_minute);
	ATF_TP_ADD_TC(tp, what_fails_for_many_at_once_has_failed_once);
	ATF_TP_ADD_TC(tp, a_failure_is_forgotten_after_a_success);
	ATF_TP_ADD_TC(
	    tp, a_failure_is_forgotten_with_the_config_it_happened_under);
	ATF_TP_ADD_TC(tp, a_failure_of_one_question_is_not_anothers);
	ATF_TP_ADD_TC(
	    tp, what_an_upstream_refuses_or_garbles_is_not_asked_again_at_once);
	ATF_TP_ADD_TC(tp, who_cannot_be_asked_for_is_told_what_was_true_before);
	ATF_TP_ADD_TC(tp, a_flood_beneath_its_zone_takes_no_answer_of_before);
	return atf_no_error();
}
