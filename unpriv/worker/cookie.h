/*
 * DNS cookies (RFC 7873, as RFC 9018 makes them interoperate): who has a valid
 * one has shown that it reads what is sent to its address. Pure: the secrets
 * and the time are arguments.
 */
#ifndef UNPRIV_WORKER_COOKIE_H
#define UNPRIV_WORKER_COOKIE_H

#include "dotproxy/netaddr.h"
#include "dotproxy/siphash.h"
#include "unpriv/dns/query.h"

#define COOKIE_LIFE   3600 /* seconds (RFC 9018 4.3) */
#define COOKIE_RENEW  1800 /* older: told a fresh one */
#define COOKIE_FUTURE 300 /* made by a sibling whose clock is ahead */

/* What the parent gives to all workers alike; all zero: none was given yet. */
struct cookie_secrets {
	bool known;
	/* before: still good, not made any more. */
	struct siphash_key now, before;
	uint32_t epoch; /* to add to the seconds of the clock */
};

enum cookie_proof {
	COOKIE_NONE, /* the question has none */
	COOKIE_NEW, /* the client's alone */
	COOKIE_BAD, /* a server's that is not ours, or is too old */
	COOKIE_GOOD /* the client's address is its own */
};

/*
 * Whether a message of this length and these counts can hold a server's
 * cookie at all: a look at the header, for those who would rather not parse.
 */
bool cookie_may_be(const uint8_t *msg, size_t len);

/*
 * Verifies a question's cookie; and if it has one, puts the server's that is to
 * be told behind the client's, and sets query->tell_cookie. now: seconds, the
 * same count in all workers (RFC 9018 has those since 1970, modulo 2^32).
 * Without secrets it is COOKIE_NONE, and nothing is told.
 */
enum cookie_proof cookie_take(const struct cookie_secrets *secrets,
    struct dns_query *query, const struct netaddr *client, uint32_t now);

#endif
