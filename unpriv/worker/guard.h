/*
 * What becomes of a client's message before anything of it is read, and what
 * its question costs the client later: the limits of clients and of zones, and
 * who goes first under overload. Pure: the memory is given, the time passed in.
 */
#ifndef UNPRIV_WORKER_GUARD_H
#define UNPRIV_WORKER_GUARD_H

#include "admit.h"
#include "limit.h"
#include "limit_zone.h"

struct guard {
	bool on; /* it has its memory */
	bool was_full; /* a socket had more than was read in this turn: */
	uint32_t queued; /* so many bytes */
	uint64_t turn; /* ms */
	uint16_t over; /* how often so the client of the last look was, in a
			  block's time; 0: it was not */
	bool stranger; /* so was the client of the last guard_udp */
	uint32_t hit_cost;
	struct limit limit;
	struct limit_zone zone;
	struct admit admit;
};

enum guard_fate {
	GUARD_TAKE,
	/* Answer it TC=1, with nothing in it (dns_cut), then guard_told: */
	GUARD_SLIP, /* it is over its limit */
	GUARD_CUT, /* overload */
	GUARD_BLOCKED, /* never said here, but by who looks at blocks */
	GUARD_DROP /* over TCP: refuse it */
};

/* memory: conf->memory bytes, zeroed, aligned to 64; it stays with the guard.
 * Until then all are taken, and nothing is charged. */
void guard_init(struct guard *g, const struct conf_limit *conf, void *memory);
/* Another config's, of the same memory. */
void guard_set(struct guard *g, const struct conf_limit *conf);

/* Before the first message of each time now; what waits, of how much may. True:
 * overload has begun or ended (g->admit.on). */
bool guard_turn(struct guard *g, const struct admit_load *load, uint64_t now);

/* limit_find; for a batch, of all before the first guard_udp. */
void guard_find(const struct guard *g, const struct netaddr *client,
    bool proven, struct limit_key *key);

/* A message has come from that client. What is dropped is counted. */
enum guard_fate
guard_udp(struct guard *g, const struct limit_key *key, uint64_t now);
/* The same of one whose cookie shows that it is its own address, and that is
 * looked for as proven. */
enum guard_fate
guard_proven(struct guard *g, const struct limit_key *key, uint64_t now);
enum guard_fate
guard_tcp(struct guard *g, const struct limit_key *key, uint64_t now);

/* Counts what became of one that was to be answered TC=1. Who was told nothing,
 * as one who may not ask, is dropped; what it had of others' is theirs. */
void guard_told(struct guard *g, enum guard_fate fate, bool told);

/* What the client of a question that was taken pays. */
void guard_charge_hit(struct guard *g, const struct limit_key *key);
void guard_charge_miss(struct guard *g, const struct limit_key *key);
/* More, when an upstream's answer is another than NOERROR. */
void guard_charge_failed(struct guard *g, const struct limit_key *key);

/* Whether this name may be asked for: its zone is not over its limit. */
bool guard_zone(struct guard *g, const uint8_t *name, size_t len, uint64_t now);
/* The same of what is in flight beneath one name, of used out of most; see
 * limit_zone_enter. *share is counted until guard_leave. */
bool guard_enter(struct guard *g, const uint8_t *name, size_t len,
    uint32_t used, uint32_t most, uint32_t *share);
void guard_leave(struct guard *g, uint32_t share);

#endif
