/*
 * Chains to be verified, and what is expected of it.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "house.h"

struct house
house_new(const char *name)
{
	struct house h;
	char cn[64];

	snprintf(cn, sizeof(cn), "%s root", name);
	h.root = pki_make(&(struct pki_spec){ .cn = cn, .ca = true }, NULL);
	snprintf(cn, sizeof(cn), "%s intermediate", name);
	h.inter = pki_make(&(struct pki_spec){ .cn = cn, .ca = true }, h.root);
	h.leaf = leaf_of(h.inter, (struct pki_spec){ 0 });
	return h;
}

void
house_free(struct house *h)
{
	pki_free(h->leaf);
	pki_free(h->inter);
	pki_free(h->root);
}

struct pki_cert *
leaf_of(const struct pki_cert *issuer, struct pki_spec spec)
{
	spec.cn = "a leaf";
	if (spec.san == NULL)
		spec.san = "DNS:" HOST;
	return pki_make(&spec, issuer);
}

struct verify_anchors *
trust(const struct pki_cert *const *list)
{
	struct verify_anchors *anchors;
	char *pem;

	pem = pki_pem(list);
	anchors = verify_anchors_new(pem, strlen(pem));
	ATF_REQUIRE(anchors != NULL);
	free(pem);
	return anchors;
}

struct verify_result
verified(const struct pki_cert *const *roots,
    const struct pki_cert *const *sent, const char *host,
    const struct pki_cert *pinned)
{
	/* The pin that counts stands behind one that never matches. */
	uint8_t pins[2][VERIFY_PIN_LEN] = { { 0 } };
	struct verify_anchors *anchors;
	struct verify_result result;
	char *pem;

	anchors = trust(roots);
	pem = pki_pem(sent);
	if (pinned != NULL)
		pki_pin(pinned, pins[1]);
	verify_chain(&result, anchors, pem, strlen(pem), host,
	    (const uint8_t(*)[VERIFY_PIN_LEN])pins, pinned != NULL ? 2 : 0,
	    PKI_NOW);
	free(pem);
	verify_anchors_free(anchors);
	return result;
}

void
expect(const char *file, int line, struct verify_result result,
    enum verify_reason reason)
{
	if (result.reason != reason)
		atf_tc_fail_nonfatal("%s:%d: %s, not %s: %s", file, line,
		    verify_reason_text(result.reason),
		    verify_reason_text(reason), result.detail);
	ATF_CHECK(result.detail[0] != '\0');
	ATF_CHECK_EQ_MSG(
	    result.reason == VERIFY_OK || result.reason == VERIFY_NO_PIN,
	    result.ncert > 0, "%s:%d: %zu pins", file, line, result.ncert);
}
