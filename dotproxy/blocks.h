/*
 * Who is blocked, until when, and how often that was: the parent's list, and a
 * worker's copy of it. A table of a fixed size. Pure: the time is an argument.
 */
#ifndef DOTPROXY_BLOCKS_H
#define DOTPROXY_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "netaddr.h"
#include "siphash.h"

#define BLOCKS_MAX     4096
#define BLOCKS_BUCKETS 4096 /* a power of two */

struct block {
	struct netaddr client; /* a prefix */
	uint64_t until; /* ms */
	uint64_t dropped; /* or told TC=1, since it began: the user's count */
	uint64_t told; /* ms, when last to come by TCP: the user's, too */
	uint32_t times; /* in a row, this one included */
	uint32_t next; /* in its bucket; 0: none, else the index and 1 */
	uint16_t owner; /* whoever asked for it */
	bool proven; /* the address is the client's: over TCP, too */
};

struct block_table {
	struct siphash_key key;
	uint32_t bucket[BLOCKS_BUCKETS];
	struct block entry[BLOCKS_MAX];
	uint32_t n; /* entries ever used: the first ones */
	struct block out; /* the last that had to go for another */
};

/* Empty, with a random key. It must be all zeroes, or have been a table: so no
 * memory of an entry is touched before it is used. */
void blocks_init(struct block_table *t);

/* The prefix of so many bits that an address lies in; of a link-local one the
 * whole, with its scope, as its prefix is everybody's on the link. */
struct netaddr
blocks_prefix(const struct netaddr *a, uint32_t bits4, uint32_t bits6);

/* The entry of a prefix, or NULL; its block may have ended. */
struct block *blocks_find(struct block_table *t, const struct netaddr *client);

/*
 * Blocks a client again, or for the first time: for conf->first, each time in
 * a row twice as long, up to conf->max; who has stayed out of it for conf->max
 * begins anew. NULL: it is blocked already, and as much. When owner has share
 * entries, that of its own goes that ends first.
 */
const struct block *blocks_again(struct block_table *t,
    const struct conf_block *conf, const struct netaddr *client, bool proven,
    uint16_t owner, uint32_t share, uint64_t now);

/* Takes what another table says. Full: what ends first goes. */
void blocks_take(struct block_table *t, const struct block *said);

/* What is wrong with a client's prefix from a worker that is not honest; NULL
 * if nothing is. */
const char *blocks_check(const struct netaddr *client, uint32_t proven);

/* Whether a client may be blocked at all: nobody exempt, and only what the
 * config calls one client. */
bool blocks_may(const struct conf_limit *limit, const struct netaddr *client);

/* Whether the two prefixes have an address in common. */
bool blocks_overlap(const struct netaddr *a, const struct netaddr *b);

#endif
