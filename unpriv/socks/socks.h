/*
 * What a client says to a SOCKS5 proxy and what it must hear: RFC 1928, by
 * address, and RFC 1929 if there is a user. A pure core: bytes in, bytes out.
 * It must never ask for one byte more than the proxy's last reply has, since
 * those are another's.
 */
#ifndef UNPRIV_SOCKS_SOCKS_H
#define UNPRIV_SOCKS_SOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "dotproxy/ipc.h"

#define SOCKS_OUT_MAX 513 /* RFC 1929 2: user and password of 255 bytes */
#define SOCKS_IN_MAX  257 /* RFC 1928 6: a name of 255 bytes, and a port */

enum socks_state {
	SOCKS_METHOD, /* which it chose */
	SOCKS_AUTH, /* whether user and password are right */
	SOCKS_REPLY, /* the head of its reply */
	SOCKS_NAME, /* how long the name in it is */
	SOCKS_REST, /* the address in it, of no use to us */
	SOCKS_DONE, /* connected: what follows is the target's */
	SOCKS_FAILED
};

struct socks {
	enum socks_state state;
	uint32_t error; /* SOCKS_FAILED: enum ipc_proxy_error */
	struct ipc_proxy want;
	uint8_t out[SOCKS_OUT_MAX]; /* to be sent before anything is read */
	size_t out_len;
	uint8_t in[SOCKS_IN_MAX];
	size_t in_len, in_want; /* of this piece: there, in all */
};

/* What is wrong with a request of the parent's; NULL: nothing. */
const char *socks_wrong(const struct ipc_proxy *want);

/* Begins: out has the first bytes to send. */
void socks_begin(struct socks *s, const struct ipc_proxy *want);

/* So many bytes of out were sent, the first ones. */
void socks_sent(struct socks *s, size_t n);

/* Where to read to, and *room: how many bytes at most; 0 while there is
 * something to send, and when it is over. */
uint8_t *socks_room(struct socks *s, size_t *room);

/* So many were read there, at least 1. */
void socks_received(struct socks *s, size_t n);

#endif
