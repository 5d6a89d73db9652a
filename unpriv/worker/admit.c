/*
 * Overload; see admit.h. It must hold when each packet has another address and
 * another name: then all of them are strangers.
 */
#include "admit.h"

static bool is_calm(const struct admit_load *, bool);

bool
admit_turn(
    struct admit *a, const struct admit_load *load, bool full, uint64_t now)
{
	const bool was_on = a->on;

	a->full_turns = full ? a->full_turns + 1 : 0;
	a->reserved = load->waiting >= load->most - load->most / ADMIT_RESERVE;
	if (load->waiting >= load->most / ADMIT_ON ||
	    load->strangers >= ADMIT_FLIGHT ||
	    (full && load->queued >= ADMIT_QUEUE) ||
	    a->full_turns >= ADMIT_FULL_TURNS)
		a->on = true;
	if (!a->on)
		return false;
	if (!was_on || !is_calm(load, full) || a->strangers > ADMIT_STRANGERS) {
		a->calm_since = now;
		a->strangers = 0;
	} else if (now - a->calm_since >= ADMIT_CALM_MS)
		a->on = false;
	return a->on != was_on;
}

/* Emptied at once and mostly idle; between that and ADMIT_ON, it stays. */
static bool
is_calm(const struct admit_load *load, bool full)
{
	return !full && load->waiting < load->most / ADMIT_OFF &&
	    load->strangers < ADMIT_FLIGHT / 2;
}

enum admit_verdict
admit_look(struct admit *a, enum admit_class class, uint64_t now)
{
	if (!a->on || class == ADMIT_PROVEN)
		return ADMIT_TAKE;
	if (class == ADMIT_REGULAR)
		return a->reserved ? ADMIT_DROP : ADMIT_TAKE;
	a->strangers++;
	return bucket_take(&a->tc, now, ADMIT_TC_BURST, ADMIT_TC_RATE)
	    ? ADMIT_TC
	    : ADMIT_DROP;
}

void
admit_untold(struct admit *a)
{
	bucket_give(&a->tc);
}
