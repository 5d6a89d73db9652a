/*
 * Reasons: their words, and where they come from.
 */
#include <errno.h>

#include "reason.h"

static const char *const words[] = {
	[REASON_NONE] = "none",
	[REASON_NO_SOCKET] = "no socket",
	[REASON_UNREACHABLE] = "unreachable",
	[REASON_TIMED_OUT] = "timed out",
	[REASON_CLOSED] = "closed",
	[REASON_GARBAGE] = "not DNS",
	[REASON_RESET] = "reset",
	[REASON_REFUSED] = "refused",
	[REASON_TLS] = "TLS failure",
};

const char *
reason_text(enum reason reason)
{
	switch (reason) {
	case REASON_BAD_CHAIN:
		return verify_reason_text(VERIFY_BAD_CHAIN);
	case REASON_UNKNOWN_CA:
		return verify_reason_text(VERIFY_UNKNOWN_CA);
	case REASON_WRONG_NAME:
		return verify_reason_text(VERIFY_WRONG_NAME);
	case REASON_NOT_YET:
		return verify_reason_text(VERIFY_NOT_YET);
	case REASON_EXPIRED:
		return verify_reason_text(VERIFY_EXPIRED);
	case REASON_NO_PIN:
		return verify_reason_text(VERIFY_NO_PIN);
	default:
		return words[reason];
	}
}

bool
reason_is_certificate(enum reason reason)
{
	return reason >= REASON_BAD_CHAIN;
}

enum reason
reason_from_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REASON_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return REASON_RESET;
	case ETIMEDOUT:
		return REASON_TIMED_OUT;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES:
	case EPERM:
	case EINVAL:
		return REASON_UNREACHABLE;
	default:
		return REASON_NO_SOCKET;
	}
}

enum reason
reason_from_verify(enum verify_reason reason)
{
	switch (reason) {
	case VERIFY_EXPIRED:
		return REASON_EXPIRED;
	case VERIFY_NOT_YET:
		return REASON_NOT_YET;
	case VERIFY_WRONG_NAME:
		return REASON_WRONG_NAME;
	case VERIFY_UNKNOWN_CA:
		return REASON_UNKNOWN_CA;
	case VERIFY_NO_PIN:
		return REASON_NO_PIN;
	default:
		return REASON_BAD_CHAIN;
	}
}
