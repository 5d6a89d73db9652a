/*
 * A real dotproxy-tls, between a parent, workers and TLS servers that the test
 * plays: what an upstream may do to it, and what it must never do.
 */
#include <atf-c.h>
#include <errno.h>
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

static struct house new_house(void);
static struct pki_cert *
leaf_of(const struct house *, const char *, time_t, time_t);
static struct harness_upstream
upstream(const struct house *, struct netaddr, const struct pki_cert *);
static struct harness h;

ATF_TC_WITHOUT_HEAD(a_question_is_answered_over_a_pinned_connection);
ATF_TC_BODY(a_question_is_answered_over_a_pinned_connection, tc)
{
	struct house ours = new_house();
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

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_question_is_answered_over_a_pinned_connection);
	return atf_no_error();
}

static struct house
new_house(void)
{
	const time_t now = time(NULL);
	struct pki_spec ca = { .cn = "root",
		.ca = true,
		.begins = now - PKI_YEAR,
		.ends = now + PKI_YEAR };
	struct house house;

	house.root = pki_make(&ca, NULL);
	ca.cn = "intermediate";
	house.inter = pki_make(&ca, house.root);
	house.leaf = leaf_of(
	    &house, "DNS:" HARNESS_HOST, now - 3600, now + PKI_YEAR / 2);
	house.ca = pki_pem(CHAIN(house.root));
	return house;
}

static struct pki_cert *
leaf_of(const struct house *house, const char *san, time_t begins, time_t ends)
{
	struct pki_spec spec = {
		.cn = "leaf", .san = san, .begins = begins, .ends = ends
	};

	return pki_make(&spec, house->inter);
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
