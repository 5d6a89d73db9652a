/* Chunks of the one pool. It must never hand out more than it has. */
#include <string.h>

#include "chunk.h"

#define NONE UINT32_MAX

static void
append(struct chunk_pool *, struct chunk_queue *, const uint8_t *, size_t);
static uint32_t chunk_new(struct chunk_pool *);
static void chunk_free(struct chunk_pool *, uint32_t);
static size_t min_size(size_t, size_t);

void
chunk_pool_init(
    struct chunk_pool *pool, uint8_t *bytes, uint32_t *next, uint32_t total)
{
	pool->bytes = bytes;
	pool->next = next;
	pool->total = pool->left = total;
	pool->fresh = 0;
	pool->free = NONE;
}

bool
chunk_fits(
    const struct chunk_pool *pool, const struct chunk_queue *queue, size_t len)
{
	size_t room = queue->len == 0 ? 0 : CHUNK_LEN - queue->end;

	return len <= room ||
	    (len - room + CHUNK_LEN - 1) / CHUNK_LEN <= pool->left;
}

bool
chunk_put(struct chunk_pool *pool, struct chunk_queue *queue,
    const uint8_t a[2], const uint8_t *b, size_t len)
{
	if (!chunk_fits(pool, queue, 2 + len))
		return false;
	append(pool, queue, a, 2);
	append(pool, queue, b, len);
	return true;
}

size_t
chunk_pieces(const struct chunk_pool *pool, const struct chunk_queue *queue,
    struct iovec *iov, size_t max)
{
	uint32_t chunk = queue->head, begin = queue->begin;
	size_t n, left = queue->len, here;

	for (n = 0; n < max && left != 0; n++) {
		here = min_size(CHUNK_LEN - begin, left);
		iov[n].iov_base =
		    pool->bytes + (size_t)chunk * CHUNK_LEN + begin;
		iov[n].iov_len = here;
		left -= here;
		begin = 0;
		chunk = pool->next[chunk];
	}
	return n;
}

void
chunk_take_off(struct chunk_pool *pool, struct chunk_queue *queue, size_t len)
{
	uint32_t chunk;
	size_t here;

	while (len != 0) {
		here = min_size(
		    min_size(CHUNK_LEN - queue->begin, queue->len), len);
		queue->begin += (uint32_t)here;
		queue->len -= here;
		len -= here;
		if (queue->len != 0 && queue->begin != CHUNK_LEN)
			continue;
		chunk = queue->head;
		queue->head = pool->next[chunk];
		queue->begin = 0;
		chunk_free(pool, chunk);
	}
}

static void
append(struct chunk_pool *pool, struct chunk_queue *queue, const uint8_t *p,
    size_t len)
{
	uint32_t chunk;
	size_t here;

	while (len != 0) {
		if (queue->len == 0 || queue->end == CHUNK_LEN) {
			chunk = chunk_new(pool);
			if (queue->len == 0) {
				queue->head = chunk;
				queue->begin = 0;
			} else
				pool->next[queue->tail] = chunk;
			queue->tail = chunk;
			queue->end = 0;
		}
		here = min_size(CHUNK_LEN - queue->end, len);
		memcpy(
		    pool->bytes + (size_t)queue->tail * CHUNK_LEN + queue->end,
		    p, here);
		queue->end += (uint32_t)here;
		queue->len += here;
		p += here;
		len -= here;
	}
}

/* There is one: chunk_put has looked. */
static uint32_t
chunk_new(struct chunk_pool *pool)
{
	uint32_t chunk = pool->free;

	if (chunk != NONE)
		pool->free = pool->next[chunk];
	else
		chunk = pool->fresh++;
	pool->next[chunk] = NONE;
	pool->left--;
	return chunk;
}

static void
chunk_free(struct chunk_pool *pool, uint32_t chunk)
{
	pool->next[chunk] = pool->free;
	pool->free = chunk;
	pool->left++;
}

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}
