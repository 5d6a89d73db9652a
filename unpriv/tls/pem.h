/*
 * Certificates out of a PEM text, and one back into it.
 */
#ifndef UNPRIV_TLS_PEM_H
#define UNPRIV_TLS_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

typedef STACK_OF(X509) x509_stack;

/*
 * The certificates of a PEM text, at most max of them; to be freed with what
 * is in it. NULL if there are more or, unless lenient, if one cannot be read.
 * len must fit an int. Leaves errors in libcrypto's queue.
 */
x509_stack *pem_certs(const void *pem, size_t len, int max, bool lenient);
/* One certificate, to be freed, and its length; NULL without memory. */
char *pem_of(X509 *cert, size_t *len);

#endif
