/*
 * One TCP connection of a client (RFC 7766, 9210) without its socket: bytes
 * in become questions, answers become bytes out, and the clock says when it
 * has to end. Nothing here grows: one question's room to read, chunks of the
 * common pool to write. Pure.
 */
#ifndef UNPRIV_WORKER_STREAM_H
#define UNPRIV_WORKER_STREAM_H

#include "chunk.h"

#define STREAM_QUESTION_MAX 4096 /* a longer one is FORMERR */
#define STREAM_ROOM	    (2 + STREAM_QUESTION_MAX)
#define STREAM_IN_FLIGHT    64 /* above: not read */
#define STREAM_QUEUE_READ   (128 * 1024) /* above: not read, bytes */
#define STREAM_QUEUE_MAX    (256 * 1024) /* above: closed, bytes */
#define STREAM_IDLE_MS	    10000 /* as told with RFC 7828 */
#define STREAM_HALF_MS	    2000
#define STREAM_SLOW_MS	    10000

enum stream_end {
	STREAM_OPEN,
	STREAM_DONE, /* the client closed, and everything is answered */
	STREAM_IDLE, /* nothing for too long */
	STREAM_HALF, /* half a question for too long */
	STREAM_SLOW /* answers not read */
};

struct stream {
	uint8_t *room; /* STREAM_ROOM bytes, the caller's */
	size_t begin, end; /* of what is in there and not taken yet */
	size_t skip; /* bytes of a question too long, still to come */
	struct chunk_queue out;
	uint32_t in_flight;
	bool eof; /* the client sends no more */
	bool overrun; /* an answer found no room */
	uint64_t half_since; /* ms; 0: no half question */
	uint64_t idle_since; /* ms; the last time anything happened */
	uint64_t slow_since; /* ms; nothing could be written since */
};

/* room as above. */
void stream_init(struct stream *s, uint8_t *room, uint64_t now);

/* Whether it is to be read at all now. */
bool stream_may_read(const struct stream *s);
/* Where to read to; its length into *len, never 0 if stream_may_read and every
 * question was taken. Whatever stream_next gave is gone then. */
uint8_t *stream_space(struct stream *s, size_t *len);
/* n bytes were read to there; 0 is the end of the file. */
void stream_received(struct stream *s, size_t n, uint64_t now);

/*
 * The next whole question, if stream_may_read: true, and *msg is len bytes in
 * place. cut: it is the beginning of one too long.
 */
bool stream_next(struct stream *s, const uint8_t **msg, size_t *len, bool *cut);
/* Once after the last stream_next of a turn: starts the clocks. */
void stream_settle(struct stream *s, uint64_t now);

/* An answer of at most 65535 bytes. Without room for it the connection is
 * over: stream_check says so. */
void stream_answer(struct stream *s, struct chunk_pool *pool,
    const uint8_t *msg, size_t len, uint64_t now);
/* n bytes of chunk_pieces(&s->out) were written. */
void
stream_wrote(struct stream *s, struct chunk_pool *pool, size_t n, uint64_t now);

bool stream_is_idle(const struct stream *s);
/* Whether the client waits for anything of ours. */
bool stream_is_owed(const struct stream *s);
enum stream_end stream_check(const struct stream *s, uint64_t now);

#endif
