/*
 * Certificates of every kind, good and bad, for tests. Shares no code with
 * what is tested: a pin is computed another way here.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "pki.h"

static EVP_PKEY *new_key(enum pki_key);
static void describe(X509 *, const struct pki_spec *);
static void extend(X509 *, X509 *, const struct pki_spec *);
static void add(X509 *, X509V3_CTX *, int, const char *);
static void must(bool, const char *);

struct pki_cert *
pki_make(const struct pki_spec *spec, const struct pki_cert *issuer)
{
	struct pki_cert *made;
	const EVP_MD *digest;
	EVP_PKEY *signer;

	made = calloc(1, sizeof(*made));
	must(made != NULL, "calloc");
	if (spec->key != NULL) {
		EVP_PKEY_up_ref(spec->key);
		made->key = spec->key;
	} else
		made->key = new_key(spec->type);
	made->cert = X509_new();
	must(made->cert != NULL, "X509_new");
	describe(made->cert, spec);
	must(X509_set_pubkey(made->cert, made->key) == 1, "X509_set_pubkey");
	must(X509_set_issuer_name(made->cert,
		 X509_get_subject_name(
		     issuer != NULL ? issuer->cert : made->cert)) == 1,
	    "X509_set_issuer_name");
	extend(made->cert, issuer != NULL ? issuer->cert : made->cert, spec);
	signer = issuer != NULL ? issuer->key : made->key;
	digest = spec->sha1 ? EVP_sha1() : EVP_sha256();
	if (EVP_PKEY_base_id(signer) == EVP_PKEY_ED25519)
		digest = NULL;
	must(X509_sign(made->cert, signer, digest) > 0, "X509_sign");
	return made;
}

void
pki_free(struct pki_cert *cert)
{
	if (cert == NULL)
		return;
	X509_free(cert->cert);
	EVP_PKEY_free(cert->key);
	free(cert);
}

char *
pki_pem(const struct pki_cert *const *list)
{
	BIO *bio;
	char *data, *pem;
	long len;

	bio = BIO_new(BIO_s_mem());
	must(bio != NULL, "BIO_new");
	for (; *list != NULL; list++)
		must(PEM_write_bio_X509(bio, (*list)->cert) == 1, "PEM");
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(len > 0 ? data : "", (size_t)len);
	must(pem != NULL, "strndup");
	BIO_free(bio);
	return pem;
}

void
pki_pin(const struct pki_cert *cert, uint8_t pin[32])
{
	unsigned char *der = NULL;
	int len;

	len = i2d_PUBKEY(cert->key, &der);
	must(len > 0, "i2d_PUBKEY");
	SHA256(der, (size_t)len, pin);
	OPENSSL_free(der);
}

static EVP_PKEY *
new_key(enum pki_key type)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	int id;

	id = type == PKI_P256	  ? EVP_PKEY_EC
	    : type == PKI_ED25519 ? EVP_PKEY_ED25519
				  : EVP_PKEY_RSA;
	ctx = EVP_PKEY_CTX_new_id(id, NULL);
	must(ctx != NULL && EVP_PKEY_keygen_init(ctx) == 1, "keygen_init");
	if (type == PKI_P256)
		must(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(
			 ctx, NID_X9_62_prime256v1) == 1,
		    "P-256");
	else if (type != PKI_ED25519)
		must(EVP_PKEY_CTX_set_rsa_keygen_bits(
			 ctx, type == PKI_RSA1024 ? 1024 : 2048) == 1,
		    "RSA");
	must(EVP_PKEY_keygen(ctx, &key) == 1, "keygen");
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
describe(X509 *cert, const struct pki_spec *spec)
{
	static long serial;
	X509_NAME *name;
	time_t begins, ends;

	begins = spec->begins != 0 ? spec->begins : PKI_NOW - PKI_YEAR;
	ends = spec->ends != 0 ? spec->ends : PKI_NOW + PKI_YEAR;
	must(X509_set_version(cert, 2) == 1, "version");
	must(ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) == 1,
	    "serial");
	must(ASN1_TIME_set(X509_getm_notBefore(cert), begins) != NULL, "from");
	must(ASN1_TIME_set(X509_getm_notAfter(cert), ends) != NULL, "until");
	name = X509_NAME_new();
	must(name != NULL &&
		X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		    (const unsigned char *)spec->cn, -1, -1, 0) == 1 &&
		X509_set_subject_name(cert, name) == 1,
	    "subject");
	X509_NAME_free(name);
}

static void
extend(X509 *cert, X509 *issuer, const struct pki_spec *spec)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	add(cert, &ctx, NID_subject_key_identifier, "hash");
	add(cert, &ctx, NID_basic_constraints,
	    spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	/* A leaf that signed itself has none, as `openssl req -x509` makes it:
	 * without keyCertSign LibreSSL would not call it self-signed. */
	if (spec->ca)
		add(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
	else if (cert != issuer)
		add(cert, &ctx, NID_key_usage, "critical,digitalSignature");
	if (spec->usage != NULL)
		add(cert, &ctx, NID_ext_key_usage, spec->usage);
	if (spec->san != NULL)
		add(cert, &ctx, NID_subject_alt_name, spec->san);
}

static void
add(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension;
	char *copy;

	/* LibreSSL's takes the text without const. */
	copy = strdup(value);
	must(copy != NULL, "strdup");
	extension = X509V3_EXT_conf_nid(NULL, ctx, nid, copy);
	must(
	    extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
	free(copy);
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	ERR_print_errors_fp(stderr);
	errx(1, "pki: %s", what);
}
