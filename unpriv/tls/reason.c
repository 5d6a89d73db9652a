/*
 * Reasons: their words, and where they come from.
 */
#include <errno.h>
#include <string.h>

#include "dotproxy/ipc.h"

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
	[REASON_NO_INTERFACE] = "no such interface",
	[REASON_NO_SOURCE] = "no such source address",
	[REASON_PROXY] = "SOCKS proxy failed",
};

/* RFC 1928 6. */
static const char *const replies[] = {
	[0] = NULL,
	[1] = "it refused: general failure",
	[2] = "it refused: not allowed by its rules",
	[3] = "it refused: network unreachable",
	[4] = "it refused: host unreachable",
	[5] = "it refused: connection refused",
	[6] = "it refused: TTL expired",
	[7] = "it refused: it knows no CONNECT",
	[8] = "it refused: it knows no addresses of this family",
};

/* From IPC_PROXY_METHOD on. */
static const char *const proxy_words[] = {
	"it wants another way to log in than the config has",
	"it refused the user or the password",
	"it does not speak SOCKS5",
	"it closed the connection",
	"it did not answer in time",
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
reason_from_socket(uint32_t error, const char **detail)
{
	uint32_t reply = error - IPC_PROXY_REPLY;

	if (!ipc_proxy_error_is_valid(error)) {
		*detail = strerror((int)error);
		return reason_from_errno((int)error);
	}
	if (error >= IPC_PROXY_METHOD &&
	    error - IPC_PROXY_METHOD <
		sizeof(proxy_words) / sizeof(proxy_words[0]))
		*detail = proxy_words[error - IPC_PROXY_METHOD];
	else if (error > IPC_PROXY_ERRNO)
		*detail = strerror((int)(error - IPC_PROXY_ERRNO));
	else
		*detail = reply < sizeof(replies) / sizeof(replies[0])
		    ? replies[reply]
		    : "it refused, for a reason of its own";
	return REASON_PROXY;
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
	case ENODEV:
		return REASON_NO_INTERFACE;
	case EADDRNOTAVAIL:
		return REASON_NO_SOURCE;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
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
