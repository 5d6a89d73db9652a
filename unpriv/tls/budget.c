/*
 * The budget, in fixed memory and without a clock. It only ever puts extras
 * off: it must never keep a question from being asked for the first time.
 */
#include "budget.h"
#include "unpriv/dns/dns.h"

#define LABELS 2
#define FULL   (BUDGET_BURST * BUDGET_EVERY)

static void fill(struct budget *, uint64_t);
static uint32_t needed(struct budget *, uint16_t, uint64_t);
static void forgive(struct budget_domain *, uint32_t);

uint16_t
budget_domain(const struct siphash_key *key, const uint8_t *name, size_t len)
{
	size_t at = dns_name_last(name, len, LABELS);

	return siphash(key, &name[at], len - at) % BUDGET_DOMAINS;
}

bool
budget_is_last(struct budget *b, uint16_t domain, uint64_t now)
{
	struct budget_domain *d = &b->domain[domain];
	uint64_t halves = (now - d->since) / BUDGET_FORGET;

	if (halves > 0) {
		d->vain = halves < 32 ? d->vain >> halves : 0;
		d->since += halves * BUDGET_FORGET;
	}
	return d->vain >= BUDGET_VAIN;
}

void
budget_earn(struct budget *b)
{
	if (b->last != 0 && b->tenths < FULL)
		b->tenths++;
}

bool
budget_take(struct budget *b, uint16_t domain, uint64_t now)
{
	struct budget_domain *d = &b->domain[domain];

	fill(b, now);
	if (b->tenths < needed(b, domain, now))
		return false;
	b->tenths -= BUDGET_EVERY;
	if (d->vain < BUDGET_VAIN_MAX)
		d->vain++;
	return true;
}

void
budget_return(struct budget *b, uint16_t domain)
{
	b->tenths += BUDGET_EVERY;
	if (b->tenths > FULL)
		b->tenths = FULL;
	forgive(&b->domain[domain], 1);
}

void
budget_answered(struct budget *b, uint16_t domain, uint32_t extras)
{
	forgive(&b->domain[domain], extras);
}

uint64_t
budget_next(struct budget *b, uint16_t domain, uint64_t now)
{
	uint32_t tenths = needed(b, domain, now);
	uint64_t when;

	if (b->last == 0 || b->tenths >= tenths)
		return now;
	when = b->last + (tenths - b->tenths) * (1000 / BUDGET_EVERY);
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

/* What must be saved up for the domain to have one of it. */
static uint32_t
needed(struct budget *b, uint16_t domain, uint64_t now)
{
	return budget_is_last(b, domain, now) ? (1 + BUDGET_KEPT) * BUDGET_EVERY
					      : BUDGET_EVERY;
}

static void
forgive(struct budget_domain *d, uint32_t extras)
{
	d->vain -= extras < d->vain ? extras : d->vain;
}
