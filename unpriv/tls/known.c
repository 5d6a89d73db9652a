/*
 * Which CAs of a bundle upstreams have been verified to. It only ever makes
 * the choice smaller: nothing is verified that the whole bundle would not.
 */
#include <stdlib.h>
#include <string.h>
#include <tls.h>

#include <openssl/sha.h>

#include "dotproxy/log.h"

#include "known.h"

#define KNOWN_MAX (2 * VERIFY_CHAIN_MAX) /* of an upstream */
/* In a row that they did not do; then they are left alone. */
#define KNOWN_STRIKES  3
#define KNOWN_CHAIN_MS 60000

struct known {
	struct tls_config *config;
	size_t anchor[KNOWN_MAX];
	size_t n;
	unsigned int strikes;
	uint8_t chain[SHA256_DIGEST_LENGTH]; /* of the last one verified */
	uint64_t verified; /* when; 0: none */
};

static bool add(struct known *, size_t);
static void make_config(struct known *, const struct upstream *);

static struct known known[CONF_UPSTREAMS_MAX];

void
known_reset(void)
{
	size_t i;

	for (i = 0; i < CONF_UPSTREAMS_MAX; i++)
		tls_config_free(known[i].config);
	memset(known, 0, sizeof(known));
}

struct tls_config *
known_config(uint32_t upstream)
{
	if (known[upstream].strikes >= KNOWN_STRIKES)
		return NULL;
	return known[upstream].config;
}

void
known_learn(uint32_t upstream, const struct upstream *u,
    const struct verify_result *result, enum known_how how)
{
	struct known *k = &known[upstream];
	bool added = false;
	size_t i;

	if (how == KNOWN_BY_FEW) {
		k->strikes = 0;
		return;
	}
	if (k->n + result->nanchor > KNOWN_MAX)
		k->n = 0;
	for (i = 0; i < result->nanchor; i++)
		added = add(k, result->anchor[i]) || added;
	if (added)
		make_config(k, u);
	else if (how == KNOWN_BY_ALL_ONLY && k->strikes < KNOWN_STRIKES)
		k->strikes++;
}

bool
known_chain(uint32_t upstream, const uint8_t *chain, size_t len, uint64_t now)
{
	const struct known *k = &known[upstream];
	uint8_t hash[SHA256_DIGEST_LENGTH];

	if (k->verified == 0 || now - k->verified >= KNOWN_CHAIN_MS)
		return false;
	(void)SHA256(chain, len, hash);
	return memcmp(hash, k->chain, sizeof(hash)) == 0;
}

void
known_learn_chain(
    uint32_t upstream, const uint8_t *chain, size_t len, uint64_t now)
{
	(void)SHA256(chain, len, known[upstream].chain);
	known[upstream].verified = now;
}

static bool
add(struct known *k, size_t anchor)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->anchor[i] == anchor)
			return false;
	k->anchor[k->n++] = anchor;
	return true;
}

static void
make_config(struct known *k, const struct upstream *u)
{
	char *pem = NULL, *one, *more;
	size_t i, len = 0, n;

	for (i = 0; i < k->n; i++) {
		if ((one = verify_anchor_pem(u->anchors, k->anchor[i], &n)) ==
			NULL ||
		    (more = realloc(pem, len + n)) == NULL)
			fatal("the PEM of a CA");
		pem = more;
		memcpy(pem + len, one, n);
		len += n;
		free(one);
	}
	tls_config_free(k->config);
	k->config = upstream_config(u, (const uint8_t *)pem, len);
	free(pem);
}
