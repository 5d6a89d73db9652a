/*
 * Zones: of all that a name is in, the longest is its own.
 */
#include "unpriv/dns/dns.h"

#include "zone.h"

uint32_t
zone_find(const struct conf_zone *zone, uint32_t n, const uint8_t *name,
    size_t name_len)
{
	uint32_t best = 0, i;

	for (i = 1; i < n; i++)
		if (zone[i].name_len > zone[best].name_len &&
		    dns_name_is_in(
			name, name_len, zone[i].name, zone[i].name_len))
			best = i;
	return best;
}
