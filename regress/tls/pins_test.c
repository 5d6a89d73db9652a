/*
 * Pins count on the chain that was verified, and nowhere else; those that are
 * built in, on one that Cloudflare really served.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "house.h"

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

/* SSL.com's two roots (ECC, RSA) and DigiCert Global Root CA. */
static const char *const builtin_pins[] = {
	"oyD01TTXvpfBro3QSZc1vIlcMjrdLTiL/M9mLCPX+Zo=",
	"0cRTd+vc1hjNFlHcLgLCHXUeWqn80bNDH/bs9qMTSPo=",
	"r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E="
};

static enum verify_reason real_chain(const char *, const char *, time_t);
static const char *chain_file(char[1024], const char *);
static char *slurp(const char *);

ATF_TC_WITHOUT_HEAD(a_pin_on_any_certificate_of_the_verified_chain_matches);
ATF_TC_BODY(a_pin_on_any_certificate_of_the_verified_chain_matches, tc)
{
	struct house h = house_new("ours");
	struct verify_result result;
	uint8_t pin[VERIFY_PIN_LEN];

	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), HOST, h.leaf),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), HOST, h.inter),
	    VERIFY_OK);
	/* The root is not sent, and its pin matches all the same. */
	result = verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), HOST, h.root);
	EXPECT(result, VERIFY_OK);
	ATF_REQUIRE_EQ(3, result.ncert);
	pki_pin(h.leaf, pin);
	ATF_CHECK(memcmp(pin, result.cert[0].pin, sizeof(pin)) == 0);
	pki_pin(h.inter, pin);
	ATF_CHECK(memcmp(pin, result.cert[1].pin, sizeof(pin)) == 0);
	pki_pin(h.root, pin);
	ATF_CHECK(memcmp(pin, result.cert[2].pin, sizeof(pin)) == 0);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(without_a_matching_pin_those_seen_are_told);
ATF_TC_BODY(without_a_matching_pin_those_seen_are_told, tc)
{
	struct house h = house_new("ours"), other = house_new("theirs");
	struct verify_result result;
	uint8_t pin[VERIFY_PIN_LEN];

	result = verified(CHAIN(h.root, other.root), CHAIN(h.leaf, h.inter),
	    HOST, other.root);
	EXPECT(result, VERIFY_NO_PIN);
	ATF_REQUIRE_EQ(3, result.ncert);
	pki_pin(h.root, pin);
	ATF_CHECK(memcmp(pin, result.cert[2].pin, sizeof(pin)) == 0);
	house_free(&other);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(pin_on_a_certificate_outside_the_verified_chain_is_refused);
ATF_TC_BODY(pin_on_a_certificate_outside_the_verified_chain_is_refused, tc)
{
	struct house h = house_new("ours"), other = house_new("theirs");
	struct pki_cert *made;

	/* A leaf of another trusted CA, the pinned intermediate beside it. */
	EXPECT(verified(CHAIN(h.root, other.root),
		   CHAIN(other.leaf, other.inter, h.inter), HOST, h.inter),
	    VERIFY_NO_PIN);
	EXPECT(verified(CHAIN(h.root, other.root),
		   CHAIN(other.leaf, h.inter, other.inter), HOST, h.inter),
	    VERIFY_NO_PIN);
	/* ... and the whole of the pinned chain beside it. */
	EXPECT(verified(CHAIN(h.root, other.root),
		   CHAIN(other.leaf, other.inter, h.leaf, h.inter, h.root),
		   HOST, h.leaf),
	    VERIFY_NO_PIN);
	EXPECT(
	    verified(CHAIN(h.root, other.root),
		CHAIN(other.leaf, other.inter, h.inter, h.root), HOST, h.root),
	    VERIFY_NO_PIN);
	/* One made for the purpose, around the pinned key. */
	made = pki_make(
	    &(struct pki_spec){
		.cn = "theirs", .ca = true, .key = h.root->key },
	    NULL);
	EXPECT(verified(CHAIN(h.root, other.root),
		   CHAIN(other.leaf, other.inter, made), HOST, h.root),
	    VERIFY_NO_PIN);
	pki_free(made);
	house_free(&other);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_pin_above_a_cross_signed_root_matches);
ATF_TC_BODY(a_pin_above_a_cross_signed_root_matches, tc)
{
	struct house h = house_new("new"), old = house_new("old");
	struct pki_cert *cross;

	/* The new root's key under the old root: two paths for one leaf. */
	cross = pki_make(
	    &(struct pki_spec){
		.cn = "new root", .ca = true, .key = h.root->key },
	    old.root);
	EXPECT(verified(CHAIN(h.root, old.root), CHAIN(h.leaf, h.inter, cross),
		   HOST, h.root),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root, old.root), CHAIN(h.leaf, h.inter, cross),
		   HOST, old.root),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(old.root), CHAIN(h.leaf, h.inter, cross), HOST,
		   h.root),
	    VERIFY_OK);
	/* Without the bridge there is one path only. */
	EXPECT(verified(CHAIN(h.root, old.root), CHAIN(h.leaf, h.inter), HOST,
		   old.root),
	    VERIFY_NO_PIN);
	pki_free(cross);
	house_free(&old);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_pin_stands_in_for_a_name_but_nothing_for_both);
ATF_TC_BODY(a_pin_stands_in_for_a_name_but_nothing_for_both, tc)
{
	struct house h = house_new("ours");

	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), NULL, h.leaf),
	    VERIFY_OK);
	EXPECT(verified(CHAIN(h.root), CHAIN(h.leaf, h.inter), NULL, NULL),
	    VERIFY_BAD_CHAIN);
	house_free(&h);
}

ATF_TC_WITHOUT_HEAD(a_pin_is_written_as_the_configuration_reads_it);
ATF_TC_BODY(a_pin_is_written_as_the_configuration_reads_it, tc)
{
	char text[VERIFY_PIN_TEXT];
	uint8_t pin[VERIFY_PIN_LEN];

	memset(pin, 0xfb, sizeof(pin));
	ATF_CHECK_STREQ("sha256/+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=",
	    verify_pin_text(pin, text));
	memset(pin, 0, sizeof(pin));
	ATF_CHECK_STREQ("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	    verify_pin_text(pin, text));
}

ATF_TC_WITHOUT_HEAD(the_built_in_pins_accept_the_chain_cloudflare_served);
ATF_TC_BODY(the_built_in_pins_accept_the_chain_cloudflare_served, tc)
{
	static const char *const names[] = { "one.one.one.one",
		"cloudflare-dns.com", "family.cloudflare-dns.com", "1.1.1.1",
		"2606:4700:4700::1111" };
	const time_t then = 1642000000; /* 2022-01-12 */
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		ATF_CHECK_EQ(VERIFY_OK, real_chain(BUNDLE, names[i], then));
		ATF_CHECK_EQ(VERIFY_OK, real_chain(NULL, names[i], then));
	}
	ATF_CHECK_EQ(
	    VERIFY_WRONG_NAME, real_chain(BUNDLE, "dns.quad9.net", then));
	/* From 2021-10-25 00:00:00 until 2022-10-25 23:59:59, a second that
	 * OpenSSL no longer counts (RFC 5280 4.1.2.5 does). */
	ATF_CHECK_EQ(VERIFY_NOT_YET, real_chain(NULL, names[0], 1635119999));
	ATF_CHECK_EQ(VERIFY_OK, real_chain(NULL, names[0], 1635120000));
	ATF_CHECK_EQ(VERIFY_OK, real_chain(NULL, names[0], 1666742398));
	ATF_CHECK_EQ(VERIFY_EXPIRED, real_chain(NULL, names[0], 1666742400));
}

ATF_TC_WITHOUT_HEAD(the_built_in_pins_are_keys_of_the_installed_bundle);
ATF_TC_BODY(the_built_in_pins_are_keys_of_the_installed_bundle, tc)
{
	char *pem, text[VERIFY_PIN_TEXT];
	struct pki_cert cert;
	uint8_t pin[VERIFY_PIN_LEN];
	bool found[COUNT(builtin_pins)] = { false };
	BIO *bio;
	size_t i;

	pem = slurp(BUNDLE);
	ATF_REQUIRE((bio = BIO_new_mem_buf(pem, -1)) != NULL);
	while ((cert.cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		cert.key = X509_get0_pubkey(cert.cert);
		pki_pin(&cert, pin);
		verify_pin_text(pin, text);
		for (i = 0; i < COUNT(builtin_pins); i++) {
			if (strcmp(text + strlen("sha256/"), builtin_pins[i]) ==
			    0)
				found[i] = true;
		}
		X509_free(cert.cert);
	}
	for (i = 0; i < COUNT(builtin_pins); i++)
		ATF_CHECK_MSG(found[i], "%s", builtin_pins[i]);
	BIO_free(bio);
	free(pem);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, a_pin_on_any_certificate_of_the_verified_chain_matches);
	ATF_TP_ADD_TC(tp, without_a_matching_pin_those_seen_are_told);
	ATF_TP_ADD_TC(
	    tp, pin_on_a_certificate_outside_the_verified_chain_is_refused);
	ATF_TP_ADD_TC(tp, a_pin_above_a_cross_signed_root_matches);
	ATF_TP_ADD_TC(tp, a_pin_stands_in_for_a_name_but_nothing_for_both);
	ATF_TP_ADD_TC(tp, a_pin_is_written_as_the_configuration_reads_it);
	ATF_TP_ADD_TC(tp, the_built_in_pins_accept_the_chain_cloudflare_served);
	ATF_TP_ADD_TC(tp, the_built_in_pins_are_keys_of_the_installed_bundle);
	return atf_no_error();
}

/*
 * Cloudflare's chain of 2021 (leaf and intermediate, as it was sent), held
 * against the built-in pins. anchors NULL: the root of the same folder.
 */
static enum verify_reason
real_chain(const char *anchors_file, const char *host, time_t now)
{
	struct verify_anchors *anchors;
	struct verify_result result;
	uint8_t pins[COUNT(builtin_pins)][VERIFY_PIN_LEN + 1];
	uint8_t exact[COUNT(builtin_pins)][VERIFY_PIN_LEN];
	char path[1024], *bundle, *leaf, *inter, *sent;
	size_t i;

	for (i = 0; i < COUNT(builtin_pins); i++) {
		ATF_REQUIRE(EVP_DecodeBlock(pins[i],
				(const unsigned char *)builtin_pins[i],
				44) == VERIFY_PIN_LEN + 1);
		memcpy(exact[i], pins[i], VERIFY_PIN_LEN);
	}
	bundle = slurp(
	    anchors_file != NULL ? anchors_file : chain_file(path, "ca.pem"));
	leaf = slurp(chain_file(path, "ee.pem"));
	inter = slurp(chain_file(path, "inter.pem"));
	ATF_REQUIRE(asprintf(&sent, "%s%s", leaf, inter) > 0);
	anchors = verify_anchors_new(bundle, strlen(bundle));
	ATF_REQUIRE(anchors != NULL);
	verify_chain(&result, anchors, sent, strlen(sent), host,
	    (const uint8_t(*)[VERIFY_PIN_LEN])exact, COUNT(exact), now);
	verify_anchors_free(anchors);
	free(sent);
	free(inter);
	free(leaf);
	free(bundle);
	return result.reason;
}

/* A file of the chain; a skip where the data is not there. */
static const char *
chain_file(char path[1024], const char *name)
{
	const char *data;

	if ((data = getenv("DOTPROXY_DATA")) == NULL)
		data = SRCDIR "/../shared/data";
	snprintf(path, 1024, "%s/chains/cloudflare-2021/%s", data, name);
	if (access(path, R_OK) == -1)
		atf_tc_skip("no %s (DOTPROXY_DATA names another place)", path);
	return path;
}

static char *
slurp(const char *path)
{
	char *text;
	FILE *f;
	size_t len;

	if ((f = fopen(path, "r")) == NULL)
		atf_tc_skip("no %s", path);
	ATF_REQUIRE((text = calloc(1, 1024 * 1024)) != NULL);
	len = fread(text, 1, 1024 * 1024 - 1, f);
	ATF_REQUIRE(len > 0 && feof(f));
	fclose(f);
	return text;
}
