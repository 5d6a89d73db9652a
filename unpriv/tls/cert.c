/*
 * A certificate in words and numbers. Its subject is whatever a stranger wrote
 * there: no byte of it may leave here that is not printable.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "cert.h"

static void subject_of(X509 *, char[CERT_SUBJECT_MAX]);
static int64_t end_of(X509 *);
static void clean(char *);

bool
cert_describe(struct cert *cert, X509 *x509)
{
	memset(cert, 0, sizeof(*cert));
	subject_of(x509, cert->subject);
	cert->ends = end_of(x509);
	return cert_pin(x509, cert->pin);
}

bool
cert_pin(X509 *x509, uint8_t pin[CERT_PIN_LEN])
{
	unsigned char *der = NULL;
	unsigned int pin_len = 0;
	int len;
	bool ok;

	if ((len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der)) <= 0)
		return false;
	ok = EVP_Digest(der, (size_t)len, pin, &pin_len, EVP_sha256(), NULL) ==
		1 &&
	    pin_len == CERT_PIN_LEN;
	OPENSSL_free(der);
	return ok;
}

void
cert_names(X509 *x509, char *buf, size_t size)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *name;
	size_t used = 0;
	int i, n;

	(void)snprintf(buf, size, "no name");
	for (i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS)
			continue;
		n = snprintf(&buf[used], size - used, "%s%.*s",
		    used > 0 ? ", " : "", ASN1_STRING_length(name->d.dNSName),
		    (const char *)ASN1_STRING_get0_data(name->d.dNSName));
		if (n < 0 || (size_t)n >= size - used)
			break;
		used += (size_t)n;
	}
	GENERAL_NAMES_free(names);
	clean(buf);
}

static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

/* What is not ASCII, and what moves a terminal, libcrypto writes as \xx. */
static void
subject_of(X509 *x509, char subject[CERT_SUBJECT_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio != NULL &&
	    X509_NAME_print_ex(
		bio, X509_get_subject_name(x509), 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, subject, CERT_SUBJECT_MAX - 1);
	BIO_free(bio);
	subject[n > 0 ? n : 0] = '\0';
	clean(subject);
	if (subject[0] == '\0')
		memcpy(subject, "(no name)", sizeof("(no name)"));
}

static int64_t
end_of(X509 *x509)
{
	struct tm tm;
	int64_t ends;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1)
		return 0;
	ends = (int64_t)timegm(&tm);
	if (ends < 0)
		return 0;
	return ends > CERT_ENDS_MAX ? CERT_ENDS_MAX : ends;
}
