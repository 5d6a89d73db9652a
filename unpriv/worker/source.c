/* Connections of each client. What is hashed, a stranger chooses. */
#include <string.h>

#include "dotproxy/blocks.h"

#include "source.h"

static uint32_t *bucket_of(struct source_table *, const struct netaddr *);
static uint32_t entry_new(struct source_table *);

uint32_t
source_add(
    struct source_table *table, const struct netaddr *address, uint32_t limit)
{
	const struct netaddr client =
	    blocks_prefix(address, table->bits4, table->bits6);
	struct source *entry;
	uint32_t *bucket, i;

	bucket = bucket_of(table, &client);
	for (i = *bucket; i != SOURCE_NONE; i = table->entry[i].next) {
		entry = &table->entry[i];
		if (memcmp(&entry->client, &client, sizeof(client)) != 0)
			continue;
		if (entry->count >= limit)
			return SOURCE_NONE;
		entry->count++;
		return i;
	}
	if (limit == 0 || (i = entry_new(table)) == SOURCE_NONE)
		return SOURCE_NONE;
	entry = &table->entry[i];
	entry->client = client;
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
	link = bucket_of(table, &entry->client);
	while (*link != i)
		link = &table->entry[*link].next;
	*link = entry->next;
	entry->next = table->free;
	table->free = i;
}

static uint32_t *
bucket_of(struct source_table *table, const struct netaddr *client)
{
	return &table->bucket[siphash(&table->key, client, sizeof(*client)) &
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
