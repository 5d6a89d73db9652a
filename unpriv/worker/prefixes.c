/* Prefixes in order; see prefixes.h. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "prefixes.h"

static int compare(const void *, const void *);
static int order(const struct netaddr *, const struct netaddr *);
static uint64_t half(const struct netaddr *, size_t);

uint32_t
prefixes_sort(struct netaddr *prefix, uint32_t n)
{
	uint32_t i, kept = 0;

	qsort(prefix, n, sizeof(*prefix), compare);
	/* They overlap only where one lies in the other, which is before it. */
	for (i = 0; i < n; i++)
		if (kept == 0 ||
		    !netaddr_in_prefix(&prefix[kept - 1], &prefix[i]))
			prefix[kept++] = prefix[i];
	return kept;
}

bool
prefixes_have(
    const struct netaddr *prefix, uint32_t n, const struct netaddr *address)
{
	uint32_t low = 0, high = n, middle;

	/* Only the last that does not begin behind it can hold it. */
	while (low < high) {
		middle = low + (high - low) / 2;
		if (order(&prefix[middle], address) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low != 0 && netaddr_in_prefix(&prefix[low - 1], address);
}

/* The shorter of two that begin together first. */
static int
compare(const void *a, const void *b)
{
	const struct netaddr *x = a, *y = b;
	const int by = order(x, y);

	return by != 0 ? by : x->bits - y->bits;
}

static int
order(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	/* In halves: a call of memcmp() is dearer. */
	if (half(a, 0) != half(b, 0))
		return half(a, 0) < half(b, 0) ? -1 : 1;
	if (half(a, 8) != half(b, 8))
		return half(a, 8) < half(b, 8) ? -1 : 1;
	return 0;
}

static inline uint64_t
half(const struct netaddr *a, size_t from)
{
	uint64_t v;

	memcpy(&v, a->bytes + from, sizeof(v));
	return be64toh(v);
}
