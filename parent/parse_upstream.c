/*
 * Upstreams of the config file. One that would trust anyone must never get into
 * a config.
 */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"

void
begin_upstream(struct parser *p, struct word w)
{
	struct conf *conf = p->conf;
	const struct conf_upstream *builtin = config_builtin(w.text);

	p->up = &p->discard;
	p->up_word = w;
	p->up_errors = p->errors;
	p->own_address = p->own_pin = false;
	p->seen.name = p->seen.ca = p->seen.via = p->seen.interface = 0;
	memset(p->up, 0, sizeof(*p->up));
	if (!is_name(w.text, CONF_NAME_MAX))
		complain(p, w,
		    "expected a name of letters, digits, '.', '-' and '_'");
	else if (find_upstream(conf, w.text) != -1)
		complain(p, w, "this upstream is defined twice");
	else if (conf->nupstream == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(
			CONF_UPSTREAMS_MAX) " upstreams");
	else
		p->up = &conf->upstream[conf->nupstream++];
	if (builtin != NULL)
		*p->up = *builtin;
	else if (p->up != &p->discard)
		set_text(p->up->name, sizeof(p->up->name), w.text);
}

void
set_plain(struct parser *p)
{
	if (p->up->builtin)
		complain(p, p->up_word,
		    "a built-in upstream is asked over TLS only");
	else
		p->up->plain = true;
}

void
end_upstream(struct parser *p)
{
	if (p->errors != p->up_errors)
		return;
	if (p->up->naddress == 0)
		complain(p, p->up_word, "the upstream has no address");
	if (!p->up->plain && p->up->host[0] == '\0' && p->up->npin == 0)
		complain(p, p->up_word,
		    "the upstream would trust anyone: give it a name, a pin "
		    "or both");
}

bool
is_for_tls(struct parser *p, struct word w)
{
	if (p->up->plain)
		complain(p, w,
		    "a plain upstream shows no certificate, and is asked "
		    "directly: it has no name, ca, pin or via");
	return !p->up->plain;
}

void
add_address(struct parser *p, struct word w, struct word port)
{
	struct conf_upstream *up = p->up;
	struct netaddr a;
	uint32_t i;

	if (!p->own_address) {
		memset(up->address, 0, sizeof(up->address));
		up->naddress = 0;
	}
	p->own_address = true;
	if (!set_address(
		p, &a, w, port, p->up->plain ? CONF_PORT : CONF_TLS_PORT))
		return;
	if (netaddr_is_wildcard(&a)) {
		complain(p, w, "expected the address of a server");
		return;
	}
	for (i = 0; i < up->naddress; i++)
		if (netaddr_equal(&up->address[i], &a)) {
			complain(p, w, "this address and port is listed twice");
			return;
		}
	if (up->naddress == CONF_ADDRESSES_MAX)
		complain(p, w,
		    "expected at most " LITERAL(
			CONF_ADDRESSES_MAX) " addresses");
	else
		up->address[up->naddress++] = a;
}

void
set_host(struct parser *p, struct word w)
{
	struct netaddr a;

	if (!is_host(w.text) && !(netaddr_parse(&a, w.text) && a.scope == 0))
		complain(p, w, "expected " A_HOST);
	else
		set_text(p->up->host, sizeof(p->up->host), w.text);
}

/* The parent opens it later; what is wrong now has a line to name. */
void
set_ca(struct parser *p, struct word w)
{
	struct stat st;
	int fd;

	if (w.text[0] != '/') {
		complain(p, w, "expected " A_PATH);
		return;
	}
	fd = open(w.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		complain(p, w, "cannot be opened: %s", strerror(errno));
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		complain(p, w, "expected a file of certificates (PEM)");
	else
		set_text(p->up->ca, sizeof(p->up->ca), w.text);
	close(fd);
}

void
add_pin(struct parser *p, struct word w)
{
	struct conf_upstream *up = p->up;
	uint8_t pin[CONF_PIN_LEN];
	uint32_t i;

	if (!p->own_pin) {
		memset(up->pin, 0, sizeof(up->pin));
		up->npin = 0;
	}
	p->own_pin = true;
	if (!config_pin_parse(pin, w.text)) {
		complain(p, w, "expected " A_PIN);
		return;
	}
	for (i = 0; i < up->npin; i++)
		if (memcmp(up->pin[i], pin, sizeof(pin)) == 0) {
			complain(p, w, "this pin is listed twice");
			return;
		}
	if (up->npin == CONF_PINS_MAX)
		complain(
		    p, w, "expected at most " LITERAL(CONF_PINS_MAX) " pins");
	else
		memcpy(up->pin[up->npin++], pin, sizeof(pin));
}

int
find_upstream(const struct conf *conf, const char *name)
{
	uint32_t i;

	for (i = 0; i < conf->nupstream; i++)
		if (strcmp(conf->upstream[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
add_builtin(struct parser *p, struct word w)
{
	const struct conf_upstream *builtin = config_builtin(w.text);

	if (builtin == NULL)
		complain(p, w, "no upstream of this name is defined");
	else if (p->conf->nupstream == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(
			CONF_UPSTREAMS_MAX) " upstreams");
	else {
		p->conf->upstream[p->conf->nupstream] = *builtin;
		return (int)p->conf->nupstream++;
	}
	return -1;
}
