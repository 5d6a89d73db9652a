/*
 * The health of an address, from what questions meet there: failures in a row
 * make it suspect, then it is probed, and one answer makes it well. A suspect
 * is asked by questions only where there is nothing better.
 */
#include "dotproxy/counter.h"

#include "pool_state.h"

static void count(struct pool *, uint32_t, uint32_t, enum reason, uint64_t);
static void probe_address(struct pool *, uint32_t, uint32_t, uint64_t);
static uint64_t interval(struct pool *, const struct pool_address *, uint64_t);

void
health_failed(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now)
{
	struct pool_address *a = &p->address[upstream][address];
	uint64_t wait = POOL_BACKOFF_MIN;
	uint32_t i;

	/* The parent's limit of connections is not the upstream's fault. */
	for (i = 0; reason != REASON_NO_SOCKET && i < a->fails &&
	     wait < POOL_BACKOFF_MAX;
	     i++)
		wait *= 2;
	if (wait > POOL_BACKOFF_MAX)
		wait = POOL_BACKOFF_MAX;
	a->until = now + wait;
	p->changed = true;
	p->ops.report(p->ctx, upstream, address, reason);
	count(p, upstream, address, reason, now);
}

void
health_lost(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now)
{
	struct pool_address *a = &p->address[upstream][address];

	/* All of its connections at once are one failure. */
	if (a->fails > 0 && a->failed == now)
		return;
	/* That one ends is nothing to tell; that it was dead is. */
	if (reason == REASON_TIMED_OUT)
		p->ops.report(p->ctx, upstream, address, reason);
	count(p, upstream, address, reason, now);
}

static void
count(struct pool *p, uint32_t upstream, uint32_t address, enum reason reason,
    uint64_t now)
{
	struct pool_address *a = &p->address[upstream][address];

	a->failed = now;
	if (a->fails++ == 0)
		a->since = now;
	a->reason = reason;
	if (a->suspect || reason == REASON_NO_SOCKET ||
	    (a->fails < POOL_SUSPECT && !reason_is_certificate(reason)))
		return;
	a->suspect = true;
	a->probe = now + interval(p, a, now);
	p->nsuspect++;
	counter_inc(upstream_suspects);
	p->ops.health(p->ctx, upstream, address, true, reason);
}

void
health_well(struct pool *p, uint32_t upstream, uint32_t address)
{
	struct pool_address *a = &p->address[upstream][address];

	a->fails = 0;
	a->until = 0;
	a->reason = REASON_NONE;
	if (!a->suspect)
		return;
	a->suspect = false;
	p->nsuspect--;
	p->changed = true;
	p->ops.health(p->ctx, upstream, address, false, REASON_NONE);
}

void
health_turn(struct pool *p, uint64_t now)
{
	struct pool_address *a;
	uint32_t u, i;

	if (p->nsuspect == 0 || now - p->asked >= POOL_PROBE_FOR)
		return;
	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++) {
			a = &p->address[u][i];
			if (!a->suspect || a->probe > now)
				continue;
			a->probe = now + interval(p, a, now);
			probe_address(p, u, i, now);
		}
}

uint64_t
health_due(const struct pool *p, uint64_t now)
{
	uint64_t due = UINT64_MAX;
	uint32_t u, i;

	if (p->nsuspect == 0 || now - p->asked >= POOL_PROBE_FOR)
		return due;
	for (u = 0; u < p->nupstream; u++)
		for (i = 0; i < p->upstream[u].naddress; i++)
			if (p->address[u][i].suspect &&
			    p->address[u][i].probe < due)
				due = p->address[u][i].probe;
	return due;
}

/* Over a connection that there is, or a new one, which is asked once it is
 * up. */
static void
probe_address(struct pool *p, uint32_t upstream, uint32_t address, uint64_t now)
{
	struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if (c->state != POOL_CONN_UP || c->upstream != upstream ||
		    c->address != address)
			continue;
		probe_begin(p, c, now);
		return;
	}
	open_probe(p, upstream, address, now);
}

/* An eighth of the time that it has failed for, give or take an eighth of
 * that, so that many proxies do not come at once. */
static uint64_t
interval(struct pool *p, const struct pool_address *a, uint64_t now)
{
	uint64_t ms = (now - a->since) / 8;

	if (ms < POOL_PROBE_MIN)
		ms = POOL_PROBE_MIN;
	if (ms > POOL_PROBE_MAX)
		ms = POOL_PROBE_MAX;
	return ms - ms / 8 + p->ops.random(p->ctx) % (ms / 4);
}
