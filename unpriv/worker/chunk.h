/*
 * The memory of everything that waits to be written to TCP clients: chunks of
 * one fixed pool, so that all connections together never take more. Pure.
 */
#ifndef UNPRIV_WORKER_CHUNK_H
#define UNPRIV_WORKER_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define CHUNK_LEN 4096

struct chunk_pool {
	uint8_t *bytes; /* total * CHUNK_LEN, the caller's */
	uint32_t *next; /* total, the caller's */
	uint32_t total;
	uint32_t fresh; /* from here on never used */
	uint32_t free; /* used before; the last one first */
	uint32_t left; /* chunks that may be had */
};

struct chunk_queue {
	uint32_t head, tail; /* chunks; of no meaning when len is 0 */
	uint32_t begin; /* in head: what is before was taken off */
	uint32_t end; /* in tail */
	size_t len; /* bytes */
};

void chunk_pool_init(
    struct chunk_pool *pool, uint8_t *bytes, uint32_t *next, uint32_t total);

/* Whether the pool has room for so many bytes more in this queue. */
bool chunk_fits(
    const struct chunk_pool *pool, const struct chunk_queue *queue, size_t len);

/* Puts a (2 bytes) and b (len bytes) at the end, or neither: false when the
 * pool has no room for both. */
bool chunk_put(struct chunk_pool *pool, struct chunk_queue *queue,
    const uint8_t a[2], const uint8_t *b, size_t len);

/* The first bytes, in at most max pieces; returns how many. */
size_t chunk_pieces(const struct chunk_pool *pool,
    const struct chunk_queue *queue, struct iovec *iov, size_t max);

/* Takes len bytes off the front; at most queue->len. */
void
chunk_take_off(struct chunk_pool *pool, struct chunk_queue *queue, size_t len);

#endif
