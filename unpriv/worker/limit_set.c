/* Buckets in sets; see limit_set.h. */
#include <string.h>

#include "limit_set.h"

#define AWAY_SHIFT 16 /* ms of a half-life: 2^16 */

static struct limit_entry *
make(struct limit_entry *, uint32_t, const struct limit_bucket *, uint32_t);
static void age(struct limit_entry *, const struct limit_bucket *, uint32_t);
static struct limit_entry *victim(struct limit_entry *, uint32_t);
static uint32_t still_seen(const struct limit_entry *, uint32_t);

void
limit_set_bucket(struct limit_bucket *b, uint32_t rate, uint32_t burst)
{
	b->rate = rate;
	b->full = (int32_t)(burst * LIMIT_TOKEN);
	b->floor = -b->full;
}

struct limit_entry *
limit_set_find(struct limit_entry *set, uint32_t tag)
{
	int i;

	for (i = 0; i < LIMIT_WAYS; i++)
		if (set[i].tag == tag)
			return &set[i];
	return NULL;
}

struct limit_entry *
limit_set_visit(struct limit_entry *set, uint32_t tag,
    const struct limit_bucket *bucket, uint32_t now)
{
	struct limit_entry *e = limit_set_find(set, tag);
	uint32_t away;
	int64_t balance;

	if (e == NULL)
		return make(set, tag, bucket, now);
	away = now - e->last;
	if (e->window != bucket->window || away >> AWAY_SHIFT != 0)
		age(e, bucket, away);
	if (away == 0)
		return e;
	balance = e->balance + (int64_t)((uint64_t)away * bucket->rate);
	e->balance = balance > bucket->full ? bucket->full : (int32_t)balance;
	e->seen += e->seen < UINT8_MAX;
	e->last = now;
	return e;
}

/* The number of a window comes again, but not so soon that the entry was not
 * away for a window's time. */
static void
age(struct limit_entry *e, const struct limit_bucket *bucket, uint32_t away)
{
	if (e->window != bucket->window || away >= bucket->window_ms)
		e->over = 0;
	e->window = bucket->window;
	e->seen = (uint8_t)still_seen(e, away);
}

uint16_t
limit_set_over(struct limit_entry *e)
{
	e->over = e->over == UINT16_MAX ? UINT16_MAX / 2 + 1 : e->over + 1;
	return e->over;
}

void
limit_set_pay(
    struct limit_entry *e, const struct limit_bucket *bucket, uint32_t cost)
{
	int64_t balance = (int64_t)e->balance - cost;

	e->balance = balance < bucket->floor ? bucket->floor : (int32_t)balance;
}

static struct limit_entry *
make(struct limit_entry *set, uint32_t tag, const struct limit_bucket *bucket,
    uint32_t now)
{
	struct limit_entry *e = victim(set, now);

	*e = (struct limit_entry){
		.tag = tag, .last = now, .balance = bucket->full, .seen = 1
	};
	return e;
}

static struct limit_entry *
victim(struct limit_entry *set, uint32_t now)
{
	struct limit_entry *e, *found = set;
	uint64_t rank, highest = 0;
	uint32_t away;
	int i;

	for (i = 0; i < LIMIT_WAYS; i++) {
		e = &set[i];
		if (e->tag == 0)
			return e;
		away = now - e->last;
		rank = (uint64_t)(still_seen(e, away) < LIMIT_REGULAR) << 32 |
		    away;
		if (rank >= highest) {
			highest = rank;
			found = e;
		}
	}
	return found;
}

static uint32_t
still_seen(const struct limit_entry *e, uint32_t away)
{
	const uint32_t halves = away >> AWAY_SHIFT;

	return halves < 8 ? (uint32_t)e->seen >> halves : 0;
}
