/*
 * The names that are asked for. What a line of a file costs is paid before the
 * first question is sent.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define NAME_MAX_LEN 255

static void read_file(const char *);
static size_t put_numbered(uint8_t *);
static size_t to_wire(uint8_t *, const char *, size_t);

static char before[NAME_MAX_LEN], after[NAME_MAX_LEN];
static uint64_t first, modulo, count;

/* Names of a file: a length and the wire format of each. */
static uint8_t *bytes;
static size_t bytes_len, at;

void
names_open(const char *what, uint64_t from, uint64_t wrap)
{
	const char *mark = strstr(what, "%u");

	first = from;
	modulo = wrap == 0 ? UINT64_MAX : wrap;
	if (mark == NULL) {
		read_file(what);
		return;
	}
	if (strlen(what) > 200)
		errx(2, "%s: too long", what);
	memcpy(before, what, (size_t)(mark - what));
	memcpy(after, mark + 2, strlen(mark + 2) + 1);
}

size_t
names_next(uint8_t buf[512], uint16_t id, bool edns)
{
	static const uint8_t flags[10] = { 1, 0, 0, 1 };
	static const uint8_t opt[11] = { 0, 0, 41, 4, 208 };
	size_t len = 12;

	buf[0] = (uint8_t)(id >> 8);
	buf[1] = (uint8_t)id;
	memcpy(buf + 2, flags, sizeof(flags));
	buf[11] = edns;
	if (bytes == NULL)
		len += put_numbered(buf + len);
	else {
		memcpy(buf + len, bytes + at + 1, bytes[at]);
		len += bytes[at];
		at += bytes[at] + 1u;
		if (at == bytes_len)
			at = 0;
	}
	memcpy(buf + len, (const uint8_t[]){ 0, 1, 0, 1 }, 4);
	len += 4;
	if (edns) {
		memcpy(buf + len, opt, sizeof(opt));
		len += sizeof(opt);
	}
	return len;
}

static void
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];
	uint8_t *more;
	size_t cap = 0;

	if (f == NULL)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, " \t\r\n")] = '\0';
		if (line[0] == '\0')
			continue;
		if (cap - bytes_len <= NAME_MAX_LEN) {
			cap = cap == 0 ? 65536 : 2 * cap;
			if ((more = realloc(bytes, cap)) == NULL)
				err(1, "realloc");
			bytes = more;
		}
		bytes[bytes_len] =
		    (uint8_t)to_wire(bytes + bytes_len + 1, line, strlen(line));
		bytes_len += bytes[bytes_len] + 1u;
	}
	fclose(f);
	if (bytes_len == 0)
		errx(1, "%s: no name in it", path);
}

static size_t
put_numbered(uint8_t *wire)
{
	char digits[20], text[NAME_MAX_LEN + 20];
	uint64_t n = first + count++ % modulo;
	size_t i = sizeof(digits), len = strlen(before);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	memcpy(text, before, len);
	memcpy(text + len, digits + i, sizeof(digits) - i);
	len += sizeof(digits) - i;
	memcpy(text + len, after, strlen(after));
	return to_wire(wire, text, len + strlen(after));
}

/* Labels of at most 63, 254 bytes in all. */
static size_t
to_wire(uint8_t *wire, const char *text, size_t len)
{
	size_t i, label = 0, out = 1;

	if (len != 0 && text[len - 1] == '.')
		len--;
	if (len > NAME_MAX_LEN - 2)
		errx(1, "%s: too long for a name", text);
	for (i = 0; i <= len; i++) {
		if (i < len && text[i] != '.') {
			wire[out++] = (uint8_t)text[i];
			continue;
		}
		if (out - label - 1 == 0 || out - label - 1 > 63)
			errx(1, "%s: not a name", text);
		wire[label] = (uint8_t)(out - label - 1);
		label = out++;
	}
	wire[label] = 0;
	return label + 1;
}
