/* Connections of each client. What is hashed, a stranger chooses. */
#include <string.h>

#include "source.h"

static void make_key(uint8_t[SOURCE_KEY_LEN], const struct netaddr *);
static uint32_t *bucket_of(struct source_table *, const uint8_t *);
static uint32_t entry_new(struct source_table *);

uint32_t
source_add(
    struct source_table *table, const struct netaddr *address, uint32_t limit)
{
	uint8_t key[SOURCE_KEY_LEN];
	struct source *entry;
	uint32_t *bucket, i;

	make_key(key, address);
	bucket = bucket_of(table, key);
	for (i = *bucket; i != SOURCE_NONE; i = table->entry[i].next) {
		entry = &table->entry[i];
		if (memcmp(entry->key, key, sizeof(key)) != 0)
			continue;
		if (entry->count >= limit)
			return SOURCE_NONE;
		entry->count++;
		return i;
	}
	if (limit == 0 || (i = entry_new(table)) == SOURCE_NONE)
		return SOURCE_NONE;
	entry = &table->entry[i];
	memcpy(entry->key, key, sizeof(key));
	entry->count = 1;
	entry->next = *bucket;
	*bucket = i;
	return i;
}

void
source_drop(struct source_table *table, uint32_t i)
{
	struct source *entry = &table->entry[i];
	uint32_t *link;

	if (--entry->count != 0)
		return;
	link = bucket_of(table, entry->key);
	while (*link != i)
		link = &table->entry[*link].next;
	*link = entry->next;
	entry->next = table->free;
	table->free = i;
}

static void
make_key(uint8_t key[SOURCE_KEY_LEN], const struct netaddr *address)
{
	memset(key, 0, SOURCE_KEY_LEN);
	key[0] = address->family;
	memcpy(key + 1, address->bytes, address->family == 4 ? 4 : 8);
}

static uint32_t *
bucket_of(struct source_table *table, const uint8_t *key)
{
	return &table->bucket[siphash(&table->key, key, SOURCE_KEY_LEN) &
	    (SOURCE_BUCKETS - 1)];
}

static uint32_t
entry_new(struct source_table *table)
{
	uint32_t i = table->free;

	if (i != SOURCE_NONE) {
		table->free = table->entry[i].next;
		return i;
	}
	if (table->fresh == SOURCES_MAX)
		return SOURCE_NONE;
	return ++table->fresh;
}
