/*
 * Blocks. On evidence that anyone can forge, a client must never be silenced
 * wholly: it gets in with a cookie, and by TCP, and is told to come by that.
 */
#include <string.h>

#include "dotproxy/counter.h"

#include "block.h"
#include "cookie.h"
#include "prefixes.h"

static struct block *active(struct blocker *, const struct netaddr *, uint64_t);
static bool is_told(struct blocker *, struct block *, uint64_t);

void
block_init(struct blocker *b)
{
	static const struct bucket empty;

	memset(&b->conf, 0, sizeof(b->conf));
	blocks_init(&b->table);
	b->nalways = 0;
	b->ask = b->turn = b->cut = empty;
	memset(&b->asked, 0, sizeof(b->asked));
	b->asked_at = 0;
	b->unsaid = false;
}

void
block_set(struct blocker *b, const struct conf_block *conf, uint32_t bits4,
    uint32_t bits6, const struct netaddr *always, uint32_t n)
{
	b->conf = *conf;
	b->bits4 = bits4;
	b->bits6 = bits6;
	if (n > 0)
		memcpy(b->always, always, n * sizeof(*always));
	b->nalways = n;
}

void
block_take(struct blocker *b, const struct ipc_blocked *said, uint64_t now)
{
	struct block entry;

	memset(&entry, 0, sizeof(entry));
	entry.client = said->client;
	entry.until = now + said->left;
	entry.times = said->times;
	entry.proven = said->proven != 0;
	blocks_take(&b->table, &entry);
}

enum block_kind
block_look(struct blocker *b, const struct netaddr *client, uint64_t now)
{
	const struct block *entry;

	if (prefixes_have(b->always, b->nalways, client))
		return BLOCK_ALL;
	if ((entry = active(b, client, now)) == NULL)
		return BLOCK_NONE;
	return entry->proven ? BLOCK_ALL : BLOCK_UDP;
}

enum block_fate
block_first(struct blocker *b, const struct netaddr *client, const uint8_t *msg,
    size_t len, uint64_t now)
{
	struct block *entry;

	if (prefixes_have(b->always, b->nalways, client))
		return BLOCK_DROP;
	if ((entry = active(b, client, now)) == NULL)
		return BLOCK_PASS;
	if (!entry->proven && cookie_may_be(msg, len))
		return BLOCK_PROVE;
	return block_unproven(b, client, now);
}

enum block_fate
block_unproven(struct blocker *b, const struct netaddr *client, uint64_t now)
{
	struct block *entry = active(b, client, now);

	if (entry == NULL)
		return BLOCK_DROP;
	entry->dropped++;
	b->unsaid = true;
	return !entry->proven && is_told(b, entry, now) ? BLOCK_CUT
							: BLOCK_DROP;
}

bool
block_over(struct blocker *b, const struct netaddr *client, bool proven,
    uint32_t over, uint64_t now, struct ipc_block *ask)
{
	const struct block *entry;

	if (b->conf.after == 0 || over < b->conf.after)
		return false;
	entry = active(b, client, now);
	if (entry != NULL && (entry->proven || !proven))
		return false;
	memset(ask, 0, sizeof(*ask));
	ask->client = blocks_prefix(client, b->bits4, b->bits6);
	ask->proven = proven;
	/* It is on its way; and if it was lost, it is asked for again. */
	if (now - b->asked_at < BLOCK_AGAIN_MS &&
	    memcmp(ask, &b->asked, sizeof(*ask)) == 0)
		return false;
	if (!bucket_take(&b->ask, now, BLOCK_ASK_BURST, BLOCK_ASK_RATE)) {
		counter_inc(blocks_put_off);
		return false;
	}
	b->asked = *ask;
	b->asked_at = now;
	return true;
}

bool
block_ended(struct blocker *b, uint64_t now, struct block *ended)
{
	struct block *entry;
	uint32_t i;

	if (!b->unsaid)
		return false;
	b->unsaid = false;
	for (i = 0; i < b->table.n; i++) {
		entry = &b->table.entry[i];
		if (entry->dropped == 0)
			continue;
		b->unsaid = true;
		if (now < entry->until)
			continue;
		*ended = *entry;
		entry->dropped = 0;
		return true;
	}
	return false;
}

static struct block *
active(struct blocker *b, const struct netaddr *client, uint64_t now)
{
	struct netaddr prefix;
	struct block *entry;

	if (b->table.n == 0)
		return NULL;
	prefix = blocks_prefix(client, b->bits4, b->bits6);
	entry = blocks_find(&b->table, &prefix);
	return entry != NULL && now < entry->until ? entry : NULL;
}

/* Each in its turn, so that a flood in one's name takes no other's; what comes
 * more often than that, while there is some left for all. */
static bool
is_told(struct blocker *b, struct block *entry, uint64_t now)
{
	if (now - entry->told >= BLOCK_TOLD_MS &&
	    bucket_take(&b->turn, now, BLOCK_TOLD_BURST, BLOCK_TOLD_RATE)) {
		entry->told = now;
		return true;
	}
	return bucket_take(&b->cut, now, BLOCK_CUT_BURST, BLOCK_CUT_RATE);
}
