/*
 * What the upstream answers: made up from the name that is asked, so that no
 * zone file is needed. Any label of a name may steer:
 *
 *	nx	NXDOMAIN		big-N	TXT, a message of N bytes
 *	servfail SERVFAIL		slow-N	answered after N ms
 *	ede	SERVFAIL with EDE 6	ttl-N	a TTL of N seconds
 *	tc	truncated		ad	says AD
 *
 * Otherwise A, AAAA and TXT have a record derived from the name, and any
 * other type has none.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "upstream.h"

#define TYPE_A	       1
#define TYPE_SOA       6
#define TYPE_TXT       16
#define TYPE_AAAA      28
#define TYPE_OPT       41

#define OPTION_ECS     8
#define OPTION_PADDING 12
#define OPTION_EDE     15

#define FLAG_QR	       0x8000
#define FLAG_TC	       0x0200
#define FLAG_RD	       0x0100
#define FLAG_RA	       0x0080
#define FLAG_AD	       0x0020
#define FLAG_CD	       0x0010

#define SERVFAIL       2
#define NXDOMAIN       3

/* RFC 8467: what an answer is padded to. */
#define PAD_BLOCK 468

struct writer {
	uint8_t *buf;
	size_t len;
};

static bool read_name(struct asked *, const uint8_t *, size_t, size_t *);
static bool read_additional(struct asked *, const uint8_t *, size_t, size_t);
static void read_options(struct asked *, const uint8_t *, size_t);
static bool steer(const struct asked *, const char *, unsigned *);
static void put_records(struct writer *, const struct asked *);
static void put_head(struct writer *, const struct asked *, uint16_t, size_t);
static void put_txt(struct writer *, const struct asked *, size_t);
static void put_soa(struct writer *);
static void put_opt(struct writer *, const struct asked *, bool, bool);
static unsigned hash(const char *);
static unsigned get16(const uint8_t *);
static void set16(uint8_t *, size_t);
static void put8(struct writer *, unsigned);
static void put16(struct writer *, size_t);
static void put32(struct writer *, uint32_t);
static void put_bytes(struct writer *, const void *, size_t);

bool
zone_read(struct asked *asked, const uint8_t *msg, size_t len)
{
	size_t at = 12;

	memset(asked, 0, sizeof(*asked));
	if (len < 12)
		return false;
	asked->id = (uint16_t)get16(msg);
	asked->flags = (uint16_t)get16(msg + 2);
	if ((asked->flags & FLAG_QR) != 0 || get16(msg + 4) != 1 ||
	    get16(msg + 6) != 0 || get16(msg + 8) != 0)
		return false;
	if (!read_name(asked, msg, len, &at) || len - at < 4)
		return false;
	asked->type = (uint16_t)get16(msg + at);
	asked->class = (uint16_t)get16(msg + at + 2);
	asked->question_end = at + 4;
	steer(asked, "slow-", &asked->slow);
	return read_additional(asked, msg, len, at + 4);
}

size_t
zone_answer(
    const struct asked *asked, const uint8_t *msg, uint8_t *out, bool servfail)
{
	struct writer w = { out, 0 };
	uint16_t flags;
	unsigned n;
	bool ede, nx, big;

	flags = FLAG_QR | FLAG_RA | (asked->flags & (FLAG_RD | FLAG_CD));
	put_bytes(&w, msg, asked->question_end);
	memset(out + 6, 0, 6);
	ede = steer(asked, "ede", NULL);
	nx = steer(asked, "nx", NULL);
	big = steer(asked, "big-", &n);
	if (servfail || ede || steer(asked, "servfail", NULL))
		flags |= SERVFAIL;
	else if (steer(asked, "tc", NULL))
		flags |= FLAG_TC;
	else if (nx) {
		flags |= NXDOMAIN;
		put_soa(&w);
	} else
		put_records(&w, asked);
	if (steer(asked, "ad", NULL))
		flags |= FLAG_AD;
	if (asked->opt)
		put_opt(&w, asked, ede && !servfail, !big);
	set16(out + 2, flags);
	return w.len;
}

/* A name of a question is never compressed. */
static bool
read_name(struct asked *asked, const uint8_t *msg, size_t len, size_t *at)
{
	size_t i, label, out = 0, start = *at;

	for (;;) {
		if (*at >= len || *at - start > 254)
			return false;
		label = msg[(*at)++];
		if (label == 0)
			break;
		if (label > 63 || len - *at < label)
			return false;
		for (i = 0; i < label; i++, (*at)++) {
			if (isgraph(msg[*at]) && msg[*at] != '.' &&
			    msg[*at] != '\\')
				asked->name[out++] = (char)msg[*at];
			else
				out += (size_t)snprintf(asked->name + out, 5,
				    "\\%03u", (unsigned)msg[*at]);
		}
		asked->name[out++] = '.';
	}
	if (out == 0)
		asked->name[out++] = '.';
	asked->name[out] = '\0';
	return true;
}

/* An OPT or nothing. */
static bool
read_additional(struct asked *asked, const uint8_t *msg, size_t len, size_t at)
{
	size_t rdlen;

	if (get16(msg + 10) == 0)
		return at == len;
	if (get16(msg + 10) != 1 || len - at < 11 || msg[at] != 0 ||
	    get16(msg + at + 1) != TYPE_OPT)
		return false;
	asked->opt = true;
	asked->do_bit = (msg[at + 7] & 0x80) != 0;
	rdlen = get16(msg + at + 9);
	if (len - at - 11 != rdlen)
		return false;
	read_options(asked, msg + at + 11, rdlen);
	return true;
}

static void
read_options(struct asked *asked, const uint8_t *rdata, size_t len)
{
	size_t at = 0, option;

	while (len - at >= 4) {
		option = get16(rdata + at);
		if (option == OPTION_ECS)
			asked->ecs = true;
		if (option == OPTION_PADDING)
			asked->padding = true;
		option = 4 + get16(rdata + at + 2);
		if (option > len - at)
			return;
		at += option;
	}
}

/*
 * Whether a label of the name is this word, or, for a word that ends in '-',
 * this word and a number.
 */
static bool
steer(const struct asked *asked, const char *word, unsigned *number)
{
	const char *label, *dot;
	char *end;
	size_t len = strlen(word);

	for (label = asked->name; *label != '\0' && *label != '.';
	     label = dot + 1) {
		if ((dot = strchr(label, '.')) == NULL)
			break;
		if (strncasecmp(label, word, len) != 0)
			continue;
		if (number == NULL) {
			if (label + len == dot)
				return true;
			continue;
		}
		if (!isdigit((unsigned char)label[len]))
			continue;
		*number = (unsigned)strtoul(label + len, &end, 10);
		if (end == dot)
			return true;
		*number = 0;
	}
	return false;
}

static void
put_records(struct writer *w, const struct asked *asked)
{
	static const uint8_t net4[] = { 192, 0, 2 };
	static const uint8_t net6[15] = { 0x20, 0x01, 0x0d, 0xb8 };
	unsigned n;

	switch (asked->type) {
	case TYPE_A:
		put_head(w, asked, TYPE_A, 4);
		put_bytes(w, net4, sizeof(net4));
		put8(w, 1 + hash(asked->name) % 254);
		break;
	case TYPE_AAAA:
		put_head(w, asked, TYPE_AAAA, 16);
		put_bytes(w, net6, sizeof(net6));
		put8(w, 1 + hash(asked->name) % 254);
		break;
	case TYPE_TXT:
		/* 12 bytes of the record go before the data, 11 are OPT. */
		if (steer(asked, "big-", &n)) {
			n = n > MESSAGE_MAX ? MESSAGE_MAX : n;
			n = n > w->len + 24 ? n - (unsigned)w->len - 12 : 12;
			put_txt(w, asked, asked->opt ? n - 11 : n);
		} else
			put_txt(w, asked, 1 + strlen("a text"));
		break;
	default:
		put_soa(w);
		break;
	}
}

/* The record's start; counted as an answer. */
static void
put_head(
    struct writer *w, const struct asked *asked, uint16_t type, size_t rdlen)
{
	unsigned ttl = 300;

	steer(asked, "ttl-", &ttl);
	w->buf[7] = 1;
	put16(w, 0xc00c);
	put16(w, type);
	put16(w, asked->class);
	put32(w, ttl);
	put16(w, rdlen);
}

static void
put_txt(struct writer *w, const struct asked *asked, size_t rdlen)
{
	static const char text[] = "a text";
	size_t i, chunk;

	put_head(w, asked, TYPE_TXT, rdlen);
	for (; rdlen > 0; rdlen -= chunk) {
		chunk = rdlen > 256 ? 256 : rdlen;
		put8(w, (unsigned)chunk - 1);
		for (i = 0; i + 1 < chunk; i++)
			put8(w, (unsigned char)text[i % (sizeof(text) - 1)]);
	}
}

/* The root's, for what does not exist; counted as authority. */
static void
put_soa(struct writer *w)
{
	w->buf[9] = 1;
	put8(w, 0);
	put16(w, TYPE_SOA);
	put16(w, 1);
	put32(w, 60);
	put16(w, 22);
	put16(w, 0); /* both names are the root */
	put32(w, 1);
	put32(w, 3600);
	put32(w, 600);
	put32(w, 86400);
	put32(w, 60);
}

static void
put_opt(struct writer *w, const struct asked *asked, bool ede, bool pad)
{
	static const char text[] = "bogus, says the upstream";
	size_t rdlen_at, over;

	w->buf[11] = 1;
	put8(w, 0);
	put16(w, TYPE_OPT);
	put16(w, 1232);
	put32(w, asked->do_bit ? 0x8000 : 0);
	rdlen_at = w->len;
	put16(w, 0);
	if (ede) {
		put16(w, OPTION_EDE);
		put16(w, 2 + strlen(text));
		put16(w, 6);
		put_bytes(w, text, strlen(text));
	}
	if (pad) {
		put16(w, OPTION_PADDING);
		over = (w->len + 2) % PAD_BLOCK;
		over = over == 0 ? 0 : PAD_BLOCK - over;
		put16(w, over);
		memset(w->buf + w->len, 0, over);
		w->len += over;
	}
	set16(w->buf + rdlen_at, w->len - rdlen_at - 2);
}

/* FNV-1a, of the name in lower case. */
static unsigned
hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned)tolower((unsigned char)*name)) * 16777619U;
	return h;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
set16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put8(struct writer *w, unsigned v)
{
	w->buf[w->len++] = (uint8_t)v;
}

static void
put16(struct writer *w, size_t v)
{
	set16(w->buf + w->len, v);
	w->len += 2;
}

static void
put32(struct writer *w, uint32_t v)
{
	put16(w, v >> 16);
	put16(w, v & 0xffff);
}

static void
put_bytes(struct writer *w, const void *p, size_t len)
{
	memcpy(w->buf + w->len, p, len);
	w->len += len;
}
