/* A dotproxy-tls of a test, with the upstreams that it has. */
#include <atf-c.h>
#include <string.h>
#include <time.h>

#include "process.h"

struct harness h;
struct harness_upstream one;

static void *keep[64];
static size_t nkeep;

void *
kept(void *made)
{
	ATF_REQUIRE(nkeep < sizeof(keep) / sizeof(keep[0]));
	keep[nkeep++] = made;
	return made;
}

struct house
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

struct pki_cert *
leaf_of(const struct house *house, const char *san, time_t begins, time_t ends)
{
	struct pki_spec spec = {
		.cn = "leaf", .san = san, .begins = begins, .ends = ends
	};

	return kept(pki_make(&spec, house->inter));
}

struct harness_upstream
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

void
start_one(const struct house *house, const struct pki_cert *leaf,
    const struct pki_cert *pin, enum harness_fault fault)
{
	harness_start(&h);
	one =
	    upstream(house, harness_serve(&h, leaf, house->inter, fault), pin);
	harness_configure(&h, &one, 1);
	harness_peer(&h, 0);
}

void
expect_answer(uint64_t id)
{
	const struct harness_answer *a = harness_answer_of(&h, 0, id);

	ATF_CHECK_EQ_MSG(IPC_ANSWERED, a->kind, "%s", a->body);
}

void
expect_failure(uint64_t id, uint16_t ede, const char *text)
{
	const struct harness_answer *a = harness_answer_of(&h, 0, id);

	ATF_CHECK_EQ(IPC_FAILED, a->kind);
	ATF_CHECK_EQ(ede, a->ede);
	ATF_CHECK_STREQ(text, (const char *)a->body);
}

uint64_t
counted(enum counter counter)
{
	harness_count(&h);
	return h.counters.value[counter];
}
