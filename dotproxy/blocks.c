/*
 * Who is blocked. Nobody's entry is made for longer than the config says, and
 * no owner can push out another's: half of who writes here may be broken into.
 */
#include <string.h>

#include "blocks.h"

#define SECOND 1000

static uint32_t *bucket_of(struct block_table *, const struct netaddr *);
static struct block *
room_for(struct block_table *, const struct netaddr *, uint16_t, uint32_t);
static struct block *first_to_end(struct block_table *, uint16_t, uint32_t);
static void unlink_entry(struct block_table *, struct block *);

void
blocks_init(struct block_table *t)
{
	if (t->n != 0)
		memset(t->bucket, 0, sizeof(t->bucket));
	t->n = 0;
	siphash_key_random(&t->key);
}

struct netaddr
blocks_prefix(const struct netaddr *a, uint32_t bits4, uint32_t bits6)
{
	struct netaddr p;
	uint32_t i;

	memset(&p, 0, sizeof(p));
	p.family = a->family;
	p.bits = (uint8_t)(a->family == 4 ? bits4 : bits6);
	if (netaddr_is_link_local(a)) {
		p.bits = 128;
		p.scope = a->scope;
	}
	for (i = 0; i < p.bits / 8u; i++)
		p.bytes[i] = a->bytes[i];
	if (p.bits % 8 != 0)
		p.bytes[i] = a->bytes[i] & (uint8_t)(0xff00 >> p.bits % 8);
	return p;
}

struct block *
blocks_find(struct block_table *t, const struct netaddr *client)
{
	uint32_t i = *bucket_of(t, client);

	while (i != 0 &&
	    memcmp(&t->entry[i - 1].client, client, sizeof(*client)) != 0)
		i = t->entry[i - 1].next;
	return i == 0 ? NULL : &t->entry[i - 1];
}

const struct block *
blocks_again(struct block_table *t, const struct conf_block *conf,
    const struct netaddr *client, bool proven, uint16_t owner, uint32_t share,
    uint64_t now)
{
	const uint64_t max = (uint64_t)conf->max * SECOND;
	uint64_t length = (uint64_t)conf->first * SECOND;
	struct block *b = blocks_find(t, client);
	uint32_t i;

	if (b != NULL && now < b->until && (b->proven || !proven))
		return NULL;
	if (b == NULL)
		b = room_for(t, client, owner, share);
	else if (now >= b->until + max)
		b->times = 0;
	for (i = 0; i < b->times && length < max; i++)
		length *= 2;
	b->proven = proven;
	if (b->times < UINT32_MAX)
		b->times++;
	b->until = now + (length < max ? length : max);
	return b;
}

void
blocks_take(struct block_table *t, const struct block *said)
{
	struct block *b = blocks_find(t, &said->client);

	if (b == NULL)
		b = room_for(t, &said->client, said->owner, BLOCKS_MAX);
	b->until = said->until;
	b->times = said->times;
	b->proven = said->proven;
}

const char *
blocks_check(const struct netaddr *client, uint32_t proven)
{
	struct netaddr clean;

	if (!netaddr_is_valid(client) || proven > 1)
		return "a block of nobody";
	clean = blocks_prefix(client, client->bits, client->bits);
	return memcmp(&clean, client, sizeof(clean)) == 0
	    ? NULL
	    : "a block of a prefix with bits set beyond its length";
}

bool
blocks_may(const struct conf_limit *limit, const struct netaddr *client)
{
	uint32_t i;

	if (client->bits !=
	    blocks_prefix(client, limit->prefix, limit->prefix6).bits)
		return false;
	for (i = 0; i < limit->nexempt; i++)
		if (blocks_overlap(&limit->exempt[i], client))
			return false;
	return true;
}

bool
blocks_overlap(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_in_prefix(
	    a->bits < b->bits ? a : b, a->bits < b->bits ? b : a);
}

static uint32_t *
bucket_of(struct block_table *t, const struct netaddr *client)
{
	return &t->bucket[siphash(&t->key, client, sizeof(*client)) &
	    (BLOCKS_BUCKETS - 1)];
}

/* An entry for one who has none. */
static struct block *
room_for(struct block_table *t, const struct netaddr *client, uint16_t owner,
    uint32_t share)
{
	struct block *b = first_to_end(t, owner, share);
	uint32_t *bucket;

	if (b != NULL) {
		unlink_entry(t, b);
		t->out = *b;
	} else
		b = &t->entry[t->n++];
	memset(b, 0, sizeof(*b));
	b->client = *client;
	b->owner = owner;
	bucket = bucket_of(t, client);
	b->next = *bucket;
	*bucket = (uint32_t)(b - t->entry) + 1;
	return b;
}

/* Which one must go, if any. A block is begun seldom: all may be looked at. */
static struct block *
first_to_end(struct block_table *t, uint16_t owner, uint32_t share)
{
	struct block *all = NULL, *own = NULL, *b;
	uint32_t i, n = 0;

	for (i = 0; i < t->n; i++) {
		b = &t->entry[i];
		if (all == NULL || b->until < all->until)
			all = b;
		if (b->owner != owner)
			continue;
		n++;
		if (own == NULL || b->until < own->until)
			own = b;
	}
	if (n >= share)
		return own;
	return t->n == BLOCKS_MAX ? all : NULL;
}

static void
unlink_entry(struct block_table *t, struct block *b)
{
	uint32_t *link = bucket_of(t, &b->client);

	while (*link != (uint32_t)(b - t->entry) + 1)
		link = &t->entry[*link - 1].next;
	*link = b->next;
}
