/*
 * Questions by themselves: whether two are the same, whether one is well
 * formed, and how one reads in a log. Nothing a stranger put into a name comes
 * out of here unescaped.
 */
#include <stdio.h>
#include <string.h>

#include "dns.h"
#include "query.h"
#include "reader.h"

static uint64_t fold_word(uint64_t);
static uint8_t fold(uint8_t);
static size_t escape(char *, uint8_t);
static size_t class_text(char *, size_t, uint16_t);
static const char *type_name(uint16_t);

/* A label's length is at most 63, below 'A': so a name is folded as a whole. */
bool
dns_question_equal(const struct dns_question *a, const struct dns_question *b)
{
	size_t i;

	if (a->name_len != b->name_len || a->type != b->type ||
	    a->class != b->class)
		return false;
	for (i = 0; i < a->name_len; i++) {
		if (fold(a->name[i]) != fold(b->name[i]))
			return false;
	}
	return true;
}

void
dns_question_fold(struct dns_question *q)
{
	dns_name_fold(q->name, q->name_len);
}

void
dns_name_fold(uint8_t *name, size_t len)
{
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, name + i, sizeof(word));
		word = fold_word(word);
		memcpy(name + i, &word, sizeof(word));
	}
	for (; i < len; i++)
		name[i] = fold(name[i]);
}

/* The length of a label is no letter. */
bool
dns_name_is_folded(const uint8_t *name, size_t len)
{
	struct dns_reader r;
	uint8_t n;
	size_t i;

	dns_reader_init(&r, name, len);
	dns_read_name(&r, NULL, &n, false);
	if (r.failed || dns_reader_left(&r) != 0)
		return false;
	for (i = 0; i < len; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			return false;
	return true;
}

/* What only ends in the same letters is another domain: that must begin where
 * a label does. */
bool
dns_name_is_in(
    const uint8_t *name, size_t len, const uint8_t *domain, size_t domain_len)
{
	size_t start, at = 0;

	if (domain_len > len)
		return false;
	start = len - domain_len;
	if (memcmp(&name[start], domain, domain_len) != 0)
		return false;
	while (at < start)
		at += 1 + (size_t)name[at];
	return at == start;
}

size_t
dns_name_last(const uint8_t *name, size_t len, size_t labels)
{
	size_t at, n = 0;

	for (at = 0; at < len && name[at] != 0; at += 1 + (size_t)name[at])
		n++;
	for (at = 0; n > labels; n--)
		at += 1 + (size_t)name[at];
	return at;
}

bool
dns_question_is_valid(const struct dns_question *question)
{
	struct dns_reader r;
	uint8_t len;

	dns_reader_init(&r, question->name, question->name_len);
	dns_read_name(&r, NULL, &len, false);
	return !r.failed && dns_reader_left(&r) == 0;
}

const char *
dns_question_text(const struct dns_question *q, char buf[DNS_QUESTION_TEXT])
{
	struct dns_reader r;
	const char *type;
	uint8_t label;
	size_t used = 0;

	dns_reader_init(&r, q->name, q->name_len);
	while ((label = dns_read_u8(&r)) != 0 && label < dns_reader_left(&r)) {
		for (; label > 0; label--)
			used += escape(buf + used, dns_read_u8(&r));
		buf[used++] = '.';
	}
	if (used == 0)
		buf[used++] = q->name_len == 0 ? '?' : '.';
	used += class_text(buf + used, DNS_QUESTION_TEXT - used, q->class);
	type = type_name(q->type);
	if (type != NULL)
		(void)snprintf(
		    buf + used, DNS_QUESTION_TEXT - used, " %s", type);
	else
		(void)snprintf(buf + used, DNS_QUESTION_TEXT - used, " TYPE%u",
		    (unsigned int)q->type);
	return buf;
}

/* Eight at once: added to, a byte below 0x80 has its top bit set by 0x3f if
 * it is 'A' or more, and by 0x25 if it is more than 'Z'. */
static uint64_t
fold_word(uint64_t word)
{
	const uint64_t each = UINT64_MAX / 0xff; /* 1 in every byte */
	uint64_t low = word & 0x7f * each, letters;

	letters = (low + 0x3f * each) & ~(low + 0x25 * each) & ~word;
	return word | (letters & 0x80 * each) >> 2;
}

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* RFC 1035 5.1: \X for what a zone file reads as something else, \DDD for
 * what is not printable ASCII. At most four characters; returns how many. */
static size_t
escape(char *to, uint8_t c)
{
	if (c <= ' ' || c >= 0x7f) {
		to[0] = '\\';
		to[1] = (char)('0' + c / 100);
		to[2] = (char)('0' + c / 10 % 10);
		to[3] = (char)('0' + c % 10);
		return 4;
	}
	if (strchr(".\\\"();@$", c) != NULL) {
		to[0] = '\\';
		to[1] = (char)c;
		return 2;
	}
	to[0] = (char)c;
	return 1;
}

/* " CH" and the like; nothing for IN, which nearly every question is of. */
static size_t
class_text(char *to, size_t cap, uint16_t class)
{
	int n;

	if (class == DNS_CLASS_IN)
		return 0;
	if (class == 3)
		n = snprintf(to, cap, " CH");
	else if (class == 4)
		n = snprintf(to, cap, " HS");
	else if (class == 255)
		n = snprintf(to, cap, " ANY");
	else
		n = snprintf(to, cap, " CLASS%u", (unsigned int)class);
	return n < 0 ? 0 : (size_t)n;
}

static const char *
type_name(uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = { { 1, "A" }, { 2, "NS" }, { 5, "CNAME" }, { 6, "SOA" },
		{ 12, "PTR" }, { 13, "HINFO" }, { 15, "MX" }, { 16, "TXT" },
		{ 17, "RP" }, { 18, "AFSDB" }, { 24, "SIG" }, { 25, "KEY" },
		{ 28, "AAAA" }, { 29, "LOC" }, { 33, "SRV" }, { 35, "NAPTR" },
		{ 37, "CERT" }, { 39, "DNAME" }, { 41, "OPT" }, { 43, "DS" },
		{ 44, "SSHFP" }, { 46, "RRSIG" }, { 47, "NSEC" },
		{ 48, "DNSKEY" }, { 50, "NSEC3" }, { 51, "NSEC3PARAM" },
		{ 52, "TLSA" }, { 53, "SMIMEA" }, { 59, "CDS" },
		{ 60, "CDNSKEY" }, { 61, "OPENPGPKEY" }, { 62, "CSYNC" },
		{ 63, "ZONEMD" }, { 64, "SVCB" }, { 65, "HTTPS" },
		{ 99, "SPF" }, { 251, "IXFR" }, { 252, "AXFR" }, { 255, "ANY" },
		{ 256, "URI" }, { 257, "CAA" } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return NULL;
}
