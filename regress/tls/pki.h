/*
 * Certificates of every kind, good and bad, made by the test that needs them.
 * Any failure here ends the test program: there is nothing to hand back.
 */
#ifndef REGRESS_TLS_PKI_H
#define REGRESS_TLS_PKI_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

struct pki_cert {
	X509 *cert;
	EVP_PKEY *key;
};

enum pki_key { PKI_P256, PKI_RSA2048, PKI_RSA1024, PKI_ED25519 };

/* What is left out is what a good certificate has. */
struct pki_spec {
	const char *cn;
	const char *san; /* "DNS:a.example,IP:192.0.2.1" */
	const char *usage; /* extended key usage, such as "clientAuth" */
	bool ca;
	bool sha1;
	enum pki_key type;
	EVP_PKEY *key; /* this key instead of a new one (not consumed) */
	time_t begins; /* 0: a year before PKI_NOW */
	time_t ends; /* 0: a year after it */
};

/* 2026-01-01 00:00:00 UTC, the hour of every test that says no other. */
#define PKI_NOW	 ((time_t)1767225600)
#define PKI_YEAR ((time_t)31536000)

/* issuer NULL: self-signed. Free with pki_free. */
struct pki_cert *
pki_make(const struct pki_spec *spec, const struct pki_cert *issuer);
void pki_free(struct pki_cert *cert);

/* The certificates of a NULL-terminated list as one PEM text, to be freed. */
char *pki_pem(const struct pki_cert *const *list);

/* SHA-256 of the certificate's SubjectPublicKeyInfo, by the long way. */
void pki_pin(const struct pki_cert *cert, uint8_t pin[32]);

#endif
