/* The first looks at a message, in their order; see guard.h. */
#include "dotproxy/counter.h"

#include "guard.h"

static bool is_under(struct guard *, const struct limit_key *, uint64_t);

void
guard_init(struct guard *g, const struct conf_limit *conf, void *memory)
{
	struct siphash_key key;

	siphash_key_random(&key);
	limit_init(&g->limit, conf, memory, &key);
	siphash_key_random(&key);
	limit_zone_init(&g->zone, &key);
	g->on = true;
	guard_set(g, conf);
}

void
guard_set(struct guard *g, const struct conf_limit *conf)
{
	limit_set(&g->limit, conf);
	limit_exempt(&g->limit, conf->exempt, conf->nexempt);
	limit_zone_set(&g->zone, conf);
	g->hit_cost = conf->hit_cost;
}

bool
guard_turn(struct guard *g, const struct admit_load *load, uint64_t now)
{
	const bool full = g->was_full;
	struct admit_load all = *load;

	if (!g->on || now == g->turn)
		return false;
	all.queued = g->queued;
	g->turn = now;
	g->was_full = false;
	return admit_turn(&g->admit, &all, full, now);
}

void
guard_find(const struct guard *g, const struct netaddr *client, bool proven,
    struct limit_key *key)
{
	if (g->on)
		limit_find(&g->limit, client, proven, key);
}

enum guard_fate
guard_udp(struct guard *g, const struct limit_key *key, uint64_t now)
{
	struct limit_look look;

	g->over = 0;
	g->stranger = false;
	/* Who is exempt is trusted, as one who is proven. */
	if (!g->on || key->exempt)
		return GUARD_TAKE;
	/* 1. The limit. */
	look = limit_look(&g->limit, key, now);
	g->stranger = !look.regular;
	g->over = look.verdict == LIMIT_UNDER ? 0 : look.over;
	switch (look.verdict) {
	case LIMIT_UNDER:
		break;
	case LIMIT_LEAK:
		counter_inc(limit_leaked);
		break;
	case LIMIT_SLIP:
		return GUARD_SLIP;
	case LIMIT_DROP:
		counter_inc(limit_dropped);
		return GUARD_DROP;
	}
	/* 2. Under overload, who goes first. */
	switch (admit_look(
	    &g->admit, g->stranger ? ADMIT_STRANGER : ADMIT_REGULAR, now)) {
	case ADMIT_TAKE:
		break;
	case ADMIT_TC:
		return GUARD_CUT;
	case ADMIT_DROP:
		counter_inc(overload_dropped);
		return GUARD_DROP;
	}
	return GUARD_TAKE;
}

enum guard_fate
guard_proven(struct guard *g, const struct limit_key *key, uint64_t now)
{
	if (is_under(g, key, now))
		return GUARD_TAKE;
	counter_inc(limit_dropped);
	return GUARD_DROP;
}

enum guard_fate
guard_tcp(struct guard *g, const struct limit_key *key, uint64_t now)
{
	if (is_under(g, key, now))
		return GUARD_TAKE;
	counter_inc(limit_refused);
	return GUARD_DROP;
}

/* Nobody else can have asked in its name. */
static bool
is_under(struct guard *g, const struct limit_key *key, uint64_t now)
{
	struct limit_look look;

	g->over = 0;
	if (!g->on || key->exempt)
		return true;
	look = limit_look(&g->limit, key, now);
	if (look.verdict == LIMIT_UNDER)
		return true;
	g->over = look.over;
	return false;
}

void
guard_told(struct guard *g, enum guard_fate fate, bool told)
{
	switch (fate) {
	case GUARD_SLIP:
		counter_add(limit_slipped, told);
		counter_add(limit_dropped, !told);
		break;
	case GUARD_CUT:
		counter_add(overload_cut, told);
		counter_add(overload_dropped, !told);
		if (!told)
			admit_untold(&g->admit);
		break;
	case GUARD_BLOCKED:
		counter_add(blocked_cut, told);
		counter_add(blocked_udp, !told);
		break;
	default:
		break;
	}
}

void
guard_charge_hit(struct guard *g, const struct limit_key *key)
{
	if (g->on)
		limit_charge(&g->limit, key, g->hit_cost);
}

void
guard_charge_miss(struct guard *g, const struct limit_key *key)
{
	if (g->on)
		limit_charge(&g->limit, key, LIMIT_COST_MISS);
}

void
guard_charge_failed(struct guard *g, const struct limit_key *key)
{
	if (g->on)
		limit_charge(&g->limit, key, LIMIT_COST_FAILED);
}

bool
guard_zone(struct guard *g, const uint8_t *name, size_t len, uint64_t now)
{
	return !g->on || limit_zone_take(&g->zone, name, len, now);
}

bool
guard_enter(struct guard *g, const uint8_t *name, size_t len, uint32_t used,
    uint32_t most, uint32_t *share)
{
	*share = 0;
	return !g->on ||
	    limit_zone_enter(&g->zone, name, len, used, most, share);
}

void
guard_leave(struct guard *g, uint32_t share)
{
	if (g->on)
		limit_zone_leave(&g->zone, share);
}
