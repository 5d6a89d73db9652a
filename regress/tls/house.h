/*
 * Chains to be verified, and what is expected of it.
 */
#ifndef REGRESS_TLS_HOUSE_H
#define REGRESS_TLS_HOUSE_H

#include "unpriv/tls/verify.h"

#include "pki.h"

#define HOST	   "dns.example.net"
#define CHAIN(...) ((const struct pki_cert *const[]){ __VA_ARGS__, NULL })
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

/* A root of its own, an intermediate below it, and a leaf for HOST. */
struct house {
	struct pki_cert *root, *inter, *leaf;
};

struct house house_new(const char *name);
void house_free(struct house *h);
/* A leaf for HOST unless spec has names of its own. */
struct pki_cert *leaf_of(const struct pki_cert *issuer, struct pki_spec spec);
/* These as anchors. */
struct verify_anchors *trust(const struct pki_cert *const *list);
/* What is sent, verified to these roots; host, pinned: NULL, nothing is asked
 * for. */
struct verify_result verified(const struct pki_cert *const *roots,
    const struct pki_cert *const *sent, const char *host,
    const struct pki_cert *pinned);
void expect(const char *file, int line, struct verify_result result,
    enum verify_reason reason);

#define EXPECT(result, reason) expect(__FILE__, __LINE__, result, reason)

#endif
