/*
 * Blocks as a worker meets them: the first look at a packet, before anything
 * of it is read, and when it is that a client has gone so far over its limit
 * that it is to be blocked. Pure: no socket, no clock.
 */
#ifndef UNPRIV_WORKER_BLOCK_H
#define UNPRIV_WORKER_BLOCK_H

#include "dotproxy/blocks.h"
#include "dotproxy/bucket.h"
#include "dotproxy/ipc.h"

/* A client whose UDP alone is blocked may be a victim whose address was forged,
 * and is silent otherwise: so often, ms, one of its packets is answered TC=1,
 * in all at most so many at once and a second ... */
#define BLOCK_TOLD_MS	 100
#define BLOCK_TOLD_BURST 1000
#define BLOCK_TOLD_RATE	 1000
/* ... and while others send in its name, so many of all there are: unless they
 * send more than that, each of its own is told, too. */
#define BLOCK_CUT_BURST 4000
#define BLOCK_CUT_RATE	4000
/* Blocks that a worker asks the parent for, at once and each second. */
#define BLOCK_ASK_BURST 50
#define BLOCK_ASK_RATE	10
/* The same block is asked for again after this, ms. */
#define BLOCK_AGAIN_MS 1000

enum block_kind { BLOCK_NONE, BLOCK_UDP, BLOCK_ALL };

enum block_fate {
	BLOCK_PASS, /* not blocked */
	BLOCK_DROP,
	BLOCK_PROVE, /* goes on if its cookie is valid; else as block_unproven
			says */
	BLOCK_CUT /* answer it TC=1 */
};

struct blocker {
	struct conf_block conf; /* after 0: nobody is blocked but always[] */
	uint32_t bits4, bits6; /* that make a client */
	struct block_table table;
	struct netaddr always[CONF_BLOCKED_MAX]; /* prefixes, in order */
	uint32_t nalways;
	struct bucket ask, turn, cut;
	struct ipc_block asked; /* the last one */
	uint64_t asked_at; /* ms */
	bool unsaid; /* something was turned away that block_ended will tell */
};

/* As blocks_init. */
void block_init(struct blocker *b);

/* A config's: who is a client, when it is blocked, and who always is
 * (prefixes as prefixes_sort leaves them, at most CONF_BLOCKED_MAX). */
void block_set(struct blocker *b, const struct conf_block *conf, uint32_t bits4,
    uint32_t bits6, const struct netaddr *always, uint32_t n);

/* What the parent says of one client, left ms from now on. */
void
block_take(struct blocker *b, const struct ipc_blocked *said, uint64_t now);

/* Whether a client is blocked. */
enum block_kind
block_look(struct blocker *b, const struct netaddr *client, uint64_t now);

/* What becomes of a UDP message. Whatever is dropped is counted. */
enum block_fate block_first(struct blocker *b, const struct netaddr *client,
    const uint8_t *msg, size_t len, uint64_t now);
/* BLOCK_CUT or BLOCK_DROP. */
enum block_fate
block_unproven(struct blocker *b, const struct netaddr *client, uint64_t now);

/*
 * A client was over its limit, so often in conf.over seconds. True: the parent
 * is to be told *ask.
 */
bool block_over(struct blocker *b, const struct netaddr *client, bool proven,
    uint32_t over, uint64_t now, struct ipc_block *ask);

/* A block that dropped anything and has ended, for the log, once; false: none
 * now, and while b->unsaid, later. */
bool block_ended(struct blocker *b, uint64_t now, struct block *ended);

#endif
