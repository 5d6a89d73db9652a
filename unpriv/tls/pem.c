/*
 * Certificates and PEM, with libcrypto. What is read was sent by strangers: it
 * must never ask a terminal, nor go on beyond its bound.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem.h"

static bool at_end_of_pem(void);
static int no_password(char *, int, int, void *);

x509_stack *
pem_certs(const void *pem, size_t len, int max, bool lenient)
{
	x509_stack *certs;
	X509 *cert;
	BIO *bio;
	int tries;
	bool done = false;

	certs = sk_X509_new_null();
	bio = BIO_new_mem_buf(pem, (int)len);
	/* A failed read has consumed its certificate, or all that was left. */
	for (tries = 0; certs != NULL && bio != NULL && !done && tries <= max;
	     tries++) {
		ERR_clear_error();
		cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		if (cert == NULL) {
			done = at_end_of_pem();
			if (!done && !lenient)
				break;
		} else if (sk_X509_push(certs, cert) == 0) {
			X509_free(cert);
			break;
		}
	}
	BIO_free(bio);
	if (!done) {
		sk_X509_pop_free(certs, X509_free);
		return NULL;
	}
	return certs;
}

char *
pem_of(X509 *cert, size_t *len)
{
	BIO *bio;
	char *from, *pem = NULL;
	long n;

	if ((bio = BIO_new(BIO_s_mem())) == NULL)
		return NULL;
	if (PEM_write_bio_X509(bio, cert) == 1 &&
	    (n = BIO_get_mem_data(bio, &from)) > 0 &&
	    (pem = malloc((size_t)n)) != NULL) {
		memcpy(pem, from, (size_t)n);
		*len = (size_t)n;
	}
	BIO_free(bio);
	return pem;
}

static bool
at_end_of_pem(void)
{
	unsigned long error;

	error = ERR_peek_last_error();
	return ERR_GET_LIB(error) == ERR_LIB_PEM &&
	    ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/* Without it libcrypto asks the terminal for the pass phrase of a
 * certificate that says it is encrypted. */
static int
no_password(char *buf, int size, int writing, void *unused)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)unused;
	return -1;
}
