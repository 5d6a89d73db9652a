/*
 * Zones. A name is compared label by label, never byte by byte alone: what
 * only ends in the same letters is another domain.
 */
#include <stdbool.h>
#include <string.h>

#include "zone.h"

static bool is_suffix(const uint8_t *, size_t, const struct conf_zone *);

uint32_t
zone_find(const struct conf_zone *zone, uint32_t n, const uint8_t *name,
    size_t name_len)
{
	uint32_t best = 0, i;

	for (i = 1; i < n; i++)
		if (zone[i].name_len > zone[best].name_len &&
		    is_suffix(name, name_len, &zone[i]))
			best = i;
	return best;
}

static bool
is_suffix(const uint8_t *name, size_t len, const struct conf_zone *zone)
{
	size_t start, at = 0;

	if (zone->name_len > len)
		return false;
	start = len - zone->name_len;
	if (memcmp(&name[start], zone->name, zone->name_len) != 0)
		return false;
	/* The suffix must begin where a label does. */
	while (at < start)
		at += 1 + (size_t)name[at];
	return at == start;
}
