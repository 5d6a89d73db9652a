/* Connections to upstreams. */
#ifndef PARENT_CONNECT_H
#define PARENT_CONNECT_H

#include "dotproxy/conf.h"

/*
 * A non-blocking TCP socket that has begun to connect, the caller's to close;
 * -1 with errno. Takes a configured address only: the caller looked it up.
 */
int connect_start(const struct netaddr *address);

#endif
