/*
 * libFuzzer: any bytes as what a broken worker left in the cache's memory, and
 * then as a list of operations on it. The memory lies between pages that
 * nobody may touch.
 *
 * Input: patches of 5 bytes (where: 3, what: 2), up to one of where 0xffffff;
 * then operations of 3 bytes (which, name, length).
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "unpriv/worker/cache.h"

#define SIZE CACHE_SIZE_MIN

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void);
static void operate(uint8_t, uint8_t, size_t, uint64_t);

static struct cache cache;
static uint8_t *memory, *full;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct siphash_key key = { 1, 2 };
	size_t at;
	uint64_t now = 0;

	if (memory == NULL)
		start();
	memcpy(memory, full, SIZE);
	for (; size >= 5; data += 5, size -= 5) {
		at = (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
		if (at == 0xffffff)
			break;
		/* The head of the shard is worth more than its share. */
		at = data[0] >= 0x80 ? at % 64 : at % (SIZE - 1);
		memory[at] = data[3];
		memory[at + 1] = data[4];
	}
	if (cache_attach(&cache, memory, SIZE, &key, 1) == -1)
		abort();
	for (; size >= 3; data += 3, size -= 3)
		operate(data[0], data[1], (size_t)data[2] * data[2], ++now);
	return 0;
}

static void
operate(uint8_t which, uint8_t name, size_t len, uint64_t now)
{
	static uint8_t *buf, payload[CACHE_PAYLOAD_MAX];
	struct cache_figures figures;
	struct cache_hit hit;
	uint64_t hash;

	/* Of exactly the size that is asked for: the sanitizer sees more. */
	if (buf == NULL && (buf = malloc(CACHE_PAYLOAD_MAX)) == NULL)
		err(1, NULL);
	hash = cache_hash(&cache, &name, 1);
	switch (which % 6) {
	case 0:
		cache_prefetch(&cache, hash);
		cache_prefetch_entry(&cache, hash);
		cache_get(&cache, hash, &name, 1, buf, &hit);
		break;
	case 1:
		cache_claim(&cache, hash, &name, 1, now, len);
		break;
	case 2:
		cache_drop(&cache, hash, &name, 1);
		break;
	case 3:
		cache_figures(&cache, &figures);
		break;
	default:
		if (cache_put(&cache, hash, &name, 1, payload, len, now, now,
			which, now) &&
		    cache_get(&cache, hash, &name, 1, buf, &hit) &&
		    hit.len > CACHE_PAYLOAD_MAX)
			abort();
		break;
	}
}

/* To begin with: a cache that is full. */
static void
start(void)
{
	static const struct siphash_key key = { 1, 2 };
	const size_t page = 4096;
	uint8_t *room, payload[500] = { 0 };
	uint32_t i;

	room = mmap(NULL, SIZE + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED ||
	    mprotect(room + page, SIZE, PROT_READ | PROT_WRITE) == -1 ||
	    (full = malloc(SIZE)) == NULL)
		err(1, NULL);
	memory = room + page;
	if (cache_attach(&cache, memory, SIZE, &key, 1) == -1)
		abort();
	for (i = 0; i < 20000; i++)
		cache_put(&cache, cache_hash(&cache, &i, i < 256 ? 1 : 4), &i,
		    i < 256 ? 1 : 4, payload, i % sizeof(payload), 1, 1, 1, 1);
	memcpy(full, memory, SIZE);
}
