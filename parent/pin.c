/*
 * Pins as text: "sha256/" and the base64 of 32 bytes (RFC 7469's form). It
 * must never take a text that another text also stands for.
 */
#include <string.h>

#include "config.h"

#define PREFIX	   "sha256/"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define BASE64_LEN 44

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
config_pin_parse(uint8_t pin[CONF_PIN_LEN], const char *text)
{
	uint32_t bits = 0;
	const char *digit;
	size_t i, n = 0;

	if (strlen(text) != PREFIX_LEN + BASE64_LEN ||
	    memcmp(text, PREFIX, PREFIX_LEN) != 0)
		return false;
	text += PREFIX_LEN;
	for (i = 0; i < BASE64_LEN - 1; i++) {
		digit = memchr(alphabet, text[i], sizeof(alphabet) - 1);
		if (digit == NULL)
			return false;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (i % 4 != 0)
			pin[n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	/* 43 digits carry 258 bits: the last two must be zero. */
	return text[i] == '=' && (bits & 3) == 0;
}

const char *
config_pin_text(const uint8_t pin[CONF_PIN_LEN], char buf[CONFIG_PIN_TEXT])
{
	uint32_t bits;
	size_t i, n;

	memcpy(buf, PREFIX, PREFIX_LEN);
	n = PREFIX_LEN;
	for (i = 0; i < CONF_PIN_LEN; i += 3) {
		bits = (uint32_t)pin[i] << 16 | (uint32_t)pin[i + 1] << 8;
		if (i + 2 < CONF_PIN_LEN)
			bits |= pin[i + 2];
		buf[n++] = alphabet[bits >> 18];
		buf[n++] = alphabet[bits >> 12 & 63];
		buf[n++] = alphabet[bits >> 6 & 63];
		buf[n++] = alphabet[bits & 63];
	}
	buf[n - 1] = '=';
	buf[n] = '\0';
	return buf;
}
