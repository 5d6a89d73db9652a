/*
 * A real dotproxy-tls, between a parent, workers and TLS servers that the test
 * plays: what an upstream may do to it, and what it must never do.
 */
#include <atf-c.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "dotproxy/sandbox.h"

#include "harness.h"

#define CHAIN(...) ((const struct pki_cert *const[]){ __VA_ARGS__, NULL })

/* Certificates that are good today. */
struct house {
	struct pki_cert *root, *inter, *leaf;
	char *ca;
};

static void *kept(void *);
static struct house new_house(const char *);
static struct pki_cert *
leaf_of(const struct house *, const char *, time_t, time_t);
static struct harness_upstream
upstream(const struct house *, struct netaddr, const struct pki_cert *);
static void start_one(const struct house *, const struct pki_cert *,
    const struct pki_cert *, enum harness_fault);
static void expect_answer(uint64_t);
static void expect_failure(uint64_t, uint16_t, const char *);
static void expect_refusal(const struct house *, const struct pki_cert *,
    const struct pki_cert *, const char *);
static void end_server(uint64_t);
static uint64_t counted(enum counter);
/* What the tests made: it lives as long as they do. */
static void *keep[64];
static size_t nkeep;

static struct harness h;
static struct harness_upstream one;

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

/* Names what is wrong, tells the worker, and writes no question. */
ATF_TC_WITHOUT_HEAD(each_refusal_of_a_certificate_says_which);
ATF_TC_BODY(each_refusal_of_a_certificate_says_which, tc)
{
	struct house ours = new_house("ours"), theirs = new_house("theirs");
	const time_t now = time(NULL);
	const char *name = "DNS:" HARNESS_HOST;

	expect_refusal(&ours, leaf_of(&ours, name, now - 7200, now - 3600),
	    ours.inter, "expired");
	expect_refusal(&ours, leaf_of(&ours, name, now + 3600, now + 7200),
	    ours.inter, "not yet valid");
	expect_refusal(&ours,
	    leaf_of(&ours, "DNS:other.example.net", now - 3600, now + 3600),
	    ours.inter, "wrong name");
	expect_refusal(&ours, theirs.leaf, theirs.inter, "unknown CA");
}

ATF_TC_WITHOUT_HEAD(a_chain_without_the_pin_is_refused_and_its_pins_are_told);
ATF_TC_BODY(a_chain_without_the_pin_is_refused_and_its_pins_are_told, tc)
{
	struct house ours = new_house("ours"), theirs = new_house("theirs");
	const struct pki_cert *const chain[] = { ours.leaf, ours.inter,
		ours.root };
	uint8_t pin[32];
	char line[128], text[64];
	size_t i;

	start_one(&ours, ours.leaf, theirs.root, SERVER_GOOD);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: no pin matched");
	for (i = 0; i < 3; i++) {
		pki_pin(chain[i], pin);
		(void)EVP_EncodeBlock((unsigned char *)text, pin, 32);
		(void)snprintf(line, sizeof(line), "pin \"sha256/%s\"", text);
		harness_log(&h, line);
	}
	ATF_CHECK_EQ(0, counted(COUNTER_upstream_queries));
	harness_kill(&h);
}

/* What is sent beside the chain is not the chain. */
ATF_TC_WITHOUT_HEAD(a_pinned_certificate_merely_sent_along_is_refused);
ATF_TC_BODY(a_pinned_certificate_merely_sent_along_is_refused, tc)
{
	struct house ours = new_house("ours"), theirs = new_house("theirs");
	struct harness_upstream u;
	struct pki_cert *leaf;
	const time_t now = time(NULL);

	/* Both are trusted; only the one is pinned. */
	leaf = kept(pki_make(&(struct pki_spec){ .cn = "leaf",
				 .san = "DNS:" HARNESS_HOST,
				 .begins = now - 60,
				 .ends = now + 3600 },
	    theirs.root));
	harness_start(&h);
	u = upstream(&ours, harness_serve(&h, leaf, ours.inter, SERVER_GOOD),
	    ours.inter);
	u.ca = kept(pki_pem(CHAIN(ours.root, theirs.root)));
	harness_configure(&h, &u, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: no pin matched");
	ATF_CHECK_EQ(0, counted(COUNTER_upstream_queries));
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(an_upstream_without_a_name_is_held_by_its_pin);
ATF_TC_BODY(an_upstream_without_a_name_is_held_by_its_pin, tc)
{
	struct house ours = new_house("ours");
	struct harness_upstream u;

	harness_start(&h);
	u = upstream(&ours,
	    harness_serve(&h, ours.leaf, ours.inter, SERVER_GOOD), ours.leaf);
	u.host = "";
	harness_configure(&h, &u, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);
	harness_kill(&h);
}

ATF_TC_WITHOUT_HEAD(a_bundle_without_a_certificate_verifies_nothing);
ATF_TC_BODY(a_bundle_without_a_certificate_verifies_nothing, tc)
{
	struct house ours = new_house("ours");

	ours.ca = kept(strdup("# nothing here\n"));
	start_one(&ours, ours.leaf, NULL, SERVER_GOOD);
	harness_log(&h, "no certificate in its CA bundle");
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	expect_failure(1, 22, "upstream ours: unknown CA");
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

/* What verified the last connection is all that the next is held against at
 * first: neither less nor more may come of it. */
ATF_TC_WITHOUT_HEAD(each_ca_of_a_bundle_serves_whichever_was_met_first);
ATF_TC_BODY(each_ca_of_a_bundle_serves_whichever_was_met_first, tc)
{
	struct house ours = new_house("ours"), theirs = new_house("theirs"),
		     nobodys = new_house("nobodys");

	harness_start(&h);
	one = upstream(
	    &ours, harness_serve(&h, ours.leaf, ours.inter, SERVER_GOOD), NULL);
	one.address[1] =
	    harness_serve(&h, theirs.leaf, theirs.inter, SERVER_GOOD);
	one.address[2] =
	    harness_serve(&h, nobodys.leaf, nobodys.inter, SERVER_GOOD);
	one.naddress = 3;
	one.ca = kept(pki_pem(CHAIN(ours.root, theirs.root)));
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "one.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);

	end_server(1);
	harness_ask(&h, 0, 2, "two.example.com.");
	harness_answers(&h, 2);
	expect_answer(2);
	ATF_CHECK_EQ(0, counted(COUNTER_upstream_refused));

	end_server(2);
	harness_ask(&h, 0, 3, "three.example.com.");
	harness_answers(&h, 3);
	expect_failure(3, 22, "upstream ours: unknown CA");
	ATF_CHECK_EQ(2, counted(COUNTER_upstream_answers));
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

/* As when ^C is typed at a terminal: workers still wait for answers. */
/* It was found good just now, but not for this. */
ATF_TC_WITHOUT_HEAD(a_reload_with_another_pin_refuses_the_chain_of_before);
ATF_TC_BODY(a_reload_with_another_pin_refuses_the_chain_of_before, tc)
{
	struct house ours = new_house("ours"), theirs = new_house("theirs");

	start_one(&ours, ours.leaf, ours.root, SERVER_GOOD);
	harness_ask(&h, 0, 1, "one.example.com.");
	harness_answers(&h, 1);
	expect_answer(1);
	one.pin[0] = theirs.root;
	harness_configure(&h, &one, 1);
	harness_ask(&h, 0, 2, "two.example.com.");
	harness_answers(&h, 2);
	expect_failure(2, 22, "upstream ours: no pin matched");
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_queries));
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
	ATF_TP_ADD_TC(tp, each_refusal_of_a_certificate_says_which);
	ATF_TP_ADD_TC(
	    tp, a_chain_without_the_pin_is_refused_and_its_pins_are_told);
	ATF_TP_ADD_TC(tp, a_pinned_certificate_merely_sent_along_is_refused);
	ATF_TP_ADD_TC(tp, an_upstream_without_a_name_is_held_by_its_pin);
	ATF_TP_ADD_TC(tp, a_bundle_without_a_certificate_verifies_nothing);
	ATF_TP_ADD_TC(tp, a_refused_connection_fails_the_question_at_once);
	ATF_TP_ADD_TC(tp, an_error_of_the_parent_is_told);
	ATF_TP_ADD_TC(tp, an_upstream_that_speaks_no_tls_is_a_tls_failure);
	ATF_TP_ADD_TC(tp, an_upstream_that_closes_in_the_handshake_is_told);
	ATF_TP_ADD_TC(tp, what_fails_again_and_again_is_logged_once_a_minute);
	ATF_TP_ADD_TC(tp, questions_survive_an_upstream_that_closes_or_resets);
	ATF_TP_ADD_TC(tp, only_the_right_id_and_question_are_an_answer);
	ATF_TP_ADD_TC(tp, a_silent_upstream_gives_way_to_the_next);
	ATF_TP_ADD_TC(tp, each_ca_of_a_bundle_serves_whichever_was_met_first);
	ATF_TP_ADD_TC(tp, workers_that_ask_the_same_share_one_question);
	ATF_TP_ADD_TC(tp, a_worker_that_breaks_a_rule_loses_its_channel_only);
	ATF_TP_ADD_TC(tp, a_reload_keeps_what_is_the_same_and_drains_the_rest);
	ATF_TP_ADD_TC(
	    tp, a_reload_with_another_pin_refuses_the_chain_of_before);
	ATF_TP_ADD_TC(tp, signals_of_a_terminal_are_for_the_parent_alone);
	ATF_TP_ADD_TC(tp, it_ends_quietly_when_the_parent_is_gone);
	ATF_TP_ADD_TC(tp, a_config_that_is_not_whole_is_never_used);
	return atf_no_error();
}

static void *
kept(void *made)
{
	ATF_REQUIRE(nkeep < sizeof(keep) / sizeof(keep[0]));
	keep[nkeep++] = made;
	return made;
}

static struct house
new_house(const char *name)
{
	const time_t now = time(NULL);
	struct pki_spec ca = { .cn = name,
		.ca = true,
		.begins = now - PKI_YEAR,
		.ends = now + PKI_YEAR };
	struct house house;

	house.root = kept(pki_make(&ca, NULL));
	ca.cn = "intermediate of one";
	if (strcmp(name, "ours") == 0)
		ca.cn = "intermediate of ours";
	house.inter = kept(pki_make(&ca, house.root));
	house.leaf = leaf_of(
	    &house, "DNS:" HARNESS_HOST, now - 3600, now + PKI_YEAR / 2);
	house.ca = kept(pki_pem(CHAIN(house.root)));
	return house;
}

static struct pki_cert *
leaf_of(const struct house *house, const char *san, time_t begins, time_t ends)
{
	struct pki_spec spec = {
		.cn = "leaf", .san = san, .begins = begins, .ends = ends
	};

	return kept(pki_make(&spec, house->inter));
}

static struct harness_upstream
upstream(const struct house *house, struct netaddr address,
    const struct pki_cert *pin)
{
	struct harness_upstream u = { .name = "ours",
		.host = HARNESS_HOST,
		.ca = house->ca,
		.address = { address },
		.naddress = 1,
		.pin = { pin },
		.npin = pin != NULL ? 1 : 0 };

	return u;
}

/* One upstream, one worker. */
static void
start_one(const struct house *house, const struct pki_cert *leaf,
    const struct pki_cert *pin, enum harness_fault fault)
{
	harness_start(&h);
	one =
	    upstream(house, harness_serve(&h, leaf, house->inter, fault), pin);
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
}

static void
expect_answer(uint64_t id)
{
	const struct harness_answer *a = harness_answer_of(&h, 0, id);

	ATF_CHECK_EQ_MSG(IPC_ANSWERED, a->kind, "%s", a->body);
}

static void
expect_failure(uint64_t id, uint16_t ede, const char *text)
{
	const struct harness_answer *a = harness_answer_of(&h, 0, id);

	ATF_CHECK_EQ(IPC_FAILED, a->kind);
	ATF_CHECK_EQ(ede, a->ede);
	ATF_CHECK_STREQ(text, (const char *)a->body);
}

static void
expect_refusal(const struct house *house, const struct pki_cert *leaf,
    const struct pki_cert *inter, const char *why)
{
	char text[128];

	harness_start(&h);
	one =
	    upstream(house, harness_serve(&h, leaf, inter, SERVER_GOOD), NULL);
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
	harness_ask(&h, 0, 1, "www.example.com.");
	harness_answers(&h, 1);
	(void)snprintf(text, sizeof(text), "upstream ours: %s", why);
	expect_failure(1, 22, text);
	(void)snprintf(text, sizeof(text), "certificate refused: %s", why);
	harness_log(&h, text);
	ATF_CHECK_EQ(0, counted(COUNTER_upstream_queries));
	ATF_CHECK_EQ(1, counted(COUNTER_upstream_refused));
	/* The one that was refused, and the one that found out why. */
	ATF_CHECK_EQ(2, h.connects);
	harness_kill(&h);
}

/* The first of those that are left, the nth in all; its connection is gone. */
static void
end_server(uint64_t nth)
{
	ATF_REQUIRE(kill(h.server[0], SIGKILL) == 0);
	ATF_REQUIRE(waitpid(h.server[0], NULL, 0) == h.server[0]);
	h.nserver--;
	memmove(h.server, h.server + 1, h.nserver * sizeof(h.server[0]));
	while (counted(COUNTER_upstream_closed) < nth)
		;
}

static uint64_t
counted(enum counter counter)
{
	harness_count(&h);
	return h.counters.value[counter];
}
