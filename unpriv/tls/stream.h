/*
 * DNS over a stream (RFC 1035 4.2.2, RFC 7858 3.3): messages with two bytes
 * of length before each, taken from a buffer that bytes are added to. Pure; it
 * allocates nothing and never looks into a message.
 */
#ifndef UNPRIV_TLS_STREAM_H
#define UNPRIV_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stream_room offers at least: the largest TLS record's content. */
#define STREAM_ROOM_MIN 16384
/* The longest message with its length, and room to read on. */
#define STREAM_BUFFER (2 + 65535 + STREAM_ROOM_MIN)

struct stream {
	uint8_t *buf; /* STREAM_BUFFER bytes; the caller's */
	size_t head; /* first byte not yet taken */
	size_t tail; /* one behind the last byte added */
};

void stream_init(struct stream *s, uint8_t buf[STREAM_BUFFER]);
/*
 * Where to put the bytes that come next, and how many fit: STREAM_ROOM_MIN or
 * more, provided that stream_next has said false since the last were added.
 * What stream_next handed out is gone after it.
 */
uint8_t *stream_room(struct stream *s, size_t *room);
/* So many bytes were put there. */
void stream_added(struct stream *s, size_t n);
/* The next whole message, in place and the caller's to change; false: there
 * is none yet. A length of 0 is a message too. */
bool stream_next(struct stream *s, uint8_t **msg, size_t *len);
/* Whether the stream stands between two messages. */
bool stream_is_even(const struct stream *s);

#endif
