/*
 * The channels to the workers: questions in, answers out in batches. A worker
 * that does not keep up gets failures instead; it never holds up another.
 */
#ifndef UNPRIV_TLS_PEER_H
#define UNPRIV_TLS_PEER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/ipc.h"

#include "pool.h"

/*
 * Bytes that wait for each worker, beside what is in the channel: one TCP
 * connection alone may have 64 questions in flight, whose answers have 64 KiB
 * each. Above it answers become failures, for which there is the spare.
 */
#define PEER_PENDING_MAX (16 * 1024 * 1024)
#define PEER_SPARE	 (1024 * 1024)

/* broken is told of a worker whose channel was closed for a rule it broke. */
void peers_init(struct event_base *base, struct pool *pool,
    void (*broken)(uint32_t worker, const char *wrong));
/* The channel to a worker, in place of the one before; fd is taken over. */
void peers_set(uint32_t worker, int fd);
void peers_answer(uint32_t worker, uint64_t id, const uint8_t *msg, size_t len);
void peers_fail(uint32_t worker, uint64_t id, uint16_t ede, const char *text);
/* At the end of a turn. */
void peers_flush(void);

#endif
