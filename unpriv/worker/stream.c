/* A client's connection as a machine. It must never lose count of a byte. */
#include <string.h>

#include "unpriv/dns/reader.h"

#include "stream.h"

void
stream_init(struct stream *s, uint8_t *room, uint64_t now)
{
	memset(s, 0, sizeof(*s));
	s->room = room;
	s->idle_since = now;
}

bool
stream_may_read(const struct stream *s)
{
	return !s->overrun && s->in_flight < STREAM_IN_FLIGHT &&
	    s->out.len <= STREAM_QUEUE_READ;
}

uint8_t *
stream_space(struct stream *s, size_t *len)
{
	if (s->begin != 0) {
		memmove(s->room, s->room + s->begin, s->end - s->begin);
		s->end -= s->begin;
		s->begin = 0;
	}
	*len = STREAM_ROOM - s->end;
	return s->room + s->end;
}

void
stream_received(struct stream *s, size_t n, uint64_t now)
{
	if (n == 0)
		s->eof = true;
	s->end += n;
	s->idle_since = now;
}

bool
stream_next(struct stream *s, const uint8_t **msg, size_t *len, bool *cut)
{
	struct dns_reader r;
	size_t have, n;

	have = s->end - s->begin;
	n = s->skip < have ? s->skip : have;
	s->skip -= n;
	s->begin += n;
	if (s->skip != 0 || !stream_may_read(s))
		return false;
	dns_reader_init(&r, s->room + s->begin, s->end - s->begin);
	n = dns_read_u16(&r);
	*cut = n > STREAM_QUESTION_MAX;
	*len = *cut ? STREAM_QUESTION_MAX : n;
	*msg = dns_read_bytes(&r, *len);
	if (r.failed)
		return false;
	s->begin += r.pos;
	s->skip = n - *len;
	s->half_since = 0;
	return true;
}

void
stream_settle(struct stream *s, uint64_t now)
{
	if (s->begin == s->end && s->skip == 0)
		s->half_since = 0;
	else if (!stream_may_read(s))
		/* It is we who do not read on. */
		s->half_since = 0;
	else if (s->eof) {
		/* The other half never comes. */
		s->begin = s->end = s->skip = 0;
		s->half_since = 0;
	} else if (s->half_since == 0)
		s->half_since = now;
}

void
stream_answer(struct stream *s, struct chunk_pool *pool, const uint8_t *msg,
    size_t len, uint64_t now)
{
	struct dns_writer w;
	uint8_t prefix[2];

	s->idle_since = now;
	if (s->out.len == 0)
		s->slow_since = now;
	dns_writer_init(&w, prefix, sizeof(prefix));
	dns_write_u16(&w, (uint16_t)len);
	if (s->overrun || s->out.len + 2 + len > STREAM_QUEUE_MAX ||
	    !chunk_put(pool, &s->out, prefix, msg, len))
		s->overrun = true;
}

void
stream_wrote(struct stream *s, struct chunk_pool *pool, size_t n, uint64_t now)
{
	if (n == 0)
		return;
	chunk_take_off(pool, &s->out, n);
	s->idle_since = s->slow_since = now;
}

bool
stream_is_idle(const struct stream *s)
{
	return !stream_is_owed(s) && s->begin == s->end && s->skip == 0;
}

bool
stream_is_owed(const struct stream *s)
{
	return s->in_flight != 0 || s->out.len != 0;
}

enum stream_end
stream_check(const struct stream *s, uint64_t now)
{
	if (s->overrun)
		return STREAM_SLOW;
	if (s->out.len != 0 && now - s->slow_since >= STREAM_SLOW_MS)
		return STREAM_SLOW;
	if (s->half_since != 0 && now - s->half_since >= STREAM_HALF_MS)
		return STREAM_HALF;
	if (!stream_is_idle(s))
		return STREAM_OPEN;
	if (s->eof)
		return STREAM_DONE;
	return now - s->idle_since >= STREAM_IDLE_MS ? STREAM_IDLE
						     : STREAM_OPEN;
}
