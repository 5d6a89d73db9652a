/*
 * How many connections each client has: an address, or a prefix, for who was
 * given many addresses is still one. A fixed table. Pure.
 */
#ifndef UNPRIV_WORKER_SOURCE_H
#define UNPRIV_WORKER_SOURCE_H

#include "dotproxy/conf.h"
#include "dotproxy/netaddr.h"
#include "dotproxy/siphash.h"

#define SOURCE_NONE    0
#define SOURCE_BUCKETS 16384 /* a power of two */
#define SOURCES_MAX    (CONF_TCP_LIMIT + 1) /* and who is to get a place */

struct source {
	struct netaddr client;
	uint32_t count;
	uint32_t next; /* in its bucket, or of the free ones */
};

/* All zeroes but for the key and bits is an empty table. Entries count from
 * 1. */
struct source_table {
	struct siphash_key key;
	uint32_t bucket[SOURCE_BUCKETS];
	struct source entry[SOURCES_MAX + 1];
	uint32_t bits4, bits6; /* of an address that make a client */
	uint32_t fresh; /* entries ever used */
	uint32_t free;
};

/* One more connection of that address: its entry, to be given back with
 * source_drop; or SOURCE_NONE: it has limit already, or the table is full. */
uint32_t source_add(
    struct source_table *table, const struct netaddr *address, uint32_t limit);
void source_drop(struct source_table *table, uint32_t entry);

#endif
