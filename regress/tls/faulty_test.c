/*
 * What faults of the one upstream there is cost the questions that flow to it:
 * a model of it, on the test's clock. No question may be lost, or late.
 */
#include "script.h"

#define ASKED	1200 /* at most */
#define CONNECT 2 /* ms, and */
#define ANSWER	1

/* What is wrong with it. 0: nothing. */
struct fault {
	unsigned int stall_after, reset_after; /* answers on a connection */
	unsigned int pause_every, pause_for; /* ms: answers none, then all */
};

static struct fault fault;
static uint32_t seed;
static uint64_t asked_at[ASKED];
static uint64_t took[ASKED];
static bool done[ASKED];
static unsigned int gave[POOL_CONNS]; /* answers on a connection */
static uint64_t up_at[POOL_CONNS]; /* 0: it is up */
static size_t born[POOL_CONNS]; /* what was written before is another's */
static size_t seen_opened, seen_written, first;
static unsigned int nasked, nanswered;

static void ask_next(void);
static void open_all(void);
static void answer_all(void);
static void note_answers(void);

/* So many questions, one every 2 to 8 ms, and until all of them are answered or
 * have failed. */
static void
run(unsigned int n)
{
	uint64_t next = 0;

	begin(1, 1);
	seen_opened = seen_written = first = 0;
	nasked = nanswered = 0;
	memset(done, 0, sizeof(done));
	memset(up_at, 0, sizeof(up_at));
	while (nanswered < n && s.now < 30000) {
		if (nasked < n && s.now >= next) {
			ask_next();
			seed = seed * 1103515245 + 12345;
			next = s.now + 2 + (seed >> 16) % 7;
		}
		open_all();
		answer_all();
		(void)turn();
		note_answers();
		s.now++;
	}
}

static void
ask_next(void)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "q%u.example.", nasked);
	asked_at[nasked] = s.now;
	ask(0, nasked++, name);
}

/* When what is sent at that time is read. */
static uint64_t
read_at(uint64_t when)
{
	uint64_t in;

	if (fault.pause_every == 0)
		return when;
	in = (when - 1000) % fault.pause_every;
	if (when < 1000 + fault.pause_every || in >= fault.pause_for)
		return when;
	return when + fault.pause_for - in;
}

static void
open_all(void)
{
	uint32_t i;

	for (; seen_opened < s.nopened; seen_opened++) {
		i = s.opened[seen_opened];
		gave[i] = 0;
		born[i] = s.nwritten;
		up_at[i] = read_at(s.now) + CONNECT;
	}
	for (i = 0; i < POOL_CONNS; i++)
		if (up_at[i] != 0 && up_at[i] <= s.now) {
			up_at[i] = 0;
			pool_conn_connected(s.pool, i, s.now);
			pool_conn_up(s.pool, i, s.now);
		}
}

static void
answer_all(void)
{
	struct written *w;
	size_t i;

	for (; seen_written < s.nwritten; seen_written++)
		s.written[seen_written].due = read_at(s.now) + ANSWER;
	for (i = first; i < s.nwritten; i++) {
		w = &s.written[i];
		if (!w->over && w->due > s.now)
			continue;
		if (w->over || i < born[w->conn]) {
			if (i == first)
				first++;
			continue;
		}
		w->over = true;
		if (fault.stall_after != 0 &&
		    gave[w->conn] >= fault.stall_after)
			continue;
		gave[w->conn]++;
		if (!say(w->conn, w->id, &w->question, DNS_QR))
			continue;
		if (gave[w->conn] == fault.reset_after)
			pool_conn_ended(s.pool, w->conn, REASON_RESET, s.now);
	}
}

static void
note_answers(void)
{
	size_t i;

	for (i = 0; i < s.nanswered; i++) {
		took[s.answered[i]] = s.now - asked_at[s.answered[i]];
		done[s.answered[i]] = true;
		nanswered++;
	}
	s.nanswered = 0;
}

static uint64_t
worst(void)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i < nasked; i++)
		if (done[i] && took[i] > most)
			most = took[i];
	return most;
}
/* The same for many runs: the worst of all, and none may fail. */
static uint64_t
worst_of(unsigned int runs, unsigned int questions)
{
	uint64_t most = 0;
	unsigned int i;

	for (i = 0; i < runs; i++) {
		seed = i;
		run(questions);
		ATF_REQUIRE_EQ_MSG(questions, nanswered, "run %u: %u of %u", i,
		    nanswered, questions);
		ATF_REQUIRE_EQ(0, s.nfailed);
		if (worst() > most)
			most = worst();
	}
	return most;
}

ATF_TC_WITHOUT_HEAD(stalls_after_20_answers_cost_one_patience);
ATF_TC_BODY(stalls_after_20_answers_cost_one_patience, tc)
{
	fault.stall_after = 20;
	ATF_CHECK(worst_of(20, 1000) < PATIENCE_MIN + 10);
}

ATF_TC_WITHOUT_HEAD(stalls_after_10_answers_cost_less_than_two_patiences);
ATF_TC_BODY(stalls_after_10_answers_cost_less_than_two_patiences, tc)
{
	fault.stall_after = 10;
	ATF_CHECK(worst_of(20, 1000) < 2 * PATIENCE_MIN);
}

/* All that an address may have in doubt is, time and again. */
ATF_TC_WITHOUT_HEAD(stalls_after_2_answers_fail_no_question);
ATF_TC_BODY(stalls_after_2_answers_fail_no_question, tc)
{
	fault.stall_after = 2;
	ATF_CHECK(worst_of(20, 1000) < 1000);
}

ATF_TC_WITHOUT_HEAD(a_pause_costs_no_question_more_than_the_pause);
ATF_TC_BODY(a_pause_costs_no_question_more_than_the_pause, tc)
{
	fault.pause_every = 1500;
	fault.pause_for = 400;
	ATF_CHECK(worst_of(10, 1000) < 410);
	fault.reset_after = 10;
	ATF_CHECK(worst_of(10, 1000) < 410);
}

/* The budget is spent, there is nothing to compare with, and more of what is
 * silent than of what is not. */
ATF_TC_WITHOUT_HEAD(after_a_long_pause_of_what_stalls_no_question_is_forgotten);
ATF_TC_BODY(after_a_long_pause_of_what_stalls_no_question_is_forgotten, tc)
{
	unsigned int n;

	fault.stall_after = 20;
	fault.pause_every = 2500;
	fault.pause_for = 1200;
	for (n = 1000; n < 1200; n += 8)
		(void)worst_of(2, n);
	fault.pause_every = 1500;
	fault.pause_for = 400;
	ATF_CHECK(worst_of(20, 1000) < 500);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, stalls_after_20_answers_cost_one_patience);
	ATF_TP_ADD_TC(tp, stalls_after_10_answers_cost_less_than_two_patiences);
	ATF_TP_ADD_TC(tp, stalls_after_2_answers_fail_no_question);
	ATF_TP_ADD_TC(tp, a_pause_costs_no_question_more_than_the_pause);
	ATF_TP_ADD_TC(
	    tp, after_a_long_pause_of_what_stalls_no_question_is_forgotten);
	return atf_no_error();
}
