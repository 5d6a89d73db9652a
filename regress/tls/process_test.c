/*
 * A real dotproxy-tls, between a parent, workers and TLS servers that the test
 * plays: what an upstream may do to it, and what it must never do.
 */
#include <atf-c.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "dotproxy/sandbox.h"

#include "process.h"

ATF_TC_WITHOUT_HEAD(a_question_is_answered_over_a_pinned_connection);
ATF_TC_BODY(a_question_is_answered_over_a_pinned_connection, tc)
{
	struct house ours = new_house("ours");
	struct harness_upstream u;
	const struct harness_answer *a;

	harness_start(&h);
	ATF_CHECK((h.layers & SANDBOX_SECCOMP) != 0);
	u = upstream(&ours,
	    harness_serve(&h, ours.leaf, ours.inter, SERVER_GOOD), ours.root);
	harness_configure(&h, &u, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 77, "www.example.com.");
	harness_answers(&h, 1);
	a = harness_answer_of(&h, 0, 77);
	ATF_CHECK_EQ_MSG(IPC_ANSWERED, a->kind, "%s", a->body);
	/* The padding of the answer stayed behind: question and empty OPT. */
	ATF_CHECK_EQ(12 + 17 + 4 + 11, a->len);
	harness_count(&h);
	ATF_CHECK_EQ(1, h.counters.value[COUNTER_upstream_connected]);
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(a_refused_connection_fails_the_question_at_once);
ATF_TC_BODY(a_refused_connection_fails_the_question_at_once, tc)
{
	struct house ours = new_house("ours");

	harness_start(&h);
	one = upstream(&ours, harness_nobody(), NULL);
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: refused");
	harness_log(&h, "connection refused");
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(an_error_of_the_parent_is_told);
ATF_TC_BODY(an_error_of_the_parent_is_told, tc)
{
	struct house ours = new_house("ours");

	harness_start(&h);
	one = upstream(&ours, harness_nobody(), NULL);
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
	h.refuse = ENETUNREACH;
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: unreachable");
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_speaks_no_tls_is_a_tls_failure);
ATF_TC_BODY(an_upstream_that_speaks_no_tls_is_a_tls_failure, tc)
{
	struct house ours = new_house("ours");

	start_one(&ours, ours.leaf, NULL, SERVER_NO_TLS);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: TLS failure");
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_closes_in_the_handshake_is_told);
ATF_TC_BODY(an_upstream_that_closes_in_the_handshake_is_told, tc)
{
	struct house ours = new_house("ours");

	start_one(&ours, ours.leaf, NULL, SERVER_CLOSES);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	ATF_CHECK_EQ(IPC_FAILED, harness_answer_of(&h, 0, 1)->kind);
	harness_log(&h, "in the handshake");
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(what_fails_again_and_again_is_logged_once_a_minute);
ATF_TC_BODY(what_fails_again_and_again_is_logged_once_a_minute, tc)
{
	struct house ours = new_house("ours");
	const char *line;
	char name[32];
	uint64_t id;

	start_one(&ours, ours.leaf, NULL, SERVER_CLOSES);
	for (id = 1; id <= 3; id++) {
		(void)snprintf(name, sizeof(name), "n%d.example.", (int)id);
		harness_ask(&h, 0, id, name);
		harness_answers(&h, id);
	}
	ATF_REQUIRE(counted(COUNTER_upstream_failed) > 1);
	line = strstr(h.log, "in the handshake");
	ATF_REQUIRE(line != NULL);
	ATF_CHECK(strstr(line + 1, "in the handshake") == NULL);
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(questions_survive_an_upstream_that_closes_or_resets);
ATF_TC_BODY(questions_survive_an_upstream_that_closes_or_resets, tc)
{
	static const enum harness_fault faults[] = { SERVER_ONE_EACH,
		SERVER_RESETS, SERVER_HALF };
	struct house ours = new_house("ours");
	char name[32];
	uint64_t id;
	size_t i;

	for (i = 0; i < 3; i++) {
		start_one(&ours, ours.leaf, NULL, faults[i]);
		for (id = 1; id <= 3; id++) {
			(void)snprintf(
			    name, sizeof(name), "n%d.example.", (int)id);
			harness_ask(&h, 0, id, name);
		}
		harness_answers(&h, 3);
		for (id = 1; id <= 3; id++)
			expect_answer(id);
		ATF_CHECK(counted(COUNTER_upstream_retried) > 0);
		harness_kill(&h);
	}
}

ATF_TC_WITHOUT_HEAD(only_the_right_id_and_question_are_an_answer);
ATF_TC_BODY(only_the_right_id_and_question_are_an_answer, tc)
{
	struct house ours = new_house("ours");

	start_one(&ours, ours.leaf, NULL, SERVER_WRONG_ID);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);
	ATF_CHECK_EQ('w', harness_answer_of(&h, 0, 1)->body[13]);
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_unasked));
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_mismatched));
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(a_silent_upstream_gives_way_to_the_next);
ATF_TC_BODY(a_silent_upstream_gives_way_to_the_next, tc)
{
	struct house ours = new_house("ours");

	harness_start(&h);
	one = upstream(&ours,
	    harness_serve(&h, ours.leaf, ours.inter, SERVER_SILENT), NULL);
	one.address[1] = harness_serve(&h, ours.leaf, ours.inter, SERVER_GOOD);
	one.naddress = 2;
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_overdue));
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(workers_that_ask_the_same_share_one_question);
ATF_TC_BODY(workers_that_ask_the_same_share_one_question, tc)
{
	struct house ours = new_house("ours");

	start_one(&ours, ours.leaf, NULL, SERVER_GOOD);
	harness_peer(&h, 1);
	harness_ask(&h, 0, 5, "www.example.com.");
	harness_ask(&h, 1, 6, "WWW.example.COM.");
	harness_answers(&h, 2);
	expect_answer(5);
	ATF_CHECK_EQ(IPC_ANSWERED, harness_answer_of(&h, 1, 6)->kind);
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_shared));
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_queries));
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(a_worker_that_breaks_a_rule_loses_its_channel_only);
ATF_TC_BODY(a_worker_that_breaks_a_rule_loses_its_channel_only, tc)
{
	struct house ours = new_house("ours");
	uint8_t bad[sizeof(struct ipc_query) + 2];

	start_one(&ours, ours.leaf, NULL, SERVER_GOOD);
	harness_peer(&h, 1);
	memset(bad, 0, sizeof(bad));
	((struct ipc_query *)(void *)bad)->name_len = 2;
	bad[sizeof(struct ipc_query)] = 0xc0; /* a compressed name */
	ATF_REQUIRE_EQ(
	    0, ipc_send(&h.worker[1], IPC_QUERIES, bad, sizeof(bad), -1));
	harness_broken(&h);
	harness_log(&h, "worker 1 broke a rule");
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(a_reload_keeps_what_is_the_same_and_drains_the_rest);
ATF_TC_BODY(a_reload_keeps_what_is_the_same_and_drains_the_rest, tc)
{
	struct house ours = new_house("ours");
	struct harness_upstream two[2];

	start_one(&ours, ours.leaf, NULL, SERVER_GOOD);
	harness_ask(&h, 0, 1, "a.example.");
	harness_answers(&h, 1);
	/* The same one, now the second: its connection stays. */
	two[0] = upstream(&ours, harness_nobody(), NULL);
	two[0].name = "new";
	two[1] = one;
	harness_configure(&h, two, 2);
	harness_ask(&h, 0, 2, "b.example.");
	harness_answers(&h, 2);
	expect_answer(2);
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_connected));
	/* With a pin it is another: connected and verified anew. */
	one.pin[0] = ours.root;
	one.npin = 1;
	harness_configure(&h, &one, 1);
	harness_ask(&h, 0, 3, "c.example.");
	harness_answers(&h, 3);
	expect_answer(3);
	ATF_CHECK_EQ(2, counted(COUNTER_upstream_connected));
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(signals_of_a_terminal_are_for_the_parent_alone);
ATF_TC_BODY(signals_of_a_terminal_are_for_the_parent_alone, tc)
{
	struct house ours = new_house("ours");

	start_one(&ours, ours.leaf, NULL, SERVER_GOOD);
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGINT));
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGHUP));
	ATF_REQUIRE_EQ(0, kill(h.pid, SIGTERM));
	harness_ask(&h, 0, 1, "a.example.");
	harness_answers(&h, 1);
	expect_answer(1);
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(it_ends_quietly_when_the_parent_is_gone);
ATF_TC_BODY(it_ends_quietly_when_the_parent_is_gone, tc)
{
	int status;

	harness_start(&h);
	ipc_close(&h.parent);
	ATF_REQUIRE_EQ(h.pid, waitpid(h.pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Each in one field: the program ends rather than use it. */
ATF_TC_WITHOUT_HEAD(a_config_that_is_not_whole_is_never_used);
ATF_TC_BODY(a_config_that_is_not_whole_is_never_used, tc)
{
	struct house ours = new_house("ours");
	struct harness_upstream good, bad[6];
	size_t i;
	int status;

	good = upstream(&ours, harness_nobody(), ours.root);
	for (i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].host = ""; /* and no pin */
	bad[0].npin = 0;
	bad[1].naddress = 0;
	bad[2].address[0].port = 0;
	bad[3].address[0].family = 5;
	bad[4].name = "";
	bad[5].name = "esc\033ape";
	for (i = 0; i < 6; i++) {
		harness_start(&h);
		harness_send_config(&h, &bad[i], 1);
		status = harness_end(&h);
		ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		ATF_CHECK_EQ_MSG(0, h.ready, "case %zu", i);
		ATF_CHECK(strstr(h.log, "the parent broke a rule") != NULL);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_is_answered_over_a_pinned_connection);
	ATF_TP_ADD_TC(tp, a_refused_connection_fails_the_question_at_once);
	ATF_TP_ADD_TC(tp, an_error_of_the_parent_is_told);
	ATF_TP_ADD_TC(tp, an_upstream_that_speaks_no_tls_is_a_tls_failure);
	ATF_TP_ADD_TC(tp, an_upstream_that_closes_in_the_handshake_is_told);
	ATF_TP_ADD_TC(tp, what_fails_again_and_again_is_logged_once_a_minute);
	ATF_TP_ADD_TC(tp, questions_survive_an_upstream_that_closes_or_resets);
	ATF_TP_ADD_TC(tp, only_the_right_id_and_question_are_an_answer);
	ATF_TP_ADD_TC(tp, a_silent_upstream_gives_way_to_the_next);
	ATF_TP_ADD_TC(tp, workers_that_ask_the_same_share_one_question);
	ATF_TP_ADD_TC(tp, a_worker_that_breaks_a_rule_loses_its_channel_only);
	ATF_TP_ADD_TC(tp, a_reload_keeps_what_is_the_same_and_drains_the_rest);
	ATF_TP_ADD_TC(tp, signals_of_a_terminal_are_for_the_parent_alone);
	ATF_TP_ADD_TC(tp, it_ends_quietly_when_the_parent_is_gone);
	ATF_TP_ADD_TC(tp, a_config_that_is_not_whole_is_never_used);
	return atf_no_error();
}
