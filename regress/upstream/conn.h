/*
 * A connection of the upstream, between what moves its bytes (conn.c) and what
 * decides how its questions are answered (reply.c).
 */
#ifndef REGRESS_UPSTREAM_CONN_H
#define REGRESS_UPSTREAM_CONN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upstream.h"

struct event;
struct evbuffer;

enum ending { ENDING_NOT, ENDING_CLOSE, ENDING_RESET };

/* A question that is in flight: read and not answered. */
struct pending;
TAILQ_HEAD(pendings, pending);

struct conn {
	struct server *server;
	struct tls *tls;
	struct event *readable, *writable, *idle, *batch;
	struct evbuffer *out;
	struct pendings pending; /* not yet due, oldest first */
	struct pendings held; /* due, and held back for their order */
	size_t npending, nheld;
	uint64_t id, answers;
	size_t in_len;
	uint8_t in[2 + MESSAGE_MAX];
	int fd;
	enum ending ending; /* once all is written */
	bool shaken, stalled, choked, dead;
};

/* Writes what waits in out, soon. */
void conn_kick(struct conn *c);
/* Arms a timer; 0 ms is never. */
void conn_after(struct event *timer, unsigned ms);

/* libevent's callback for c->batch. */
void reply_batch(int fd, short what, void *c);
/* Takes a frame's message; it is answered by reply_due or a timer. */
void reply_take(struct conn *c, const uint8_t *msg, size_t len);
/* Answers what has no delay, and is called when all that came is taken. */
void reply_due(struct conn *c);
void reply_forget(struct conn *c);

#endif
