/*
 * What is kept of a certificate once it has been verified: enough to name it,
 * to pin it and to say when it ends.
 */
#ifndef UNPRIV_TLS_CERT_H
#define UNPRIV_TLS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#define CERT_PIN_LEN	 32
#define CERT_SUBJECT_MAX 128 /* with NUL; what is longer is cut */
#define CERT_ENDS_MAX	 253402300799 /* seconds since 1970: the year 9999 */

struct cert {
	uint8_t pin[CERT_PIN_LEN]; /* of its SubjectPublicKeyInfo */
	int64_t ends; /* seconds since 1970, 0 .. CERT_ENDS_MAX */
	char subject[CERT_SUBJECT_MAX]; /* RFC 2253, printable ASCII only */
};

/* RFC 7858 4.2 (after RFC 7469): SHA-256 of the DER of the public key; false
 * when libcrypto cannot say. */
bool cert_pin(X509 *x509, uint8_t pin[CERT_PIN_LEN]);
/* The same of the whole of it; all of *cert is written. */
bool cert_describe(struct cert *cert, X509 *x509);

/* "a.example, *.b.example": the names of DNS that it is for, printable, as many
 * as fit, into buf; "no name" if there are none. */
void cert_names(X509 *x509, char *buf, size_t size);

#endif
