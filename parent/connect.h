/* Connections to upstreams, and the roots of trust that go with them. */
#ifndef PARENT_CONNECT_H
#define PARENT_CONNECT_H

#include "dotproxy/conf.h"

/* A CA bundle is at most this large. */
#define CA_BYTES_MAX (4 << 20)

/*
 * A non-blocking TCP socket that has begun to connect, the caller's to close;
 * -1 with errno. Takes a configured address only: the caller looked it up.
 */
int connect_start(const struct netaddr *address);

/*
 * The bundle in a sealed memfd, the caller's to close. path "" is the
 * system's. -1, logged, when it cannot be read, is empty or too large.
 */
int connect_ca(const char *path);

#endif
