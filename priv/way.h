/* The ways out to upstreams. */
#ifndef PRIV_WAY_H
#define PRIV_WAY_H

#include "dotproxy/conf.h"
#include "dotproxy/ipc.h"

/*
 * A non-blocking socket, the caller's to close, that has begun to connect to
 * an address by the upstream's way out (interface, source); of UDP it is
 * connected already, and nothing was sent. -1 with errno: ENODEV, the interface
 * is not there; EADDRNOTAVAIL, the source is not an address of this machine.
 * Takes a configured address only: the caller looked it up.
 */
int way_open(const struct conf_upstream *u, const struct netaddr *to,
    enum ipc_proto transport);

/* Where the kernel would send from; false: there is no way to it now. */
bool way_source(const struct conf_upstream *u, const struct netaddr *to,
    struct netaddr *source);

#endif
