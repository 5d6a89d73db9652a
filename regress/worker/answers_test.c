/* The cache as questions meet it: what is told from it, and for how long. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/counter.h"

#include "asker.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define T ASKER_START
#define S ((uint64_t)1000)

static const struct asker_question www = { .name = "www.example.",
	.edns = true };
static const struct asker_answer five_minutes = { .records = 1, .ttl = 300 };

/* The table is as it was at first, and everybody has been told. */
static void
expect_empty(void)
{
	ATF_CHECK_EQ(0, asker.table.nused);
	ATF_CHECK_EQ(0, asker.table.nclients);
	ATF_CHECK_EQ(0, asker.table.nwaiting);
	ATF_CHECK_EQ(asker.asked, asker.replied);
}

static void
expect_hit(const struct asker_question *q, uint32_t ttl, uint64_t now)
{
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(q, now));
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_NONE, asker_ede());
	ATF_CHECK_EQ(ttl, asker_ttl());
}

static void
expect_miss(const struct asker_question *q, uint64_t now)
{
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(q, now));
	ATF_CHECK_EQ(1, asker_flush(now));
	(void)asker_stop(now);
}

CASE(a_hit_is_the_clients_own_message)
{
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	ATF_CHECK_EQ(300, asker_ttl());
	q.name = "wWw.Example.";
	expect_hit(&q, 300, T);
	/* Its ID was compared as the reply came; here is its name's case. */
	ATF_CHECK_EQ(0, memcmp(asker.reply.bytes + 12, "\3wWw\7Example", 13));
	ATF_CHECK_EQ(1, counter_value[COUNTER_cache_hits]);
	ATF_CHECK_EQ(1, counter_value[COUNTER_cache_misses]);
	expect_empty();
}

CASE(a_ttl_counts_down_until_the_answer_ends_to_the_millisecond)
{
	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 300, T + 999);
	expect_hit(&www, 299, T + 1000);
	expect_hit(&www, 200, T + 100 * S);
	expect_hit(&www, 1, T + 300 * S - 1);
	(void)asker_flush(T + 300 * S - 1);
	(void)asker_stop(T + 300 * S - 1);
	expect_miss(&www, T + 300 * S);
	expect_empty();
}

CASE(an_answer_stored_a_moment_ahead_of_our_clock_is_new)
{
	(void)tc;
	/* Each worker reads the clock once a turn. */
	asker_up(true);
	asker_fill(&www, &five_minutes, T + 5);
	expect_hit(&www, 300, T);
	expect_empty();
}

CASE(a_hit_has_no_aa_and_ad_only_for_those_who_know_it)
{
	struct asker_answer a = five_minutes;
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	a.flags = DNS_AA | DNS_AD;
	asker_fill(&www, &a, T);
	ATF_CHECK_EQ(0, asker_flags() & DNS_AD);
	/* It is asked for whoever comes, not for the first alone. */
	ATF_CHECK(asker.sent[0].ask & DNS_ASK_AD);
	expect_hit(&www, 300, T);
	ATF_CHECK_EQ(0, asker_flags() & (DNS_AA | DNS_AD));
	q.flags = DNS_AD;
	expect_hit(&q, 300, T);
	ATF_CHECK_EQ(DNS_AD, asker_flags() & (DNS_AA | DNS_AD));
	q.flags = 0;
	q.dnssec_ok = true;
	asker_fill(&q, &a, T);
	expect_hit(&q, 300, T);
	ATF_CHECK_EQ(DNS_AD, asker_flags() & (DNS_AA | DNS_AD));
	expect_empty();
}

CASE(type_class_do_and_cd_each_make_another_answer)
{
	struct asker_question q[5] = { www, www, www, www, www };
	struct asker_answer a = five_minutes;
	int i;

	(void)tc;
	asker_up(true);
	q[1].type = DNS_TYPE_TXT;
	q[2].class = 3;
	q[3].dnssec_ok = true;
	q[4].flags = DNS_CD;
	for (i = 0; i < 5; i++) {
		a.ttl = 100 + (uint32_t)i;
		asker_fill(&q[i], &a, T);
	}
	for (i = 0; i < 5; i++)
		expect_hit(&q[i], 100 + (uint32_t)i, T);
	expect_empty();
}

CASE(the_config_bounds_how_long_an_answer_is_kept)
{
	struct asker_question q = www;
	struct asker_answer a = five_minutes;

	(void)tc;
	asker_up(true);
	asker.settings.ttl_min = 60;
	asker.settings.ttl_max = 200;
	asker_fill(&q, &a, T);
	expect_hit(&q, 200, T);
	expect_miss(&q, T + 200 * S);
	a.ttl = 2;
	q.name = "short.example.";
	asker_fill(&q, &a, T);
	expect_hit(&q, 31, T + 29 * S);
	expect_miss(&q, T + 60 * S);
	a = (struct asker_answer){ .soa = true, .ttl = 900, .minimum = 700 };
	asker.settings.ttl_negative = 30;
	q.name = "nothing.example.";
	asker_fill(&q, &a, T);
	expect_hit(&q, 30, T);
	expect_miss(&q, T + 30 * S);
	expect_empty();
}

CASE(what_does_not_exist_is_kept_as_long_as_its_soa_says)
{
	struct asker_answer a = {
		.rcode = DNS_NXDOMAIN, .soa = true, .ttl = 900, .minimum = 20
	};
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	asker_fill(&q, &a, T);
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&q, T + 5 * S));
	ATF_CHECK_EQ(DNS_NXDOMAIN, asker_rcode());
	ATF_CHECK_EQ(15, asker_ttl());
	expect_miss(&q, T + 20 * S);
	q.name = "nosoa.example.";
	a.soa = false;
	asker_fill(&q, &a, T);
	expect_miss(&q, T);
	expect_empty();
}

CASE(what_was_cut_off_or_has_no_time_is_not_kept)
{
	struct asker_answer a = five_minutes;
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	a.flags = DNS_TC;
	asker_fill(&q, &a, T);
	expect_miss(&q, T);
	a.flags = 0;
	a.ttl = 0;
	q.name = "zero.example.";
	asker_fill(&q, &a, T);
	expect_miss(&q, T);
	expect_empty();
}

/* RFC 8767 4: it is what is true now, though it is for one client only. */
CASE(what_is_not_kept_takes_the_place_of_what_was_kept)
{
	struct asker_answer brief = { .records = 1, .ttl = 0 };
	struct asker_answer gone = { .rcode = DNS_NXDOMAIN };
	struct asker_answer cut = five_minutes;
	const struct asker_answer *news[] = { &brief, &gone };
	uint64_t end = T + 300 * S;
	size_t i;

	(void)tc;
	for (i = 0; i < 2; i++) {
		asker_up(true);
		asker_fill(&www, &five_minutes, T);
		asker_fill(&www, news[i], end);
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, end));
		ATF_REQUIRE_EQ(1, asker_flush(end));
		ATF_CHECK(asker_fails(&asker.sent[0], end));
		ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
		expect_empty();
	}
	/* What was cut off says nothing. */
	cut.flags = DNS_TC;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	asker_fill(&www, &cut, end);
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, end));
	ATF_REQUIRE_EQ(1, asker_flush(end));
	ATF_CHECK(asker_fails(&asker.sent[0], end));
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_STALE, asker_ede());
	expect_empty();
}

CASE(who_does_not_want_recursion_is_told_only_what_is_kept)
{
	struct asker_question q = www;

	(void)tc;
	asker_up(true);
	q.norec = true;
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&q, T));
	ATF_CHECK_EQ(DNS_REFUSED, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_NOT_AUTHORITATIVE, asker_ede());
	asker_fill(&www, &five_minutes, T);
	expect_hit(&q, 290, T + 10 * S);
	ATF_CHECK_EQ(0, asker_flags() & DNS_RD);
	/* What has ended is nobody's without recursion, and asks nobody. */
	ATF_REQUIRE_EQ(QUERY_ANSWERED, asker_ask(&q, T + 301 * S));
	ATF_CHECK_EQ(DNS_REFUSED, asker_rcode());
	ATF_CHECK_EQ(0, asker_flush(T));
	expect_empty();
}

CASE(without_a_cache_every_question_is_asked)
{
	(void)tc;
	asker_up(false);
	asker_fill(&www, &five_minutes, T);
	asker_fill(&www, &five_minutes, T);
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, T));
	ATF_REQUIRE_EQ(1, asker_flush(T));
	ATF_CHECK(asker_fails(&asker.sent[0], T));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
	asker_fill(&www, &five_minutes, T);
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, T));
	ATF_CHECK_EQ(0, asker_expire(T + QUERY_PATIENCE_MS));
	ATF_CHECK_EQ(1, asker_expire(T + QUERY_TIMEOUT_MS));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
	expect_empty();
}

CASE(a_popular_answer_is_asked_for_again_once_before_it_ends)
{
	struct asker_answer a = five_minutes;
	struct asker_question norec = www;

	(void)tc;
	asker_up(true);
	norec.norec = true;
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 200, T + 100 * S);
	expect_hit(&www, 100, T + 200 * S);
	expect_hit(&www, 99, T + 201 * S);
	/* Popular since long, but not before the last tenth. */
	expect_hit(&www, 30, T + 270 * S);
	ATF_CHECK_EQ(0, asker_flush(T + 270 * S));
	/* Whoever it is that asks then: an upstream is asked to recurse. */
	expect_hit(&norec, 29, T + 271 * S);
	expect_hit(&www, 29, T + 271 * S);
	ATF_REQUIRE_EQ(1, asker_flush(T + 271 * S));
	ATF_CHECK_EQ(1, counter_value[COUNTER_cache_prefetched]);
	ATF_CHECK_EQ(0, asker.table.nclients);
	ATF_CHECK_EQ(1, asker.table.nused);
	ATF_CHECK(asker.sent[0].ask & DNS_ASK_RD);
	a.ttl = 400;
	ATF_CHECK(!asker_says(&asker.sent[0], &a, T + 272 * S));
	expect_hit(&www, 390, T + 282 * S);
	ATF_CHECK_EQ(0, asker_flush(T + 282 * S));
	expect_empty();
}

CASE(what_is_wanted_but_seldom_is_not_asked_for_ahead)
{
	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 20, T + 280 * S);
	expect_hit(&www, 10, T + 290 * S);
	ATF_CHECK_EQ(0, asker_flush(T + 290 * S));
	expect_hit(&www, 9, T + 291 * S);
	ATF_CHECK_EQ(1, asker_flush(T + 291 * S));
	/* And that it failed is no client's business. */
	ATF_CHECK(!asker_fails(&asker.sent[0], T + 292 * S));
	expect_hit(&www, 8, T + 292 * S);
	expect_empty();
}

/* However popular it was once: each life is lengthened by those who want it
 * then. */
CASE(who_asks_once_in_the_life_of_an_answer_does_not_lengthen_it)
{
	uint64_t life = 300 * S, now = T + life - 10 * S;

	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 200, T + 100 * S);
	expect_hit(&www, 100, T + 200 * S);
	expect_hit(&www, 10, now);
	ATF_REQUIRE_EQ(1, asker_flush(now));
	ATF_CHECK(!asker_says(&asker.sent[0], &five_minutes, now));
	now += life - 10 * S;
	expect_hit(&www, 10, now);
	ATF_CHECK_EQ(0, asker_flush(now));
	/* It ends, and begins anew with a question. */
	now += 20 * S;
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, now));
	ATF_REQUIRE_EQ(1, asker_flush(now));
	ATF_CHECK(asker_says(&asker.sent[0], &five_minutes, now));
	now += life - 10 * S;
	expect_hit(&www, 10, now);
	ATF_CHECK_EQ(0, asker_flush(now));
	expect_empty();
}

CASE(what_is_wanted_twice_in_each_life_never_ends)
{
	uint64_t now = T;
	int i;

	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, now);
	expect_hit(&www, 300, now);
	for (i = 0; i < 100; i++) {
		expect_hit(&www, 150, now + 150 * S);
		ATF_CHECK_EQ(0, asker_flush(now + 150 * S));
		now += 280 * S;
		expect_hit(&www, 20, now);
		expect_hit(&www, 20, now);
		ATF_REQUIRE_EQ(1, asker_flush(now));
		ATF_CHECK(!asker_says(&asker.sent[0], &five_minutes, now));
	}
	ATF_CHECK_EQ(100, counter_value[COUNTER_cache_prefetched]);
	expect_empty();
}

CASE(asking_ahead_leaves_room_for_clients)
{
	struct asker_question q = www;
	int i;

	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 200, T + 100 * S);
	expect_hit(&www, 100, T + 200 * S);
	q.name = "other.example.";
	for (i = 1; i < QUERY_BACKLOG; i++)
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&q, T + 299 * S));
	expect_hit(&www, 1, T + 299 * S);
	ATF_CHECK_EQ(0, counter_value[COUNTER_cache_prefetched]);
	/* The last place is a client's. */
	ATF_CHECK_EQ(QUERY_IN_FLIGHT, asker_ask(&q, T + 299 * S));
	ATF_CHECK_EQ(QUERY_BACKLOG, asker_stop(T + 299 * S));
	expect_empty();
}

/* Its TLS process may have been broken into since. */
CASE(what_was_in_flight_when_it_was_distrusted_is_told_and_not_kept)
{
	struct asker_question other = www;
	struct asker_sent before;

	(void)tc;
	asker_up(true);
	other.name = "other.example.";
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, T));
	ATF_REQUIRE_EQ(1, asker_flush(T));
	before = asker.sent[0];
	query_distrust(&asker.table);
	asker_fill(&other, &five_minutes, T);
	ATF_CHECK(asker_says(&before, &five_minutes, T));
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	expect_hit(&other, 300, T);
	expect_miss(&www, T);
	/* What takes its place is trusted. */
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 300, T);
	expect_empty();
}

CASE(at_the_end_everybody_is_told_something)
{
	struct asker_question other = www;

	(void)tc;
	asker_up(true);
	asker_fill(&www, &five_minutes, T);
	expect_hit(&www, 290, T + 10 * S);
	expect_hit(&www, 5, T + 295 * S);
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, T + 301 * S));
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, T + 302 * S));
	ATF_CHECK_EQ(2, asker_stop(T + 302 * S));
	/* What was true before, if that is known. */
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_STALE, asker_ede());
	ATF_CHECK_EQ(ANSWERS_STALE_TTL, asker_ttl());
	/* Nothing has failed: the next one is asked. */
	other.name = "other.example.";
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&other, T + 302 * S));
	ATF_CHECK_EQ(1, asker_stop(T + 302 * S));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_NOT_READY, asker_ede());
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&other, T + 302 * S));
	ATF_CHECK_EQ(1, asker_stop(T + 302 * S));
	expect_empty();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_hit_is_the_clients_own_message);
	ATF_TP_ADD_TC(
	    tp, a_ttl_counts_down_until_the_answer_ends_to_the_millisecond);
	ATF_TP_ADD_TC(tp, an_answer_stored_a_moment_ahead_of_our_clock_is_new);
	ATF_TP_ADD_TC(tp, a_hit_has_no_aa_and_ad_only_for_those_who_know_it);
	ATF_TP_ADD_TC(tp, type_class_do_and_cd_each_make_another_answer);
	ATF_TP_ADD_TC(tp, the_config_bounds_how_long_an_answer_is_kept);
	ATF_TP_ADD_TC(tp, what_does_not_exist_is_kept_as_long_as_its_soa_says);
	ATF_TP_ADD_TC(tp, what_was_cut_off_or_has_no_time_is_not_kept);
	ATF_TP_ADD_TC(tp, what_is_not_kept_takes_the_place_of_what_was_kept);
	ATF_TP_ADD_TC(
	    tp, who_does_not_want_recursion_is_told_only_what_is_kept);
	ATF_TP_ADD_TC(tp, without_a_cache_every_question_is_asked);
	ATF_TP_ADD_TC(
	    tp, a_popular_answer_is_asked_for_again_once_before_it_ends);
	ATF_TP_ADD_TC(tp, what_is_wanted_but_seldom_is_not_asked_for_ahead);
	ATF_TP_ADD_TC(
	    tp, who_asks_once_in_the_life_of_an_answer_does_not_lengthen_it);
	ATF_TP_ADD_TC(tp, what_is_wanted_twice_in_each_life_never_ends);
	ATF_TP_ADD_TC(tp, asking_ahead_leaves_room_for_clients);
	ATF_TP_ADD_TC(
	    tp, what_was_in_flight_when_it_was_distrusted_is_told_and_not_kept);
	ATF_TP_ADD_TC(tp, at_the_end_everybody_is_told_something);
	return atf_no_error();
}
