/*
 * How an upstream of the config file is reached: through a proxy, by an
 * interface, from an address. A way that is refused must never leave another
 * in its place that nobody asked for.
 */
#include <stdio.h>
#include <string.h>

#include "dotproxy/log.h"

#include "parse.h"

static bool split(char[NETADDR_TEXT], const char **, const char *);

void
set_socks(struct parser *p, struct word w)
{
	struct word host = w, port = w;
	char text[NETADDR_TEXT];
	struct netaddr a;

	host.text = text;
	if (!split(text, &port.text, w.text))
		complain(p, w, "expected " AN_ENDPOINT);
	else if (!set_address(p, &a, host, port, 0))
		return;
	else if (netaddr_is_wildcard(&a))
		complain(p, w, "expected the address of a server");
	else
		p->up->socks = a;
}

void
set_socks_word(struct parser *p, char field[CONF_SOCKS_MAX], struct word w)
{
	/* RFC 1929 2: 1 to 255. */
	if (w.text[0] == '\0' || strlen(w.text) >= CONF_SOCKS_MAX)
		complain(p, w, "expected " A_SOCKS_WORD);
	else
		set_text(field, CONF_SOCKS_MAX, w.text);
}

void
set_interface(struct parser *p, struct word w)
{
	char *field = p->up->interface;

	/* As the kernel takes them. It need not be there yet. */
	if (w.text[0] == '\0' || strlen(w.text) >= CONF_INTERFACE_MAX ||
	    strpbrk(w.text, "/: ") != NULL || strcmp(w.text, ".") == 0 ||
	    strcmp(w.text, "..") == 0)
		complain(p, w, "expected " AN_INTERFACE);
	else
		set_text(field, CONF_INTERFACE_MAX, w.text);
}

void
set_source(struct parser *p, struct word w)
{
	const struct word none = { NULL, w.line };
	struct netaddr a, *field;

	if (!set_address(p, &a, w, none, 0))
		return;
	field = a.family == 4 ? &p->up->source4 : &p->up->source6;
	if (netaddr_is_wildcard(&a))
		complain(p, w, "expected an address of this machine");
	else if (field->family != 0)
		complain(p, w, "there is an IPv%u source already", a.family);
	else
		*field = a;
}

void
check_passwords(const struct parser *p)
{
	uint32_t i;

	for (i = 0; i < p->conf->nupstream; i++)
		if (p->readable &&
		    p->conf->upstream[i].socks_password[0] != '\0') {
			log_warnx("%s: has a password in it, and everyone may "
				  "read it; fix with chmod o-r",
			    p->path);
			return;
		}
}

/* "address:port", or "[address]:port", which an IPv6 address needs. */
static bool
split(char host[NETADDR_TEXT], const char **port, const char *text)
{
	const char *colon = strrchr(text, ':'), *end = colon;

	if (colon == NULL)
		return false;
	if (*text == '[') {
		text++;
		end--;
		if (end < text || *end != ']' || strchr(text, ':') == colon)
			return false;
	} else if (strchr(text, ':') != colon)
		return false;
	if (end - text >= NETADDR_TEXT)
		return false;
	memcpy(host, text, (size_t)(end - text));
	host[end - text] = '\0';
	*port = colon + 1;
	return true;
}
