/*
 * The verification of an upstream's chain, made again with libcrypto alone so
 * that a pin can be held against the chain that was verified. Never asks the
 * clock, a file or the network, and never trusts what was merely sent.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pem.h"
#include "verify.h"

/* Of a chain as sent; eight certificates with room for post-quantum ones. */
#define CHAIN_PEM_MAX 65536
/* Of a bundle; Debian's holds about 150 certificates in 220 KB. */
#define ANCHORS_PEM_MAX (8 * 1024 * 1024)
#define ANCHORS_MAX	4096

/*
 * What a key and a signature must be worth: RSA of 2048 bits, curves of 224,
 * SHA-224. That is SP 800-57's least, and refuses RSA-1024, SHA-1 and MD5.
 * LibreSSL enforces nothing of it by itself, so it is checked here for both.
 */
#define STRENGTH_MIN 112

struct verify_anchors {
	X509_STORE *store;
	x509_stack *certs;
};

/* What a chain is held against. */
struct wanted {
	const char *host;
	const uint8_t (*pins)[VERIFY_PIN_LEN];
	size_t npins;
	time_t now;
};

static X509_STORE *store_of(x509_stack *);
static bool usable(const struct wanted *);
static size_t anchor_of(const struct verify_anchors *, X509 *);
static void verify_to(struct verify_result *, const struct verify_anchors *,
    X509_STORE *, X509 *, x509_stack *, const struct wanted *);
static void tell_names(struct verify_result *, X509 *);
static bool set_wanted(X509_STORE_CTX *, const struct wanted *);
static void judge(struct verify_result *, const struct verify_anchors *,
    x509_stack *, const struct wanted *);
static bool strong_key(X509 *);
static bool strong_signature(X509 *);
static bool pin_wanted(const uint8_t[VERIFY_PIN_LEN], const struct wanted *);
static X509_STORE *
pinned_anchors(const struct verify_anchors *, const struct wanted *);
static enum verify_reason reason_of(int);
static void
verdict(struct verify_result *, enum verify_reason, const char *, int);

struct verify_anchors *
verify_anchors_new(const void *pem, size_t len)
{
	struct verify_anchors *anchors;

	if (len == 0 || len > ANCHORS_PEM_MAX)
		return NULL;
	if ((anchors = calloc(1, sizeof(*anchors))) == NULL)
		return NULL;
	/* One certificate that this library cannot read must not take the
	 * others of a bundle with it: less is trusted then, never more. */
	anchors->certs = pem_certs(pem, len, ANCHORS_MAX, true);
	if (anchors->certs != NULL && sk_X509_num(anchors->certs) > 0)
		anchors->store = store_of(anchors->certs);
	ERR_clear_error();
	if (anchors->store == NULL) {
		verify_anchors_free(anchors);
		return NULL;
	}
	return anchors;
}

void
verify_anchors_free(struct verify_anchors *anchors)
{
	if (anchors == NULL)
		return;
	X509_STORE_free(anchors->store);
	sk_X509_pop_free(anchors->certs, X509_free);
	free(anchors);
}

size_t
verify_anchors_count(const struct verify_anchors *anchors)
{
	return (size_t)sk_X509_num(anchors->certs);
}

char *
verify_anchor_pem(
    const struct verify_anchors *anchors, size_t anchor, size_t *len)
{
	X509 *cert = sk_X509_value(anchors->certs, (int)anchor);

	return cert == NULL ? NULL : pem_of(cert, len);
}

size_t
verify_anchors_pinned(const struct verify_anchors *anchors,
    const uint8_t (*pins)[VERIFY_PIN_LEN], size_t npins, struct cert *cert,
    size_t max)
{
	const struct wanted wanted = { NULL, pins, npins, 0 };
	uint8_t pin[VERIFY_PIN_LEN];
	X509 *anchor;
	size_t n = 0;
	int i;

	for (i = 0; i < sk_X509_num(anchors->certs) && n < max; i++) {
		anchor = sk_X509_value(anchors->certs, i);
		if (cert_pin(anchor, pin) && pin_wanted(pin, &wanted) &&
		    cert_describe(&cert[n], anchor))
			n++;
	}
	ERR_clear_error();
	return n;
}

void
verify_chain(struct verify_result *result, const struct verify_anchors *anchors,
    const void *chain_pem, size_t chain_len, const char *host,
    const uint8_t (*pins)[VERIFY_PIN_LEN], size_t npins, time_t now)
{
	const struct wanted wanted = { host, pins, npins, now };
	struct verify_result second;
	x509_stack *sent = NULL;
	X509_STORE *store;
	X509 *leaf = NULL;

	memset(result, 0, sizeof(*result));
	verdict(result, VERIFY_BAD_CHAIN, "unreadable chain", -1);
	if (!usable(&wanted))
		verdict(result, VERIFY_BAD_CHAIN, "no name and no pin", -1);
	else if (chain_len > 0 && chain_len <= CHAIN_PEM_MAX)
		sent = pem_certs(chain_pem, chain_len, VERIFY_CHAIN_MAX, false);
	if (sent != NULL)
		leaf = sk_X509_shift(sent);
	if (leaf != NULL)
		verify_to(result, anchors, anchors->store, leaf, sent, &wanted);
	/*
	 * A cross-signed root gives a leaf several paths, and libcrypto takes
	 * the one that ends soonest. A pin on a key of another path is as good
	 * if that path verifies: so once more, to the pinned anchors alone.
	 * (A key that is cross-signed is the same key, hence the same pin, on
	 * either path; only what stands above it can be missed.)
	 */
	if (result->reason == VERIFY_NO_PIN &&
	    (store = pinned_anchors(anchors, &wanted)) != NULL) {
		memset(&second, 0, sizeof(second));
		verify_to(&second, anchors, store, leaf, sent, &wanted);
		if (second.reason == VERIFY_OK)
			*result = second;
		X509_STORE_free(store);
	}
	X509_free(leaf);
	sk_X509_pop_free(sent, X509_free);
	ERR_clear_error();
}

const char *
verify_reason_text(enum verify_reason reason)
{
	switch (reason) {
	case VERIFY_OK:
		return "ok";
	case VERIFY_EXPIRED:
		return "expired";
	case VERIFY_NOT_YET:
		return "not yet valid";
	case VERIFY_WRONG_NAME:
		return "wrong name";
	case VERIFY_UNKNOWN_CA:
		return "unknown CA";
	case VERIFY_NO_PIN:
		return "no pin matched";
	case VERIFY_BAD_CHAIN:
		break;
	}
	return "bad chain";
}

const char *
verify_pin_text(const uint8_t pin[VERIFY_PIN_LEN], char buf[VERIFY_PIN_TEXT])
{
	unsigned char base64[VERIFY_PIN_TEXT - 7];

	EVP_EncodeBlock(base64, pin, VERIFY_PIN_LEN);
	memcpy(buf, "sha256/", 7);
	memcpy(buf + 7, base64, sizeof(base64));
	return buf;
}

static X509_STORE *
store_of(x509_stack *certs)
{
	X509_STORE *store;
	int i;

	if ((store = X509_STORE_new()) == NULL)
		return NULL;
	for (i = 0; i < sk_X509_num(certs); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(certs, i)) != 1) {
			X509_STORE_free(store);
			return NULL;
		}
	}
	return store;
}

/*
 * An empty name would switch libcrypto's check off, and one that begins with
 * a dot would take any name below it.
 */
static bool
usable(const struct wanted *wanted)
{
	if (wanted->host == NULL)
		return wanted->npins > 0;
	return wanted->host[0] != '\0' && wanted->host[0] != '.';
}

static void
verify_to(struct verify_result *result, const struct verify_anchors *anchors,
    X509_STORE *store, X509 *leaf, x509_stack *untrusted,
    const struct wanted *wanted)
{
	X509_STORE_CTX *ctx;
	int error;

	verdict(result, VERIFY_BAD_CHAIN, "out of memory", -1);
	if ((ctx = X509_STORE_CTX_new()) == NULL)
		return;
	if (X509_STORE_CTX_init(ctx, store, leaf, untrusted) != 1 ||
	    !set_wanted(ctx, wanted)) {
		X509_STORE_CTX_free(ctx);
		return;
	}
	if (X509_verify_cert(ctx) == 1 &&
	    X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		judge(result, anchors, X509_STORE_CTX_get0_chain(ctx), wanted);
	else {
		error = X509_STORE_CTX_get_error(ctx);
		verdict(result, reason_of(error),
		    X509_verify_cert_error_string(error),
		    X509_STORE_CTX_get_error_depth(ctx));
		if (result->reason == VERIFY_WRONG_NAME)
			tell_names(result, leaf);
	}
	X509_STORE_CTX_free(ctx);
}

static void
tell_names(struct verify_result *result, X509 *leaf)
{
	char names[96];

	cert_names(leaf, names, sizeof(names));
	snprintf(result->detail, sizeof(result->detail), "it is for %s", names);
}

/*
 * X509_V_FLAG_PARTIAL_CHAIN stays unset, as it does in libtls, which verifies
 * before us: a path must end at a self-signed anchor, and an intermediate in
 * `ca` is no anchor. (The upstream's own self-signed certificate in `ca` is.)
 */
static bool
set_wanted(X509_STORE_CTX *ctx, const struct wanted *wanted)
{
	X509_VERIFY_PARAM *param;
	struct in6_addr addr;

	if (X509_STORE_CTX_set_default(ctx, "ssl_server") != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, wanted->now);
	if (wanted->host == NULL)
		return true;
	if (inet_pton(AF_INET, wanted->host, &addr) == 1 ||
	    inet_pton(AF_INET6, wanted->host, &addr) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, wanted->host) == 1;
	/* RFC 9525 section 6.3: a wildcard is a whole label; section 2: the
	 * common name is not a name. */
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(
		   param, wanted->host, strlen(wanted->host)) == 1;
}

/* The chain leads to an anchor and has the name: now strength and pins. */
static void
judge(struct verify_result *result, const struct verify_anchors *anchors,
    x509_stack *chain, const struct wanted *wanted)
{
	size_t anchor = SIZE_MAX;
	X509 *cert;
	int i, n;
	bool pinned = wanted->npins == 0;

	n = sk_X509_num(chain);
	if (n < 1 || n > VERIFY_CHAIN_MAX) {
		verdict(result, VERIFY_BAD_CHAIN, "too long a chain", -1);
		return;
	}
	for (i = 0; i < n; i++) {
		cert = sk_X509_value(chain, i);
		if (!strong_key(cert)) {
			verdict(result, VERIFY_BAD_CHAIN, "weak key", i);
			return;
		}
		/* The anchor is trusted for being there, not for what it
		 * signed itself with. */
		if (i < n - 1 && !strong_signature(cert)) {
			verdict(result, VERIFY_BAD_CHAIN, "weak signature", i);
			return;
		}
		if (!cert_describe(&result->cert[i], cert))
			return;
		if (pin_wanted(result->cert[i].pin, wanted))
			pinned = true;
		if ((anchor = anchor_of(anchors, cert)) != SIZE_MAX)
			result->anchor[result->nanchor++] = anchor;
	}
	if (anchor == SIZE_MAX) {
		verdict(result, VERIFY_UNKNOWN_CA, "ends at no anchor", n - 1);
		return;
	}
	result->ncert = (size_t)n;
	if (pinned)
		verdict(result, VERIFY_OK, "ok", -1);
	else
		verdict(
		    result, VERIFY_NO_PIN, "no pin on the verified chain", -1);
}

/* SIZE_MAX: it is none of them. */
static size_t
anchor_of(const struct verify_anchors *anchors, X509 *cert)
{
	int i;

	for (i = 0; i < sk_X509_num(anchors->certs); i++)
		if (X509_cmp(sk_X509_value(anchors->certs, i), cert) == 0)
			return (size_t)i;
	return SIZE_MAX;
}

static bool
strong_key(X509 *cert)
{
	EVP_PKEY *key;

	key = X509_get0_pubkey(cert);
	return key != NULL && EVP_PKEY_security_bits(key) >= STRENGTH_MIN;
}

static bool
strong_signature(X509 *cert)
{
	int bits;

	return X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 &&
	    bits >= STRENGTH_MIN;
}

static bool
pin_wanted(const uint8_t pin[VERIFY_PIN_LEN], const struct wanted *wanted)
{
	size_t i;

	for (i = 0; i < wanted->npins; i++) {
		if (memcmp(pin, wanted->pins[i], VERIFY_PIN_LEN) == 0)
			return true;
	}
	return false;
}

/* The anchors that hold a pinned key; NULL if none does. */
static X509_STORE *
pinned_anchors(
    const struct verify_anchors *anchors, const struct wanted *wanted)
{
	uint8_t pin[VERIFY_PIN_LEN];
	x509_stack *some;
	X509_STORE *store = NULL;
	X509 *cert;
	int i;

	if ((some = sk_X509_new_null()) == NULL)
		return NULL;
	for (i = 0; i < sk_X509_num(anchors->certs); i++) {
		cert = sk_X509_value(anchors->certs, i);
		if (cert_pin(cert, pin) && pin_wanted(pin, wanted) &&
		    sk_X509_push(some, cert) == 0)
			break;
	}
	if (sk_X509_num(some) > 0)
		store = store_of(some);
	sk_X509_free(some);
	return store;
}

static enum verify_reason
reason_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return VERIFY_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERIFY_NOT_YET;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return VERIFY_WRONG_NAME;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return VERIFY_UNKNOWN_CA;
	default:
		return VERIFY_BAD_CHAIN;
	}
}

/* The verdict so far; depth is that of a certificate, 0 the leaf, or -1. */
static void
verdict(struct verify_result *result, enum verify_reason reason,
    const char *detail, int depth)
{
	result->reason = reason;
	if (depth >= 0)
		snprintf(result->detail, sizeof(result->detail),
		    "%s (certificate %d)", detail, depth);
	else
		snprintf(result->detail, sizeof(result->detail), "%s", detail);
}
