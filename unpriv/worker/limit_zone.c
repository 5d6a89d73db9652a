/* The limit of a zone; see limit_zone.h. It must not read beyond a name. */
#include <string.h>

#include "limit_zone.h"

#define NAME_MAX_LEN 255

static uint64_t hash_of(const struct limit_zone *, const uint8_t *, size_t);
static size_t zone_of(const uint8_t *, size_t, uint32_t);

void
limit_zone_init(struct limit_zone *z, const struct siphash_key *key)
{
	memset(z, 0, sizeof(*z));
	z->key = *key;
	z->off = true;
}

void
limit_zone_set(struct limit_zone *z, const struct conf_limit *conf)
{
	z->off = conf->zone_rate == 0;
	z->labels = conf->zone_labels;
	limit_set_bucket(&z->bucket, conf->zone_rate, conf->zone_burst);
}

bool
limit_zone_take(
    struct limit_zone *z, const uint8_t *name, size_t len, uint64_t now)
{
	struct limit_entry *e;
	uint64_t hash;

	if (z->off || len == 0 || len > NAME_MAX_LEN)
		return true;
	hash = hash_of(z, name, len);
	e = limit_set_visit(z->entry[limit_set_of(hash, LIMIT_ZONE_SETS)],
	    limit_tag_of(hash), &z->bucket, (uint32_t)now);
	if (e->balance < LIMIT_TOKEN)
		return false;
	limit_set_pay(e, &z->bucket, LIMIT_TOKEN);
	return true;
}

bool
limit_zone_enter(struct limit_zone *z, const uint8_t *name, size_t len,
    uint32_t used, uint32_t most, uint32_t *share)
{
	*share = 0;
	if (z->labels == 0 || len == 0 || len > NAME_MAX_LEN)
		return true;
	*share =
	    (uint32_t)(hash_of(z, name, len) % (LIMIT_ZONE_SHARES - 1)) + 1;
	if (used >= most / LIMIT_ZONE_BUSY &&
	    z->flight[*share] >= most / LIMIT_ZONE_SHARE)
		return false;
	z->flight[*share]++;
	return true;
}

void
limit_zone_leave(struct limit_zone *z, uint32_t share)
{
	/* What was in flight before limit_zone_init is not counted. */
	if (share != 0 && z->flight[share] != 0)
		z->flight[share]--;
}

static uint64_t
hash_of(const struct limit_zone *z, const uint8_t *name, size_t len)
{
	const size_t from = zone_of(name, len, z->labels);
	uint8_t folded[NAME_MAX_LEN];
	size_t i;

	/* A label's length is below any letter. */
	for (i = from; i < len; i++)
		folded[i - from] =
		    name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i];
	return siphash(&z->key, folded, len - from);
}

/* Where the last so many labels begin; the root's is not counted. */
static size_t
zone_of(const uint8_t *name, size_t len, uint32_t labels)
{
	size_t at[CONF_LIMIT_LABELS_MAX] = { 0 }, i;
	uint32_t n = 0;

	for (i = 0; i < len && name[i] != 0; i += (size_t)name[i] + 1)
		at[n++ % labels] = i;
	return n == 0 ? 0 : n < labels ? at[0] : at[n % labels];
}
