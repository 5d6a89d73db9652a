/*
 * What makes an upstream the one that was meant, and what does not: chains
 * made here, each wrong in one way.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "house.h"

static struct verify_result verified_text(const char *, size_t);

ATF_TC_WITHOUT_HEAD(a_good_chain_with_the_name_is_accepted);
ATF_TC_BODY(a_good_chain_with_the_name_is_accepted, tc)
{
	struct house h = house_new("ours");

	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), HOST, NULL),
	    VERIFY_OK);
	EXPECT(
	    verified(CHAIN(h.root), CHAIN(h.leaf, h.inter, h.root), HOST, NULL),
	    VERIFY_OK);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(the_anchors_of_a_verified_chain_verify_it_by_themselves);
ATF_TC_BODY(the_anchors_of_a_verified_chain_verify_it_by_themselves, tc)
{
	struct house ours = house_new("ours"), theirs = house_new("theirs");
	struct verify_anchors *all, *few;
	struct verify_result result;
	char *chain, *pem;
	size_t len;

	all = trust(CHAIN(theirs.root, ours.inter, ours.root));
	chain = pki_pem(CHAIN(ours.leaf, ours.inter));
	verify_chain(
	    &result, all, chain, strlen(chain), HOST, NULL, 0, PKI_NOW);
	EXPECT(result, VERIFY_OK);
	ATF_REQUIRE_EQ(2, result.nanchor);
	ATF_CHECK_EQ(1, result.anchor[0]);
	ATF_CHECK_EQ(2, result.anchor[1]);
	pem = verify_anchor_pem(all, result.anchor[1], &len);
	ATF_REQUIRE(pem != NULL);
	few = verify_anchors_new(pem, len);
	ATF_REQUIRE(few != NULL);
	ATF_CHECK_EQ(1, verify_anchors_count(few));
	verify_chain(
	    &result, few, chain, strlen(chain), HOST, NULL, 0, PKI_NOW);
	EXPECT(result, VERIFY_OK);
	ATF_CHECK_EQ(1, result.nanchor);
	ATF_CHECK(verify_anchor_pem(few, 1, &len) == NULL);
	free(pem);
	free(chain);
	verify_anchors_free(few);
	verify_anchors_free(all);
	house_free(&theirs);
	house_free(&ours);
}

ATF_TC_WITHOUT_HEAD(an_expired_certificate_is_refused_wherever_it_stands);
ATF_TC_BODY(an_expired_certificate_is_refused_wherever_it_stands, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *leaf, *inter, *below;

	leaf = leaf_of(h.inter, (struct pki_spec){ .ends = PKI_NOW - 1 });
	EXPECT(verified(CHAIN(h.root), CHAIN(leaf, h.inter), HOST, NULL),
	    VERIFY_EXPIRED);
	inter = pki_make(
	    &(struct pki_spec){ .cn = "late", .ca = true, .ends = PKI_NOW - 1 },
	    h.root);
	below = leaf_of(inter, (struct pki_spec){ 0 });
	EXPECT(verified(CHAIN(h.root), CHAIN(below, inter), HOST, NULL),
	    VERIFY_EXPIRED);
	pki_free(below);
	pki_free(inter);
	pki_free(leaf);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_certificate_not_yet_valid_is_refused);
ATF_TC_BODY(a_certificate_not_yet_valid_is_refused, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *leaf;

	leaf = leaf_of(h.inter, (struct pki_spec){ .begins = PKI_NOW + 60 });
	EXPECT(verified(CHAIN(h.root), CHAIN(leaf, h.inter), HOST, NULL),
	    VERIFY_NOT_YET);
	pki_free(leaf);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(another_name_is_refused_though_the_chain_is_good);
ATF_TC_BODY(another_name_is_refused_though_the_chain_is_good, tc)
{
	static const char *const others[] = { "dns.example.org", "example.net",
		"x.dns.example.net", "dns.example.net.evil.org",
		"dns.example.ne", "192.0.2.1", "2001:db8::1" };
	struct house h = house_new("ours");
	size_t i;

	for (i = 0; i < COUNT(others); i++)
		EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter),
			   others[i], NULL),
		    VERIFY_WRONG_NAME);
	/* A pin does not make up for it. */
	EXPECT(
	    verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), others[0], h.leaf),
	    VERIFY_WRONG_NAME);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(case_of_the_name_does_not_matter);
ATF_TC_BODY(case_of_the_name_does_not_matter, tc)
{
	struct house h = house_new("ours");

	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter),
		   "DNS.Example.NET", NULL),
	    VERIFY_OK);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_wildcard_stands_for_one_whole_label);
ATF_TC_BODY(a_wildcard_stands_for_one_whole_label, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *whole, *part;

	whole =
	    leaf_of(h.inter, (struct pki_spec){ .san = "DNS:*.example.net" });
	part =
	    leaf_of(h.inter, (struct pki_spec){ .san = "DNS:d*.example.net" });
	EXPECT(verified(CHAIN(h.root), CHAIN(whole, h.inter), HOST, NULL),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root), CHAIN(whole, h.inter),
		   "a.dns.example.net", NULL),
	    VERIFY_WRONG_NAME);
	EXPECT(
	    verified(CHAIN(h.root), CHAIN(whole, h.inter), "example.net", NULL),
	    VERIFY_WRONG_NAME);
	EXPECT(verified(CHAIN(h.root), CHAIN(part, h.inter), HOST, NULL),
	    VERIFY_WRONG_NAME);
	pki_free(part);
	pki_free(whole);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_common_name_is_no_name);
ATF_TC_BODY(a_common_name_is_no_name, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *bare, *mail;

	bare = pki_make(&(struct pki_spec){ .cn = HOST }, h.inter);
	mail = pki_make(
	    &(struct pki_spec){ .cn = HOST, .san = "email:a@example.net" },
	    h.inter);
	EXPECT(verified(CHAIN(h.root), CHAIN(bare, h.inter), HOST, NULL),
	    VERIFY_WRONG_NAME);
	EXPECT(verified(CHAIN(h.root), CHAIN(mail, h.inter), HOST, NULL),
	    VERIFY_WRONG_NAME);
	pki_free(mail);
	pki_free(bare);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_name_that_would_switch_the_check_off_is_refused);
ATF_TC_BODY(a_name_that_would_switch_the_check_off_is_refused, tc)
{
	struct house h = house_new("ours");

	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), "", h.leaf),
	    VERIFY_BAD_CHAIN);
	EXPECT(verified(
		   CHAIN(h.root), CHAIN(h.leaf, h.inter), ".example.net", NULL),
	    VERIFY_BAD_CHAIN);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(an_address_is_held_against_the_addresses);
ATF_TC_BODY(an_address_is_held_against_the_addresses, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *leaf;

	leaf = leaf_of(
	    h.inter, (struct pki_spec){ .san = "IP:192.0.2.1,IP:2001:db8::1" });
	EXPECT(verified(CHAIN(h.root), CHAIN(leaf, h.inter), "192.0.2.1", NULL),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root), CHAIN(leaf, h.inter), "2001:db8:0::0001",
		   NULL),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root), CHAIN(leaf, h.inter), "192.0.2.2", NULL),
	    VERIFY_WRONG_NAME);
	pki_free(leaf);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_chain_to_a_root_that_is_not_trusted_is_refused);
ATF_TC_BODY(a_chain_to_a_root_that_is_not_trusted_is_refused, tc)
{
	struct house h = house_new("ours"), other = house_new("theirs");
	struct verify_result result;
	struct pki_cert *self;

	EXPECT(verified(CHAIN(other.root), CHAIN(h.leaf, h.inter), HOST, NULL),
	    VERIFY_UNKNOWN_CA);
	EXPECT(verified(CHAIN(other.root), CHAIN(h.leaf, h.inter, h.root), HOST,
		   NULL),
	    VERIFY_UNKNOWN_CA);
	self = leaf_of(NULL, (struct pki_spec){ 0 });
	EXPECT(verified(CHAIN(h.root), CHAIN(self), HOST, NULL),
	    VERIFY_UNKNOWN_CA);
	/* The intermediate was not sent, and nobody goes and fetches it. */
	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf), HOST, NULL),
	    VERIFY_UNKNOWN_CA);
	/* Of the trusted root's name, but with another key. */
	house_free(&other);
	other = house_new("ours");
	result =
	    verified(CHAIN(other.root), CHAIN(h.leaf, h.inter), HOST, h.root);
	ATF_CHECK(result.reason == VERIFY_UNKNOWN_CA ||
	    result.reason == VERIFY_BAD_CHAIN);
	pki_free(self);
	house_free(&other);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(its_own_self_signed_certificate_as_anchor_is_accepted);
ATF_TC_BODY(its_own_self_signed_certificate_as_anchor_is_accepted, tc)
{
	struct pki_cert *self;

	self = leaf_of(NULL, (struct pki_spec){ 0 });
	EXPECT(verified(CHAIN(self), CHAIN(self), HOST, NULL), VERIFY_OK);
	EXPECT(verified(CHAIN(self), CHAIN(self), HOST, self), VERIFY_OK);
	EXPECT(verified(CHAIN(self), CHAIN(self), "else.example", self),
	    VERIFY_WRONG_NAME);
	pki_free(self);
}

ATF_TC_WITHOUT_HEAD(an_intermediate_is_no_anchor);
ATF_TC_BODY(an_intermediate_is_no_anchor, tc)
{
	struct house h = house_new("ours");

	EXPECT(verified(CHAIN(h.inter), CHAIN(h.leaf, h.inter), HOST, NULL),
	    VERIFY_UNKNOWN_CA);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(an_intermediate_that_is_no_ca_is_refused);
ATF_TC_BODY(an_intermediate_that_is_no_ca_is_refused, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *below;
	struct verify_result result;

	/* Anyone with a leaf of a trusted CA could sign for any name. */
	below = leaf_of(h.leaf, (struct pki_spec){ 0 });
	result = verified(
	    CHAIN(h.root), CHAIN(below, h.leaf, h.inter), HOST, h.leaf);
	ATF_CHECK(result.reason == VERIFY_BAD_CHAIN ||
	    result.reason == VERIFY_UNKNOWN_CA);
	pki_free(below);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_certificate_for_clients_is_refused);
ATF_TC_BODY(a_certificate_for_clients_is_refused, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *client, *server;

	client = leaf_of(h.inter, (struct pki_spec){ .usage = "clientAuth" });
	server = leaf_of(h.inter, (struct pki_spec){ .usage = "serverAuth" });
	EXPECT(verified(CHAIN(h.root), CHAIN(client, h.inter), HOST, NULL),
	    VERIFY_BAD_CHAIN);
	EXPECT(verified(CHAIN(h.root), CHAIN(server, h.inter), HOST, NULL),
	    VERIFY_OK);
	pki_free(server);
	pki_free(client);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_broken_signature_is_refused);
ATF_TC_BODY(a_broken_signature_is_refused, tc)
{
	struct house h = house_new("ours"), fake = house_new("ours");
	struct verify_result result;

	/* The forger's CA bears the name of the real one, which is sent: only
	 * key identifier and signature tell. */
	result = verified(CHAIN(h.root), CHAIN(fake.leaf, h.inter), HOST, NULL);
	ATF_CHECK(result.reason == VERIFY_BAD_CHAIN ||
	    result.reason == VERIFY_UNKNOWN_CA);
	house_free(&fake);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(weak_keys_and_signatures_are_refused);
ATF_TC_BODY(weak_keys_and_signatures_are_refused, tc)
{
	struct house h = house_new("ours");
	struct pki_cert *rsa1024, *sha1, *inter, *below, *rsa2048;

	rsa1024 = leaf_of(h.inter, (struct pki_spec){ .type = PKI_RSA1024 });
	sha1 = leaf_of(h.inter, (struct pki_spec){ .sha1 = true });
	inter = pki_make(
	    &(struct pki_spec){ .cn = "sha1", .ca = true, .sha1 = true },
	    h.root);
	below = leaf_of(inter, (struct pki_spec){ 0 });
	rsa2048 = leaf_of(h.inter, (struct pki_spec){ .type = PKI_RSA2048 });
	EXPECT(verified(CHAIN(h.root), CHAIN(rsa1024, h.inter), HOST, rsa1024),
	    VERIFY_BAD_CHAIN);
	EXPECT(verified(CHAIN(h.root), CHAIN(sha1, h.inter), HOST, NULL),
	    VERIFY_BAD_CHAIN);
	EXPECT(verified(CHAIN(h.root), CHAIN(below, inter), HOST, NULL),
	    VERIFY_BAD_CHAIN);
	EXPECT(verified(CHAIN(h.root), CHAIN(rsa2048, h.inter), HOST, NULL),
	    VERIFY_OK);
	pki_free(rsa2048);
	pki_free(below);
	pki_free(inter);
	pki_free(sha1);
	pki_free(rsa1024);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(what_an_anchor_signed_itself_with_does_not_matter);
ATF_TC_BODY(what_an_anchor_signed_itself_with_does_not_matter, tc)
{
	struct pki_cert *root, *leaf;

	root = pki_make(&(struct pki_spec){ .cn = "of 2006",
			    .ca = true,
			    .sha1 = true,
			    .type = PKI_RSA2048 },
	    NULL);
	leaf = leaf_of(root, (struct pki_spec){ 0 });
	EXPECT(verified(CHAIN(root), CHAIN(leaf), HOST, NULL), VERIFY_OK);
	pki_free(leaf);
	pki_free(root);
}

ATF_TC_WITHOUT_HEAD(an_ed25519_certificate_is_accepted);
ATF_TC_BODY(an_ed25519_certificate_is_accepted, tc)
{
	struct pki_cert *root, *leaf;

	root = pki_make(
	    &(struct pki_spec){ .cn = "ed", .ca = true, .type = PKI_ED25519 },
	    NULL);
	leaf = leaf_of(root, (struct pki_spec){ .type = PKI_ED25519 });
	EXPECT(verified(CHAIN(root), CHAIN(leaf), HOST, leaf), VERIFY_OK);
	pki_free(leaf);
	pki_free(root);
}

ATF_TC_WITHOUT_HEAD(what_is_no_chain_is_refused);
ATF_TC_BODY(what_is_no_chain_is_refused, tc)
{
	static const char *const texts[] = { "", "\n", "no certificate\n",
		"-----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n"
		"-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: DES-EDE3-CBC,0123456789ABCDEF\n\nAAAA\n"
		"-----END CERTIFICATE-----\n" };
	struct house h = house_new("ours");
	char *pem;
	size_t i, len;

	for (i = 0; i < COUNT(texts); i++)
		EXPECT(verified_text(texts[i], strlen(texts[i])),
		    VERIFY_BAD_CHAIN);
	/* A chain cut short in its second certificate. */
	pem = pki_pem(CHAIN(h.leaf, h.inter));
	len = strlen(pem);
	EXPECT(verified_text(pem, len - 40), VERIFY_BAD_CHAIN);
	EXPECT(verified_text(pem, len), VERIFY_UNKNOWN_CA);
	free(pem);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_chain_beyond_its_bounds_is_refused);
ATF_TC_BODY(a_chain_beyond_its_bounds_is_refused, tc)
{
	struct house h = house_new("ours");
	const struct pki_cert *list[101] = { NULL };
	char *pem;
	size_t i, len;

	for (i = 0; i < 100; i++)
		list[i] = i == 0 ? h.leaf : h.inter;
	EXPECT(verified(CHAIN(h.root), list, HOST, NULL), VERIFY_BAD_CHAIN);
	list[VERIFY_CHAIN_MAX + 1] = NULL;
	EXPECT(verified(CHAIN(h.root), list, HOST, NULL), VERIFY_BAD_CHAIN);
	list[VERIFY_CHAIN_MAX] = NULL;
	EXPECT(verified(CHAIN(h.root), list, HOST, NULL), VERIFY_OK);

	len = 1024 * 1024;
	ATF_REQUIRE((pem = malloc(len)) != NULL);
	memset(pem, '\n', len);
	EXPECT(verified_text(pem, len), VERIFY_BAD_CHAIN);
	free(pem);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_bundle_counts_what_it_holds_and_skips_what_is_broken);
ATF_TC_BODY(a_bundle_counts_what_it_holds_and_skips_what_is_broken, tc)
{
	static const char broken[] = "# a broken one\n"
				     "-----BEGIN CERTIFICATE-----\nAAAA\n"
				     "-----END CERTIFICATE-----\n";
	struct house h = house_new("ours");
	struct verify_anchors *anchors;
	struct verify_result result;
	char *pem, *sent, both[8192];

	ATF_CHECK(verify_anchors_new("", 0) == NULL);
	ATF_CHECK(verify_anchors_new("x", 1) == NULL);
	ATF_CHECK(verify_anchors_new(broken, sizeof(broken) - 1) == NULL);
	pem = pki_pem(CHAIN(h.root));
	snprintf(both, sizeof(both), "%s%s%s", pem, broken, pem);
	anchors = verify_anchors_new(both, strlen(both));
	ATF_REQUIRE(anchors != NULL);
	ATF_CHECK_EQ(2, verify_anchors_count(anchors));
	sent = pki_pem(CHAIN(h.leaf, h.inter));
	verify_chain(
	    &result, anchors, sent, strlen(sent), HOST, NULL, 0, PKI_NOW);
	EXPECT(result, VERIFY_OK);
	verify_anchors_free(anchors);
	verify_anchors_free(NULL);
	free(sent);
	free(pem);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(each_reason_has_the_word_of_the_manual);
ATF_TC_BODY(each_reason_has_the_word_of_the_manual, tc)
{
	ATF_CHECK_STREQ("expired", verify_reason_text(VERIFY_EXPIRED));
	ATF_CHECK_STREQ("not yet valid", verify_reason_text(VERIFY_NOT_YET));
	ATF_CHECK_STREQ("wrong name", verify_reason_text(VERIFY_WRONG_NAME));
	ATF_CHECK_STREQ("unknown CA", verify_reason_text(VERIFY_UNKNOWN_CA));
	ATF_CHECK_STREQ("no pin matched", verify_reason_text(VERIFY_NO_PIN));
	ATF_CHECK_STREQ("bad chain", verify_reason_text(VERIFY_BAD_CHAIN));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_good_chain_with_the_name_is_accepted);
	ATF_TP_ADD_TC(
	    tp, the_anchors_of_a_verified_chain_verify_it_by_themselves);
	ATF_TP_ADD_TC(tp, an_expired_certificate_is_refused_wherever_it_stands);
	ATF_TP_ADD_TC(tp, a_certificate_not_yet_valid_is_refused);
	ATF_TP_ADD_TC(tp, another_name_is_refused_though_the_chain_is_good);
	ATF_TP_ADD_TC(tp, case_of_the_name_does_not_matter);
	ATF_TP_ADD_TC(tp, a_wildcard_stands_for_one_whole_label);
	ATF_TP_ADD_TC(tp, a_common_name_is_no_name);
	ATF_TP_ADD_TC(tp, a_name_that_would_switch_the_check_off_is_refused);
	ATF_TP_ADD_TC(tp, an_address_is_held_against_the_addresses);
	ATF_TP_ADD_TC(tp, a_chain_to_a_root_that_is_not_trusted_is_refused);
	ATF_TP_ADD_TC(
	    tp, its_own_self_signed_certificate_as_anchor_is_accepted);
	ATF_TP_ADD_TC(tp, an_intermediate_is_no_anchor);
	ATF_TP_ADD_TC(tp, an_intermediate_that_is_no_ca_is_refused);
	ATF_TP_ADD_TC(tp, a_certificate_for_clients_is_refused);
	ATF_TP_ADD_TC(tp, a_broken_signature_is_refused);
	ATF_TP_ADD_TC(tp, weak_keys_and_signatures_are_refused);
	ATF_TP_ADD_TC(tp, what_an_anchor_signed_itself_with_does_not_matter);
	ATF_TP_ADD_TC(tp, an_ed25519_certificate_is_accepted);
	ATF_TP_ADD_TC(tp, what_is_no_chain_is_refused);
	ATF_TP_ADD_TC(tp, a_chain_beyond_its_bounds_is_refused);
	ATF_TP_ADD_TC(
	    tp, a_bundle_counts_what_it_holds_and_skips_what_is_broken);
	ATF_TP_ADD_TC(tp, each_reason_has_the_word_of_the_manual);
	return atf_no_error();
}

static struct verify_result
verified_text(const char *text, size_t len)
{
	struct house other = house_new("theirs");
	struct verify_anchors *anchors;
	struct verify_result result;

	anchors = trust(CHAIN(other.root));
	verify_chain(&result, anchors, text, len, HOST, NULL, 0, PKI_NOW);
	verify_anchors_free(anchors);
	house_free(&other);
	return result;
}
