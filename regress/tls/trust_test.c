/*
 * dotproxy-tls and the certificates of upstreams: whom it asks, and whom not.
 */
#include <atf-c.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"

static void end_server(uint64_t);
static void expect_refusal(const struct house *, const struct pki_cert *,
    const struct pki_cert *, const char *);

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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, each_refusal_of_a_certificate_says_which);
	ATF_TP_ADD_TC(
	    tp, a_chain_without_the_pin_is_refused_and_its_pins_are_told);
	ATF_TP_ADD_TC(tp, a_pinned_certificate_merely_sent_along_is_refused);
	ATF_TP_ADD_TC(tp, an_upstream_without_a_name_is_held_by_its_pin);
	ATF_TP_ADD_TC(tp, a_bundle_without_a_certificate_verifies_nothing);
	ATF_TP_ADD_TC(tp, each_ca_of_a_bundle_serves_whichever_was_met_first);
	ATF_TP_ADD_TC(
	    tp, a_reload_with_another_pin_refuses_the_chain_of_before);
	return atf_no_error();
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
