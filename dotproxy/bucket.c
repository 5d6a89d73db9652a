/* Token buckets, in whole milliseconds: no clock of their own. */
#include "bucket.h"

bool
bucket_take(struct bucket *b, uint64_t now, uint32_t burst, uint32_t rate)
{
	const uint64_t full = (uint64_t)burst * 1000;

	/* A bucket left alone for long is full: no overflow. */
	if (b->last == 0 || now - b->last > full)
		b->tokens = full;
	else
		b->tokens += (now - b->last) * rate;
	if (b->tokens > full)
		b->tokens = full;
	b->last = now;
	if (b->tokens < 1000)
		return false;
	b->tokens -= 1000;
	return true;
}

void
bucket_give(struct bucket *b)
{
	b->tokens += 1000;
}
