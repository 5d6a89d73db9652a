/*
 * Checks of what the config file's words say: numbers, addresses, names. A
 * value out of bounds must never get into a config.
 */
#include <stdio.h>
#include <string.h>

#include "parse.h"

/* Whether this is the first time; says so when it is not. */
bool
once(struct parser *p, struct word w, int *line)
{
	if (*line != 0) {
		complain(p, w, "given twice, first on line %d", *line);
		return false;
	}
	*line = w.line;
	return true;
}

void
set_number(struct parser *p, uint32_t *n, struct word w, uint32_t least,
    uint32_t most, const char *expected)
{
	if (!parse_number(w.text, least, most, n))
		complain(p, w, "expected %s", expected);
}

/* A number, and perhaps one of the letters. */
void
set_scaled(struct parser *p, uint32_t *n, struct word w,
    const struct config_scale *scale, uint32_t least, uint32_t most,
    const char *expected)
{
	char digits[16];
	size_t len = strlen(w.text);
	uint32_t by = 1, v;

	for (; len > 0 && scale->letter != '\0'; scale++)
		if (w.text[len - 1] == scale->letter) {
			by = scale->by;
			len--;
			break;
		}
	if (len < sizeof(digits)) {
		memcpy(digits, w.text, len);
		digits[len] = '\0';
		if (parse_number(digits, 0, most / by, &v) && v * by >= least) {
			*n = v * by;
			return;
		}
	}
	complain(p, w, "expected %s", expected);
}

/* An address that a socket can be bound or connected to. */
bool
set_address(struct parser *p, struct netaddr *a, struct word w,
    struct word port, uint16_t usual)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint32_t n = usual;

	if (!netaddr_parse(a, w.text)) {
		complain(p, w, "expected " AN_ADDRESS);
		return false;
	}
	if (port.text != NULL && !parse_number(port.text, 1, 65535, &n)) {
		complain(p, port, "expected " A_PORT);
		return false;
	}
	a->port = (uint16_t)n;
	if (a->family == 4 ? a->bytes[0] >= 224 : a->bytes[0] == 0xff)
		complain(p, w, "expected the address of one host");
	else if (a->family == 6 && memcmp(a->bytes, mapped, 12) == 0)
		complain(
		    p, w, "expected the IPv4 address itself, without ::ffff:");
	else if (a->family == 6 && a->scope == 0 && a->bytes[0] == 0xfe &&
	    (a->bytes[1] & 0xc0) == 0x80)
		complain(
		    p, w, "expected %%interface after a link-local address");
	else
		return true;
	return false;
}

/* Over the whole of a field, so that equal configs are equal bytes. */
void
set_text(char *field, size_t size, const char *text)
{
	memset(field, 0, size);
	(void)snprintf(field, size, "%s", text);
}

bool
parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *n)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || value < least || value > most)
		return false;
	*n = (uint32_t)value;
	return true;
}

/* A user's or an upstream's: it goes into logs as it is. */
bool
is_name(const char *text, size_t size)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (!is_macro_char(text[i], false) &&
		    (i == 0 || strchr("-.", text[i]) == NULL))
			return false;
	return i > 0 && i < size;
}

/* RFC 1123 section 2.1: letters, digits, hyphens; the last label has a
 * letter, or it is an address gone wrong. */
bool
is_host(const char *text)
{
	size_t i, label = 0;
	bool letter = false;

	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			letter = false;
			continue;
		}
		if (text[i] == '-'
			? label == 0
			: text[i] == '_' || !is_macro_char(text[i], false))
			return false;
		letter |= is_macro_char(text[i], true);
		if (++label > 63)
			return false;
	}
	return label > 0 && letter && text[i - 1] != '-' && i <= 253;
}

/* What a word of the file can hold. */
bool
is_plain(const char *text)
{
	const char *c = text;

	while (*c >= ' ' && *c <= '~')
		c++;
	return *c == '\0' && c - text < WORD_SIZE;
}
