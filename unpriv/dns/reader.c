/*
 * The bounds-checked reader and writer: the only place where a stranger's
 * message is indexed. Neither ever touches a byte outside base[0 .. len).
 */
#include <endian.h>
#include <string.h>

#include "dns.h"
#include "reader.h"

/* A name has at most 127 labels before the root's, so a chain of pointers of
 * any use is that of a name that is one pointer, to a label and a pointer, and
 * so on; more is somebody's attempt to make reading dear. */
#define POINTERS_MAX 128

static const uint8_t *take(struct dns_reader *, size_t);
static uint8_t *grow(struct dns_writer *, size_t);

void
dns_reader_init(struct dns_reader *r, const void *base, size_t len)
{
	r->base = base;
	r->len = len;
	r->pos = 0;
	r->failed = false;
}

size_t
dns_reader_left(const struct dns_reader *r)
{
	return r->len - r->pos;
}

uint8_t
dns_read_u8(struct dns_reader *r)
{
	const uint8_t *p = take(r, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
dns_read_u16(struct dns_reader *r)
{
	const uint8_t *p = take(r, 2);

	return p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
dns_read_u32(struct dns_reader *r)
{
	const uint8_t *p = take(r, 4);

	return p == NULL ? 0
			 : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

void
dns_read_two(struct dns_reader *r, uint16_t *a, uint16_t *b)
{
	uint32_t v = dns_read_u32(r);

	*a = (uint16_t)(v >> 16);
	*b = (uint16_t)v;
}

void
dns_read_four(
    struct dns_reader *r, uint16_t *a, uint16_t *b, uint16_t *c, uint16_t *d)
{
	const uint8_t *p = take(r, 8);
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	v = be64toh(v);
	*a = (uint16_t)(v >> 48);
	*b = (uint16_t)(v >> 32);
	*c = (uint16_t)(v >> 16);
	*d = (uint16_t)v;
}

const uint8_t *
dns_read_bytes(struct dns_reader *r, size_t n)
{
	return take(r, n);
}

void
dns_read_skip(struct dns_reader *r, size_t n)
{
	(void)take(r, n);
}

void
dns_read_name(
    struct dns_reader *r, uint8_t *name, uint8_t *len, bool compression)
{
	size_t after = 0, end = r->len, pointers = 0, target, used = 0;
	size_t begin, pos, run;
	uint8_t c;

	begin = run = pos = r->pos;
	*len = 0;
	if (r->failed)
		return;
	if (pos < end && r->base[pos] == 0) {
		if (name != NULL)
			name[0] = 0;
		*len = 1;
		r->pos = pos + 1;
		return;
	}
	for (;;) {
		if (pos >= end)
			goto fail;
		c = r->base[pos];
		if (c <= DNS_LABEL_MAX) {
			if (end - pos < c + (size_t)1 ||
			    used + (pos - run) + c + 1 > DNS_NAME_MAX)
				goto fail;
			pos += c + (size_t)1;
			if (c != 0)
				continue;
		} else if (c < 0xc0 || !compression || end - pos < 2)
			goto fail;
		/* The end of the name or of a run of labels. */
		if (name != NULL && pos > run)
			memcpy(name + used, r->base + run, pos - run);
		used += pos - run;
		if (c == 0)
			break;
		/* Never into the header, which is not the same for all who
		 * are sent the message. */
		target = (size_t)(c & 0x3f) << 8 | r->base[pos + 1];
		if (target >= begin || target < DNS_HEADER_LEN ||
		    ++pointers > POINTERS_MAX)
			goto fail;
		if (after == 0)
			after = pos + 2;
		/* What is pointed to ends before what points: so a name is
		 * made of bytes up to its own end only, whatever follows. */
		end = begin;
		begin = run = pos = target;
	}
	*len = (uint8_t)used;
	r->pos = after != 0 ? after : pos;
	return;
fail:
	r->failed = true;
}

void
dns_writer_init(struct dns_writer *w, void *base, size_t cap)
{
	w->base = base;
	w->cap = cap;
	w->pos = 0;
	w->failed = false;
}

void
dns_write_u8(struct dns_writer *w, uint8_t v)
{
	uint8_t *p = grow(w, 1);

	if (p != NULL)
		p[0] = v;
}

void
dns_write_u16(struct dns_writer *w, uint16_t v)
{
	uint8_t *p = grow(w, 2);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

void
dns_write_u32(struct dns_writer *w, uint32_t v)
{
	uint8_t *p = grow(w, 4);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

void
dns_write_two(struct dns_writer *w, uint16_t a, uint16_t b)
{
	dns_write_u32(w, (uint32_t)a << 16 | b);
}

void
dns_write_four(
    struct dns_writer *w, uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
	uint8_t *p = grow(w, 8);
	uint64_t v =
	    (uint64_t)a << 48 | (uint64_t)b << 32 | (uint64_t)c << 16 | d;

	v = htobe64(v);
	if (p != NULL)
		memcpy(p, &v, sizeof(v));
}

void
dns_write_bytes(struct dns_writer *w, const void *from, size_t n)
{
	uint8_t *p = grow(w, n);

	if (p != NULL && n > 0)
		memcpy(p, from, n);
}

void
dns_write_zeroes(struct dns_writer *w, size_t n)
{
	uint8_t *p = grow(w, n);

	if (p != NULL && n > 0)
		memset(p, 0, n);
}

void
dns_write_u16_at(struct dns_writer *w, size_t pos, uint16_t v)
{
	if (w->failed || w->pos < 2 || pos > w->pos - 2) {
		w->failed = true;
		return;
	}
	w->base[pos] = (uint8_t)(v >> 8);
	w->base[pos + 1] = (uint8_t)v;
}

void
dns_write_u32_at(struct dns_writer *w, size_t pos, uint32_t v)
{
	if (w->failed || w->pos < 4 || pos > w->pos - 4) {
		w->failed = true;
		return;
	}
	w->base[pos] = (uint8_t)(v >> 24);
	w->base[pos + 1] = (uint8_t)(v >> 16);
	w->base[pos + 2] = (uint8_t)(v >> 8);
	w->base[pos + 3] = (uint8_t)v;
}

void
dns_write_lower_u32_at(struct dns_writer *w, size_t pos, uint32_t by)
{
	uint32_t v;

	if (w->failed || w->pos < 4 || pos > w->pos - 4) {
		w->failed = true;
		return;
	}
	memcpy(&v, w->base + pos, sizeof(v));
	v = be32toh(v);
	v = htobe32(v > by ? v - by : 0);
	memcpy(w->base + pos, &v, sizeof(v));
}

/* The next n bytes, which are then behind the reader; NULL once it failed. */
static const uint8_t *
take(struct dns_reader *r, size_t n)
{
	const uint8_t *p = r->base + r->pos;

	if (r->failed || n > r->len - r->pos) {
		r->failed = true;
		return NULL;
	}
	r->pos += n;
	return p;
}

static uint8_t *
grow(struct dns_writer *w, size_t n)
{
	uint8_t *p = w->base + w->pos;

	if (w->failed || n > w->cap - w->pos) {
		w->failed = true;
		return NULL;
	}
	w->pos += n;
	return p;
}
