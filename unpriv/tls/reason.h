/*
 * Why a connection to an upstream is not to be had, in the order of how much
 * the reason tells an operator. Pure.
 */
#ifndef UNPRIV_TLS_REASON_H
#define UNPRIV_TLS_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "verify.h"

/* Of several reasons the greatest is the one to tell. */
enum reason {
	REASON_NONE,
	REASON_NO_SOCKET, /* the parent could not make one */
	REASON_UNREACHABLE,
	REASON_TIMED_OUT,
	REASON_CLOSED,
	REASON_GARBAGE, /* what came was not DNS, or not asked for */
	REASON_RESET,
	REASON_REFUSED,
	REASON_TLS, /* the handshake failed, the certificate apart */
	/* The machine is not as the config says. */
	REASON_NO_INTERFACE,
	REASON_NO_SOURCE,
	REASON_PROXY, /* a SOCKS proxy did not make it */
	/* From here on: the certificate. */
	REASON_BAD_CHAIN,
	REASON_UNKNOWN_CA,
	REASON_WRONG_NAME,
	REASON_NOT_YET,
	REASON_EXPIRED,
	REASON_NO_PIN,
	REASONS
};

/* "timed out", "expired", ... as the man page has them. */
const char *reason_text(enum reason reason);
/* Whether it is about who the upstream is, not whether it is there. */
bool reason_is_certificate(enum reason reason);
/* Of IPC_SOCKET, into *detail what there is to add, in words. */
enum reason reason_from_socket(uint32_t error, const char **detail);
enum reason reason_from_errno(int error);
/* Not for VERIFY_OK. */
enum reason reason_from_verify(enum verify_reason reason);

#endif
