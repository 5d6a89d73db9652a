/* Memory for a cache under test; see cache_room.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cache_room.h"

static const struct siphash_key room_siphash = { 0x0123456789abcdef,
	0xfedcba9876543210 };

void *
room_new(size_t size)
{
	const size_t page = 4096;
	uint8_t *memory;

	memory = mmap(NULL, size + 2 * page, PROT_NONE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	if (mprotect(memory + page, size, PROT_READ | PROT_WRITE) == -1)
		err(1, "mprotect");
	return memory + page;
}

void
room_attach(struct cache *c, void *memory, size_t size, uint32_t owner)
{
	if (cache_attach(c, memory, size, &room_siphash, owner) == -1)
		errx(1, "cache_attach");
}

/* splitmix64 */
uint64_t
room_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t
room_key(uint64_t n, uint8_t key[ROOM_KEY_MAX])
{
	uint64_t state = n;
	size_t len = 8 + room_random(&state) % (ROOM_KEY_MAX - 8 + 1);

	memset(key, (int)len, ROOM_KEY_MAX);
	memcpy(key, &n, sizeof(n));
	return len;
}

void
room_payload(uint64_t n, uint32_t version, uint8_t *buf, size_t len)
{
	uint64_t state = n * 1000003 + version, word;
	size_t i;

	for (i = 0; i < len; i += 8) {
		word = room_random(&state);
		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
}

bool
room_payload_is(uint64_t n, uint32_t version, const uint8_t *buf, size_t len)
{
	static uint8_t want[CACHE_PAYLOAD_MAX];

	room_payload(n, version, want, len);
	return memcmp(want, buf, len) == 0;
}

bool
room_put(struct cache *c, uint64_t n, uint32_t version, size_t len)
{
	static uint8_t payload[CACHE_PAYLOAD_MAX];
	uint8_t key[ROOM_KEY_MAX];
	size_t key_len = room_key(n, key);

	room_payload(n, version, payload, len);
	return cache_put(c, cache_hash(c, key, key_len), key, key_len, payload,
	    len, 1000 + n, 2000 + n, version, 1000);
}

bool
room_get(struct cache *c, uint64_t n, struct cache_hit *hit)
{
	static uint8_t buf[CACHE_PAYLOAD_MAX];
	uint8_t key[ROOM_KEY_MAX];
	size_t key_len = room_key(n, key);

	if (!cache_get(c, cache_hash(c, key, key_len), key, key_len, buf, hit))
		return false;
	if (hit->stored != 1000 + n || hit->expires != 2000 + n ||
	    !room_payload_is(n, hit->tag, buf, hit->len)) {
		warnx("name %llu: not what was put", (unsigned long long)n);
		abort();
	}
	return true;
}
