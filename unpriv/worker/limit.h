/*
 * How many questions a client may ask: token buckets for its address (or
 * prefix) and for the wider prefix around it, in memory of a fixed size, IPv4
 * and IPv6 apart. Pure: no socket, no clock, no allocation; what is random
 * comes from the key.
 *
 * A question is looked at before anything of it is read, and paid for when it
 * is known what it took: a balance may go below 0, by as much as a burst.
 * For a batch: limit_find for all, which fetches their cache lines, then
 * limit_look for each.
 */
#ifndef UNPRIV_WORKER_LIMIT_H
#define UNPRIV_WORKER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/conf_limit.h"
#include "dotproxy/netaddr.h"
#include "dotproxy/siphash.h"

#include "limit_set.h"

/* The wider prefix (or the client's own, if that is shorter), and how much
 * more than a client it may ask. */
#define LIMIT_WIDE  24
#define LIMIT_WIDE6 48
#define LIMIT_WIDER 16

/* One in so many over the limit is let through. */
#define LIMIT_LEAK_OF 16

/* What limit_charge takes: for a miss, and more for one that an upstream
 * answers NXDOMAIN, SERVFAIL or so, as it does what nobody needs. That none
 * answers is not the client's doing, and costs it nothing. */
#define LIMIT_COST_MISS	  LIMIT_TOKEN
#define LIMIT_COST_FAILED (2 * LIMIT_TOKEN)

enum { LIMIT_CLIENT, LIMIT_PREFIX, LIMIT_BUCKETS };

/* An exempt prefix, in host order, ready to be compared. */
struct limit_prefix {
	uint64_t high, low, high_mask, low_mask;
};

/* What differs between IPv4 and IPv6. */
struct limit_family {
	struct limit_entry *entry; /* its sets */
	uint64_t kind; /* tells its hashes from others' */
	uint64_t high_mask, low_mask; /* of what a client has beyond the wider
					 prefix */
	uint32_t wide_shift;
	bool deep; /* a client has more than 64 bits */
	uint32_t nexempt;
	struct limit_prefix exempt[CONF_LIMIT_EXEMPT_MAX];
};

struct limit {
	struct siphash_key key;
	uint64_t salt; /* odd */
	uint32_t sets; /* of a family */
	bool off;
	uint32_t slip;
	uint32_t window_ms;
	uint64_t window_at; /* ms */
	uint64_t leaks, leak_turn; /* random bits left, and which are next */
	struct limit_bucket bucket[LIMIT_BUCKETS];
	struct limit_family family[2]; /* IPv4, IPv6 */
};

/* Where a client's buckets are. Plain data: it may be kept with a question in
 * flight, and means nothing wrong when the entries are gone. */
struct limit_key {
	uint32_t set[LIMIT_BUCKETS];
	uint32_t tag[LIMIT_BUCKETS];
	bool six;
	bool exempt;
	bool proven;
};

enum limit_verdict {
	LIMIT_UNDER,
	LIMIT_LEAK, /* over, and goes on as if under */
	LIMIT_SLIP, /* over: answer TC=1, and read no more than the question */
	LIMIT_DROP /* over; over TCP: refuse */
};

struct limit_look {
	enum limit_verdict verdict;
	bool regular; /* it has been coming back, or is exempt */
	uint16_t over; /* how often over the limit in this window; 65535: or
			  more */
};

/*
 * memory: conf->memory bytes, zeroed, aligned to 64, not owned; conf is within
 * its bounds (conf_limit.h). What is learnt by a key is lost with it.
 */
void limit_init(struct limit *l, const struct conf_limit *conf, void *memory,
    const struct siphash_key *key);

/* Other rates, slip and prefixes, of the same memory: on a reload. */
void limit_set(struct limit *l, const struct conf_limit *conf);

/* Over how long limit_look counts in over (default 10 s). */
void limit_set_window(struct limit *l, uint32_t ms);

/* Takes at most CONF_LIMIT_EXEMPT_MAX valid prefixes, for those of before. */
void limit_exempt(struct limit *l, const struct netaddr *prefix, size_t n);

/*
 * Where the buckets of an address are; asks the processor for their lines.
 * proven: the address is certainly the client's (TCP, a cookie), so it has
 * buckets that a forger cannot empty.
 */
void limit_find(const struct limit *l, const struct netaddr *client,
    bool proven, struct limit_key *key);

/*
 * A question of that client has come at now (ms). Every conf->slip'th over the
 * limit slips, unless the client is proven: then nobody else can have asked in
 * its name, and it is dropped. What goes on (UNDER, LEAK) must be charged.
 */
struct limit_look
limit_look(struct limit *l, const struct limit_key *key, uint64_t now);

/* Takes thousandths of a question (LIMIT_COST_*, conf->hit_cost). */
void limit_charge(struct limit *l, const struct limit_key *key, uint32_t cost);

#endif
