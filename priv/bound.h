/*
 * Sockets that are bound to an address, for clients to ask on.
 */
#ifndef PRIV_BOUND_H
#define PRIV_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "dotproxy/netaddr.h"

/*
 * A socket of proto (enum ipc_proto) on the address and its port, non-blocking
 * and CLOEXEC, the caller's to close; -1 with errno. group: one of several on
 * the same address, and listening if it is TCP's; without it the port must be
 * nobody's.
 */
int bound_open(const struct netaddr *address, uint32_t proto, bool group);

/* Logs why that failed, by errno, and what could be done. */
void bound_explain(const struct netaddr *address, uint32_t proto);

#endif
