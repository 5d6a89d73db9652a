/*
 * Lists of a config's prefixes that each client is looked for in: of a thousand
 * it must cost little more than of one. Pure.
 */
#ifndef UNPRIV_WORKER_PREFIXES_H
#define UNPRIV_WORKER_PREFIXES_H

#include "dotproxy/netaddr.h"

/* Puts n valid prefixes in order, without those that lie within others: how
 * many are left. */
uint32_t prefixes_sort(struct netaddr *prefix, uint32_t n);

/* Whether an address lies in one of n prefixes that were sorted so. */
bool prefixes_have(
    const struct netaddr *prefix, uint32_t n, const struct netaddr *address);

#endif
