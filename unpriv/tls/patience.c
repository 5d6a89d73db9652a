/*
 * Patience, in fixed memory and without a clock.
 */
#include "patience.h"

/* Then all counts are halved, so that the last few hundred decide. */
#define DECAY_AT 512

static void learn(struct patience *);

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
