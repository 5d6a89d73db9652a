/*
 * Whether an upstream is who it must be: the chain it sent, verified again
 * with libcrypto to a trust anchor, its name, and its pins on the chain that
 * was verified. No I/O; the time is an argument.
 */
#ifndef UNPRIV_TLS_VERIFY_H
#define UNPRIV_TLS_VERIFY_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cert.h"

#define VERIFY_PIN_LEN	 CERT_PIN_LEN
#define VERIFY_CHAIN_MAX 8 /* certificates, leaf and root included */

enum verify_reason {
	VERIFY_OK,
	VERIFY_EXPIRED, /* a certificate of the chain has ended */
	VERIFY_NOT_YET, /* ... or has not begun */
	VERIFY_WRONG_NAME,
	VERIFY_UNKNOWN_CA, /* no path to a trust anchor */
	VERIFY_NO_PIN, /* all well, but no pin on the verified chain */
	VERIFY_BAD_CHAIN /* anything else: unreadable, wrong purpose,
				   weak, a broken signature ... */
};

struct verify_result {
	enum verify_reason reason;
	/* The chain that was verified, leaf first, root last: filled also when
	 * only the pin was wrong. */
	struct cert cert[VERIFY_CHAIN_MAX];
	size_t ncert;
	/* Which of the anchors are on it; with VERIFY_OK at least one. */
	size_t anchor[VERIFY_CHAIN_MAX];
	size_t nanchor;
	char detail[160]; /* libcrypto's word for it, for a log */
};

/* The trust anchors of an upstream, made once from a PEM bundle. */
struct verify_anchors;
/* NULL: no certificate could be read in it. Free with verify_anchors_free. */
struct verify_anchors *verify_anchors_new(const void *pem, size_t len);
void verify_anchors_free(struct verify_anchors *anchors);
size_t verify_anchors_count(const struct verify_anchors *anchors);
/* One of them as PEM, to be freed, and its length; NULL without memory. */
char *verify_anchor_pem(
    const struct verify_anchors *anchors, size_t anchor, size_t *len);

/* The anchors that hold one of these keys, at most max; how many. */
size_t verify_anchors_pinned(const struct verify_anchors *anchors,
    const uint8_t (*pins)[VERIFY_PIN_LEN], size_t npins, struct cert *cert,
    size_t max);

/*
 * Verifies the chain as sent (PEM, leaf first). host NULL: no name is asked
 * for, and then npins must not be 0. npins 0: no pin is asked for. The result
 * is always filled; only VERIFY_OK may be sent a question.
 */
void
verify_chain(struct verify_result *result, const struct verify_anchors *anchors,
    const void *chain_pem, size_t chain_len, const char *host,
    const uint8_t (*pins)[VERIFY_PIN_LEN], size_t npins, time_t now);

/* One of the words of the man page: "expired", "not yet valid", "wrong name",
 * "unknown CA", "no pin matched", "bad chain". */
const char *verify_reason_text(enum verify_reason reason);

/* "sha256/BASE64=", into buf. */
#define VERIFY_PIN_TEXT 52
const char *
verify_pin_text(const uint8_t pin[VERIFY_PIN_LEN], char buf[VERIFY_PIN_TEXT]);

#endif
