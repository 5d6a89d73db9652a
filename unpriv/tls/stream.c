/*
 * The framing of DNS over a stream. It must never read or write outside the
 * buffer, whatever lengths the upstream claims.
 */
#include <assert.h>
#include <string.h>

#include "stream.h"

void
stream_init(struct stream *s, uint8_t buf[STREAM_BUFFER])
{
	s->buf = buf;
	s->head = s->tail = 0;
}

uint8_t *
stream_room(struct stream *s, size_t *room)
{
	if (s->head == s->tail) {
		s->head = s->tail = 0;
	} else if (STREAM_BUFFER - s->tail < STREAM_ROOM_MIN) {
		memmove(s->buf, &s->buf[s->head], s->tail - s->head);
		s->tail -= s->head;
		s->head = 0;
	}
	*room = STREAM_BUFFER - s->tail;
	return &s->buf[s->tail];
}

void
stream_added(struct stream *s, size_t n)
{
	assert(n <= STREAM_BUFFER - s->tail);
	s->tail += n;
}

bool
stream_next(struct stream *s, uint8_t **msg, size_t *len)
{
	size_t have, n;

	have = s->tail - s->head;
	if (have < 2)
		return false;
	n = (size_t)s->buf[s->head] << 8 | s->buf[s->head + 1];
	if (have - 2 < n)
		return false;
	*msg = &s->buf[s->head + 2];
	*len = n;
	s->head += 2 + n;
	return true;
}

bool
stream_is_even(const struct stream *s)
{
	return s->head == s->tail;
}
