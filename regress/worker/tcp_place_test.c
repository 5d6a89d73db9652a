/* Which connection goes when there is room for no more. */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/worker/tcp_place.h"

#define CONNS 64

static struct places places;
static struct source_table sources;
static struct conn conns[CONNS];
static uint8_t rooms[CONNS][STREAM_ROOM];
static unsigned int nconns;

static void
begin(void)
{
	memset(&sources, 0, sizeof(sources));
	sources.bits4 = 32;
	sources.bits6 = 56;
	places_init(&places);
	nconns = 0;
}

static struct conn *
open_from(const char *text, uint64_t now)
{
	struct conn *c = &conns[nconns];
	struct netaddr a;

	ATF_REQUIRE(netaddr_parse(&a, text));
	memset(c, 0, sizeof(*c));
	c->source = source_add(&sources, &a, CONNS);
	ATF_REQUIRE(c->source != SOURCE_NONE);
	stream_init(&c->stream, rooms[nconns++], now);
	places_add(&places, c);
	return c;
}

/* So many bytes come, as a turn of the worker takes them. */
static void
receive(struct conn *c, const uint8_t *bytes, size_t n, uint64_t now)
{
	const uint8_t *msg;
	size_t len;
	bool cut;

	memcpy(stream_space(&c->stream, &len), bytes, n);
	stream_received(&c->stream, n, now);
	while (stream_next(&c->stream, &msg, &len, &cut)) {
		c->asked = true;
		c->stream.in_flight++;
	}
	stream_settle(&c->stream, now);
	places_move(&places, c, now);
}

static void
ask(struct conn *c, uint64_t now)
{
	static const uint8_t question[] = { 0, 3, 'a', 'b', 'c' };

	receive(c, question, sizeof(question), now);
}

static void
half(struct conn *c, uint64_t now)
{
	static const uint8_t beginning[] = { 0, 30, 'a' };

	receive(c, beginning, sizeof(beginning), now);
}

static void
answered(struct conn *c, uint64_t now)
{
	c->stream.in_flight = 0;
	c->stream.idle_since = now;
	places_move(&places, c, now);
}

static struct conn *
goes(uint32_t count, uint64_t now)
{
	return places_least_missed(&places, &sources, count, now);
}

/* They go in this order, and nobody else does. */
static void
go_in_order(struct conn *const *order, size_t n, uint32_t count, uint64_t now)
{
	struct conn *c;
	size_t i;

	for (i = 0; i < n; i++) {
		c = goes(count, now);
		ATF_REQUIRE_MSG(c == order[i], "%zu: %td instead of %td", i,
		    c == NULL ? -1 : c - conns, order[i] - conns);
		places_remove(&places, c);
	}
	ATF_CHECK(goes(count, now) == NULL);
}

ATF_TC_WITHOUT_HEAD(the_slow_go_first_then_the_silent_then_the_idle);
ATF_TC_BODY(the_slow_go_first_then_the_silent_then_the_idle, tc)
{
	struct conn *idle[2], *silent[2], *slow[2], *order[6];
	int i;

	begin();
	for (i = 0; i < 2; i++) {
		idle[i] = open_from("10.0.0.1", 1000);
		ask(idle[i], 1000);
	}
	answered(idle[1], 1010);
	answered(idle[0], 1020);
	silent[0] = open_from("10.0.0.2", 1100);
	silent[1] = open_from("10.0.0.2", 1200);
	slow[0] = open_from("10.0.0.3", 1250);
	slow[1] = open_from("10.0.0.3", 1300);
	half(slow[1], 1310);
	half(slow[0], 1320);
	/* More of the same half makes it no younger. */
	receive(slow[1], (const uint8_t *)"x", 1, 1400);
	order[0] = slow[1];
	order[1] = slow[0];
	order[2] = silent[0];
	order[3] = silent[1];
	order[4] = idle[1];
	order[5] = idle[0];
	go_in_order(order, 6, 1, 2000);
}

ATF_TC_WITHOUT_HEAD(who_has_just_come_has_a_moment_to_ask);
ATF_TC_BODY(who_has_just_come_has_a_moment_to_ask, tc)
{
	struct conn *now_half, *silent, *fresh, *order[3];

	begin();
	silent = open_from("10.0.0.2", 1000);
	now_half = open_from("10.0.0.1", 1150);
	half(now_half, 1150);
	fresh = open_from("10.0.0.3", 1190);
	order[0] = silent;
	order[1] = now_half;
	order[2] = fresh;
	go_in_order(order, 3, 1, 1000 + PLACE_GRACE_MS);
}

ATF_TC_WITHOUT_HEAD(a_flood_of_silent_ones_costs_no_one_who_asked);
ATF_TC_BODY(a_flood_of_silent_ones_costs_no_one_who_asked, tc)
{
	struct conn *quick = NULL, *c;
	int i;

	begin();
	quick = open_from("10.0.0.1", 1000);
	ask(quick, 1000);
	answered(quick, 1001);
	for (i = 0; i < CONNS - 1; i++)
		(void)open_from("10.0.0.2", 1002);
	for (i = 0; i < CONNS - 1; i++) {
		c = goes(1, 1002);
		ATF_REQUIRE(c != NULL && c != quick);
		places_remove(&places, c);
	}
	ATF_CHECK(goes(1, 1002) == quick);
}

/* Those of one turn may all have just asked: for what is more than the silent
 * ones of before, the idle go. A flood gets no more of their places than that,
 * however long it lasts. */
ATF_TC_WITHOUT_HEAD(a_flood_takes_a_turns_places_of_the_idle_and_no_more);
ATF_TC_BODY(a_flood_takes_a_turns_places_of_the_idle_and_no_more, tc)
{
	enum { IDLE = 32, TURN = 8, TURNS = 3 };
	struct conn *c, *came[TURN];
	unsigned int i, turn, idle = 0;

	begin();
	for (i = 0; i < IDLE; i++) {
		c = open_from("10.0.0.1", 1000);
		ask(c, 1000);
		answered(c, 1001);
	}
	for (turn = 0; turn < TURNS; turn++) {
		for (i = 0; i < TURN; i++) {
			c = goes(1, 1002 + turn);
			ATF_REQUIRE(c != NULL && !c->dirty);
			idle += c->asked;
			places_remove(&places, c);
			came[i] = open_from("10.0.0.2", 1002 + turn);
			came[i]->dirty = true;
		}
		for (i = 0; i < TURN; i++)
			came[i]->dirty = false;
	}
	ATF_CHECK_EQ(TURN, idle);
}

ATF_TC_WITHOUT_HEAD(who_may_have_just_asked_is_left_alone);
ATF_TC_BODY(who_may_have_just_asked_is_left_alone, tc)
{
	struct conn *a, *b;

	begin();
	a = open_from("10.0.0.1", 1000);
	b = open_from("10.0.0.1", 1000);
	a->dirty = true;
	ATF_CHECK(goes(1, 2000) == b);
	b->dirty = true;
	ATF_CHECK(goes(1, 2000) == NULL);
}

ATF_TC_WITHOUT_HEAD(of_those_that_wait_the_client_with_most_loses_one);
ATF_TC_BODY(of_those_that_wait_the_client_with_most_loses_one, tc)
{
	struct conn *greedy[3], *one;
	int i;

	begin();
	one = open_from("2001:db8:1::1", 1000);
	ask(one, 1000);
	/* One client: the /56 is one site. */
	greedy[0] = open_from("2001:db8::1", 1001);
	greedy[1] = open_from("2001:db8:0:1::1", 1001);
	greedy[2] = open_from("2001:db8:0:ff::1", 1001);
	for (i = 0; i < 3; i++)
		ask(greedy[i], 1001);
	/* The newcomer is the first of its client. */
	ATF_CHECK(goes(1, 1002) == greedy[0]);
	/* With the newcomer, its client has two: they would be even. */
	ATF_CHECK(goes(2, 1002) == NULL);
	ATF_CHECK(goes(3, 1002) == NULL);
}

ATF_TC_WITHOUT_HEAD(who_begins_another_question_is_as_slow_as_that);
ATF_TC_BODY(who_begins_another_question_is_as_slow_as_that, tc)
{
	static const uint8_t rest_and_half[] = { 'b', 0, 9, 'x' };
	static const uint8_t beginning[] = { 0, 2, 'a' };
	struct conn *a, *b, *order[2];

	begin();
	a = open_from("10.0.0.1", 1000);
	b = open_from("10.0.0.2", 1000);
	receive(a, beginning, sizeof(beginning), 1000);
	half(b, 1100);
	receive(a, rest_and_half, sizeof(rest_and_half), 1200);
	answered(a, 1200);
	order[0] = b;
	order[1] = a;
	go_in_order(order, 2, 1, 2000);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, the_slow_go_first_then_the_silent_then_the_idle);
	ATF_TP_ADD_TC(tp, who_has_just_come_has_a_moment_to_ask);
	ATF_TP_ADD_TC(tp, a_flood_of_silent_ones_costs_no_one_who_asked);
	ATF_TP_ADD_TC(tp, a_flood_takes_a_turns_places_of_the_idle_and_no_more);
	ATF_TP_ADD_TC(tp, who_may_have_just_asked_is_left_alone);
	ATF_TP_ADD_TC(tp, of_those_that_wait_the_client_with_most_loses_one);
	ATF_TP_ADD_TC(tp, who_begins_another_question_is_as_slow_as_that);
	return atf_no_error();
}
