/*
 * The one bounds-checked reader of strangers' bytes, and its twin that
 * writes. A read beyond the end gives zeroes and sets failed, which stays set:
 * so a parser reads a whole structure and asks once. The writer likewise never
 * writes beyond its capacity.
 */
#ifndef UNPRIV_DNS_READER_H
#define UNPRIV_DNS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_reader {
	const uint8_t *base;
	size_t len;
	size_t pos; /* <= len */
	bool failed;
};

void dns_reader_init(struct dns_reader *r, const void *base, size_t len);
size_t dns_reader_left(const struct dns_reader *r);
uint8_t dns_read_u8(struct dns_reader *r);
uint16_t dns_read_u16(struct dns_reader *r);
uint32_t dns_read_u32(struct dns_reader *r);
/* Two and four numbers of two bytes each, with one look at the bounds. */
void dns_read_two(struct dns_reader *r, uint16_t *a, uint16_t *b);
void dns_read_four(
    struct dns_reader *r, uint16_t *a, uint16_t *b, uint16_t *c, uint16_t *d);
/* n bytes in place, or NULL (failed is set). n may be 0. */
const uint8_t *dns_read_bytes(struct dns_reader *r, size_t n);
void dns_read_skip(struct dns_reader *r, size_t n);

/*
 * A name (RFC 1035 3.1, 4.1.4) at the reader's place, uncompressed into name
 * (DNS_NAME_MAX bytes; may be NULL: then only checked), its length into *len.
 * A pointer must go back, before the place where the name that holds it
 * began, each further one before the last: so it ends. The labels it points to
 * must end before that place too: so nothing behind a name is part of it. Nor
 * may it go into the header, which changes on the way, and there are no more
 * than 128 pointers in a name. Label types other than 00 and 11 fail. With
 * compression false, a pointer fails too.
 */
void dns_read_name(
    struct dns_reader *r, uint8_t *name, uint8_t *len, bool compression);

struct dns_writer {
	uint8_t *base;
	size_t cap;
	size_t pos; /* <= cap */
	bool failed;
};

void dns_writer_init(struct dns_writer *w, void *base, size_t cap);
void dns_write_u8(struct dns_writer *w, uint8_t v);
void dns_write_u16(struct dns_writer *w, uint16_t v);
void dns_write_u32(struct dns_writer *w, uint32_t v);
void dns_write_two(struct dns_writer *w, uint16_t a, uint16_t b);
void dns_write_four(
    struct dns_writer *w, uint16_t a, uint16_t b, uint16_t c, uint16_t d);
void dns_write_bytes(struct dns_writer *w, const void *p, size_t n);
void dns_write_zeroes(struct dns_writer *w, size_t n);
/* Overwrites two bytes already written at pos (an RDLENGTH, a count). */
void dns_write_u16_at(struct dns_writer *w, size_t pos, uint16_t v);
/* Likewise four bytes: to v, or down by so much, but not below 0 (a TTL). */
void dns_write_u32_at(struct dns_writer *w, size_t pos, uint32_t v);
void dns_write_lower_u32_at(struct dns_writer *w, size_t pos, uint32_t by);

#endif
