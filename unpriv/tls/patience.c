/*
 * Patience and its budget, in fixed memory and without a clock.
 */
#include "patience.h"

/* Then all counts are halved, so that the last few hundred decide. */
#define DECAY_AT 512

#define FULL	 (BUDGET_BURST * BUDGET_EVERY)

static void learn(struct patience *);
static void fill(struct budget *, uint64_t);

static const uint16_t step[PATIENCE_STEPS] = { PATIENCE_MIN, 25, 32, 40, 50, 63,
	80, 100, 126, 160, 200, 252, 320, PATIENCE_MAX };

void
patience_add(struct patience *p, uint64_t took)
{
	uint32_t i = 0;

	while (i < PATIENCE_STEPS - 1 && took > step[i])
		i++;
	p->count[i]++;
	if (++p->total >= DECAY_AT) {
		p->total = 0;
		for (i = 0; i < PATIENCE_STEPS; i++) {
			p->count[i] /= 2;
			p->total += p->count[i];
		}
	}
	if (p->total >= PATIENCE_SAMPLES && p->total % 4 == 0)
		learn(p);
}

uint64_t
patience_ms(const struct patience *p)
{
	return p->ms == 0 ? PATIENCE_START : p->ms;
}

static void
learn(struct patience *p)
{
	uint32_t i, within = 0;

	for (i = 0; i < PATIENCE_STEPS - 1; i++) {
		within += p->count[i];
		if (within * 20 >= p->total * 19u)
			break;
	}
	p->ms = step[i];
}

void
budget_earn(struct budget *b)
{
	if (b->last != 0 && b->tenths < FULL)
		b->tenths++;
}

bool
budget_take(struct budget *b, uint64_t now)
{
	fill(b, now);
	if (b->tenths < BUDGET_EVERY)
		return false;
	b->tenths -= BUDGET_EVERY;
	return true;
}

void
budget_return(struct budget *b)
{
	b->tenths += BUDGET_EVERY;
	if (b->tenths > FULL)
		b->tenths = FULL;
}

uint64_t
budget_next(const struct budget *b, uint64_t now)
{
	uint64_t when;

	if (b->last == 0 || b->tenths >= BUDGET_EVERY)
		return now;
	when = b->last + (BUDGET_EVERY - b->tenths) * (1000 / BUDGET_EVERY);
	return when > now ? when : now;
}

/* By the time that went by: a tenth in each tenth of a second. */
static void
fill(struct budget *b, uint64_t now)
{
	uint64_t tenths;

	if (b->last == 0) {
		b->tenths = FULL;
		b->last = now == 0 ? 1 : now;
		return;
	}
	tenths = (now - b->last) / (1000 / BUDGET_EVERY);
	b->last += tenths * (1000 / BUDGET_EVERY);
	b->tenths =
	    tenths > FULL - b->tenths ? FULL : b->tenths + (uint32_t)tenths;
}
