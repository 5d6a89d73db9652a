/*
 * Zones: which of the domains that are forwarded apart a name lies in. Pure.
 */
#ifndef UNPRIV_TLS_ZONE_H
#define UNPRIV_TLS_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "dotproxy/conf.h"

/*
 * The index of the zone that the name (on the wire, folded) is in: the one
 * with the most labels of those that it is below, or is. zone[0] is the root,
 * n is 1 .. CONF_ZONES_MAX; both names and lengths are well formed.
 */
uint32_t zone_find(const struct conf_zone *zone, uint32_t n,
    const uint8_t *name, size_t name_len);

#endif
