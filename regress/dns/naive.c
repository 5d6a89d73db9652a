/* A second decoder of DNS messages, for tests. */
#include <string.h>

#include "naive.h"

struct rr {
	uint8_t owner[255];
	size_t owner_len;
	size_t owner_place; /* how long it is where it stands */
	unsigned int type, class;
	uint32_t ttl;
	size_t rdata, end;
};

static unsigned int
word(const uint8_t *msg, size_t at)
{
	return msg[at] * 256u + msg[at + 1];
}

/*
 * The name at `at`, appended to out. Returns how many bytes it takes where it
 * stands, or 0 if it is malformed: reaching beyond end, a pointer to a name
 * that is not wholly before `before`, above 255 bytes, more than 128 pointers.
 */
static size_t
name(const uint8_t *msg, size_t at, size_t end, size_t before, int depth,
    uint8_t *out, size_t *out_len)
{
	size_t rest, to, label;

	if (at >= end)
		return 0;
	label = msg[at];
	if (label >= 192) {
		if (at + 2 > end || depth == 128)
			return 0;
		to = word(msg, at) - 0xc000u;
		if (to < 12 || to >= before)
			return 0;
		return name(msg, to, before, to, depth + 1, out, out_len) == 0
		    ? 0
		    : 2;
	}
	if (label >= 64 || at + 1 + label > end || *out_len + 1 + label > 255)
		return 0;
	memcpy(out + *out_len, msg + at, label + 1);
	*out_len += label + 1;
	if (label == 0)
		return 1;
	rest = name(msg, at + 1 + label, end, before, depth, out, out_len);
	return rest == 0 ? 0 : rest + 1 + label;
}

static void
mix(uint64_t *hash, const uint8_t *p, size_t n, bool fold)
{
	uint8_t c;

	for (; n > 0; n--, p++) {
		c = *p;
		if (fold && c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		*hash = (*hash ^ c) * 0x100000001b3;
	}
	*hash = (*hash ^ 0x100) * 0x100000001b3;
}

/* RDATA by type: a letter for each field, as few types as may be compressed. */
static const char *
fields(unsigned int type)
{
	static const struct {
		unsigned int type;
		const char *fields;
	} table[] = { { 2, "N" }, { 3, "N" }, { 4, "N" }, { 5, "N" },
		{ 6, "NNbbbbbbbbbbbbbbbbbbbb" }, { 7, "N" }, { 8, "N" },
		{ 9, "N" }, { 12, "N" }, { 14, "NN" }, { 15, "bbN" },
		{ 17, "NN" }, { 18, "bbN" }, { 21, "bbN" },
		{ 24, "bbbbbbbbbbbbbbbbbbNR" }, { 26, "bbNN" }, { 30, "NR" },
		{ 33, "bbbbbbN" }, { 35, "bbbbSSSN" } };
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].type == type)
			return table[i].fields;
	return "R";
}

static bool
mix_rdata(uint64_t *hash, const uint8_t *msg, const struct rr *rr, bool check)
{
	const char *f = check ? fields(rr->type) : "R";
	uint8_t full[255];
	size_t at = rr->rdata, n, full_len;

	for (; *f != '\0'; f++) {
		full_len = 0;
		if (*f == 'N') {
			n = name(msg, at, rr->end, at, 0, full, &full_len);
			if (n == 0)
				return false;
			mix(hash, full, full_len, true);
			at += n;
			continue;
		}
		if (*f == 'R')
			n = rr->end - at;
		else if (*f == 'b')
			n = 1;
		else
			n = at < rr->end ? msg[at] + 1u : 1;
		if (n > rr->end - at)
			return false;
		mix(hash, msg + at, n, false);
		at += n;
	}
	return at == rr->end;
}

static bool
record(struct rr *rr, const uint8_t *msg, size_t at, size_t len)
{
	rr->owner_len = 0;
	rr->owner_place = name(msg, at, len, at, 0, rr->owner, &rr->owner_len);
	at += rr->owner_place;
	if (rr->owner_place == 0 || len - at < 10)
		return false;
	rr->type = word(msg, at);
	rr->class = word(msg, at + 2);
	rr->ttl = (uint32_t)word(msg, at + 4) << 16 | word(msg, at + 6);
	rr->rdata = at + 10;
	rr->end = rr->rdata + word(msg, at + 8);
	return rr->end <= len;
}

static bool
opt(struct naive *n, const struct rr *rr, const uint8_t *msg, int section)
{
	size_t at;

	if (section != 3 || n->opts > 0 || rr->owner_place != 1)
		return false;
	for (at = rr->rdata; at < rr->end; at += 4 + word(msg, at + 2))
		if (rr->end - at < 4 || rr->end - at - 4 < word(msg, at + 2))
			return false;
	n->opts++;
	n->opt_size = (uint16_t)rr->class;
	n->opt_ttl = rr->ttl;
	n->opt_at = rr->rdata;
	n->opt_len = rr->end - rr->rdata;
	return true;
}

void
naive_decode(struct naive *n, const uint8_t *msg, size_t len, bool rdata)
{
	size_t at, i, took;
	int section;
	struct rr rr;

	memset(n, 0, sizeof(*n));
	if (len < 12)
		return;
	n->id = (uint16_t)word(msg, 0);
	n->flags = (uint16_t)word(msg, 2);
	for (i = 0; i < 4; i++)
		n->count[i] = (uint16_t)word(msg, 4 + 2 * i);
	/* No pointer is before byte 12: so none is taken here. */
	at = 12;
	if (n->count[0] != 0) {
		took = name(msg, 12, len, 12, 0, n->qname, &n->qname_len);
		if (n->count[0] != 1 || took == 0 || len - 12 - took < 4) {
			n->qname_len = 0;
			return;
		}
		at = 12 + took;
		n->qtype = (uint16_t)word(msg, at);
		n->qclass = (uint16_t)word(msg, at + 2);
		n->question_ok = true;
		at += 4;
	}
	for (section = 1; section < 4; section++) {
		for (i = 0; i < n->count[section]; i++) {
			if (!record(&rr, msg, at, len))
				return;
			at = rr.end;
			if (rr.type == 41) {
				if (!opt(n, &rr, msg, section))
					return;
				continue;
			}
			n->records[section]++;
			mix(&n->hash[section], rr.owner, rr.owner_len, true);
			mix(&n->hash[section], msg + rr.rdata - 10, 8, false);
			if (!mix_rdata(&n->hash[section], msg, &rr, rdata))
				return;
		}
	}
	n->ok = at == len;
}

const uint8_t *
naive_option(const struct naive *n, const uint8_t *msg, unsigned int code,
    unsigned int nth, size_t *len)
{
	size_t at, end = n->opt_at + n->opt_len;

	if (n->opts == 0)
		return NULL;
	for (at = n->opt_at; at < end; at += 4 + *len) {
		*len = word(msg, at + 2);
		if (word(msg, at) == code && nth-- == 0)
			return msg + at + 4;
	}
	return NULL;
}
