/*
 * Domain names of the config, as text and on the wire. It must never make of a
 * text a name that could not be printed as it.
 */
#include "config.h"

#define LABEL_MAX 63
#define WIRE_MAX  CONF_ZONE_NAME_MAX

/* Hosts have letters, digits and hyphens, other owners underscores; '*' would
 * say what is not done here. */
size_t
config_name_parse(uint8_t *wire, const char *text)
{
	size_t len = 0, label;
	char c;

	do {
		for (label = 0; (c = text[label]) != '.' && c != '\0';
		     label++) {
			if (c >= 'A' && c <= 'Z')
				c = (char)(c - 'A' + 'a');
			if (label == LABEL_MAX || len + label + 3 > WIRE_MAX ||
			    !((c >= 'a' && c <= 'z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '_'))
				return 0;
			wire[len + 1 + label] = (uint8_t)c;
		}
		if (label == 0)
			return 0;
		wire[len] = (uint8_t)label;
		len += 1 + label;
		text += label + (text[label] == '.');
	} while (*text != '\0');
	wire[len] = 0;
	return len + 1;
}

void
config_name_print(const uint8_t *wire, FILE *out)
{
	const char *dot = "\"";

	for (; *wire != 0; wire += 1 + *wire) {
		fprintf(out, "%s%.*s", dot, *wire, (const char *)wire + 1);
		dot = ".";
	}
	fputc('"', out);
}
