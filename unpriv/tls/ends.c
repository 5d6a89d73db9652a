/*
 * Which certificate is warned of, and when. It never asks a clock, and never
 * says more of one certificate than a line a day.
 */
#include <stdio.h>
#include <string.h>

#include "ends.h"

static struct ends_said *find(struct ends *, const char *, const struct cert *);

int64_t
ends_days(int64_t ends, int64_t wall)
{
	int64_t left = ends - wall;

	/* Rounded down, also below 0: what has ended is not at 0. */
	return left >= 0 ? left / 86400 : -((86399 - left) / 86400);
}

bool
ends_warn(struct ends *e, const char *upstream, const struct cert *cert,
    int64_t wall, uint64_t now)
{
	struct ends_said *s;

	if (cert->ends - wall >= ENDS_SOON)
		return false;
	s = find(e, upstream, cert);
	if (s->when != 0 && now - (s->when - 1) < ENDS_AGAIN)
		return false;
	(void)snprintf(s->upstream, sizeof(s->upstream), "%s", upstream);
	memcpy(s->pin, cert->pin, sizeof(s->pin));
	s->ends = cert->ends;
	s->when = now + 1;
	return true;
}

/* Its own, or the oldest (emptied), which a free one is. */
static struct ends_said *
find(struct ends *e, const char *upstream, const struct cert *cert)
{
	struct ends_said *s, *oldest = e->said;

	for (s = e->said; s < &e->said[ENDS_MAX]; s++) {
		if (s->when != 0 && s->ends == cert->ends &&
		    memcmp(s->pin, cert->pin, sizeof(s->pin)) == 0 &&
		    strcmp(s->upstream, upstream) == 0)
			return s;
		if (s->when < oldest->when)
			oldest = s;
	}
	oldest->when = 0;
	return oldest;
}
