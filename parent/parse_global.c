/*
 * Settings of the config file that are no upstream's. Nothing is set by halves:
 * what is refused leaves the config as it was.
 */
#include <stdio.h>
#include <string.h>

#include "parse.h"

static bool listens_on(const struct conf *conf, uint32_t i,
    const struct netaddr *a, uint16_t port);

/* In whole pages, as memory is had: the size is a bound, so rounded down. */
void
set_cache_size(struct parser *p, struct word w)
{
	uint32_t *n = &p->conf->cache_size;

	set_scaled(p, n, w, config_sizes, CONF_CACHE_SIZE_MIN,
	    CONF_CACHE_SIZE_MAX, A_SIZE);
	*n -= *n % CONF_CACHE_PAGE;
}

void
set_ttl(struct parser *p, uint32_t *n, struct word w)
{
	set_scaled(p, n, w, config_times, 0, CONF_TTL_LIMIT, A_TTL);
}

/* At the end: max may stand on a later line than min, which is 0 if it was not
 * given. */
void
check_ttls(struct parser *p)
{
	if (p->conf->ttl_min > p->conf->ttl_max)
		complain(p, p->ttl_min, "more than cache ttl max (%u)",
		    p->conf->ttl_max);
}

void
set_special(struct parser *p, struct word w)
{
	unsigned int number = special_number(w.text);

	if (number == SPECIALS)
		complain(p, w, "expected " A_SPECIAL);
	else if (!once(p, w, &p->seen.special[number]))
		return;
	else if (p->special)
		p->conf->special |= 1u << number;
	else
		p->conf->special &= ~(1u << number);
}

void
add_local(
    struct parser *p, struct word name, struct word type, struct word value)
{
	const char *wrong;

	wrong = config_local_add(
	    p->conf, name.text, p->local_ttl, type.text, value.text);
	if (wrong != NULL)
		complain(p, name, "%s", wrong);
}

void
set_hosts(struct parser *p, struct word w)
{
	if (w.text[0] != '/' || strlen(w.text) >= sizeof(p->conf->hosts))
		complain(p, w, "expected " A_PATH);
	else
		set_text(p->conf->hosts, sizeof(p->conf->hosts), w.text);
}

void
set_user(struct parser *p, struct word w)
{
	if (!is_name(w.text, CONF_USER_MAX))
		complain(p, w, "expected " A_USER);
	else if (strcmp(w.text, "root") == 0)
		complain(p, w, "expected " A_USER " other than root");
	else
		(void)snprintf(
		    p->conf->user, sizeof(p->conf->user), "%s", w.text);
}

void
set_chroot(struct parser *p, struct word w)
{
	if (w.text[0] != '/' || w.text[strspn(w.text, "/.")] == '\0')
		complain(p, w, "expected " A_PATH " of an empty folder");
	else
		set_text(p->conf->chroot, sizeof(p->conf->chroot), w.text);
}

void
add_listen(struct parser *p, struct word w, struct word port, struct word other)
{
	struct conf *conf = p->conf;
	struct netaddr a;
	uint32_t i, n = 0;

	if (!p->own_listen)
		conf->nlisten = 0;
	p->own_listen = true;
	if (!set_address(p, &a, w, port, CONF_PORT))
		return;
	if (other.text != NULL && !parse_number(other.text, 1, 65535, &n)) {
		complain(p, other, "expected " A_PORT);
		return;
	}
	for (i = 0; i < conf->nlisten; i++)
		if (listens_on(conf, i, &a, a.port) ||
		    listens_on(conf, i, &a, (uint16_t)n)) {
			complain(p, w, "this address and port is listed twice");
			return;
		}
	if (conf->nlisten == CONF_LISTEN_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_LISTEN_MAX) " addresses");
	else {
		conf->listen_or[conf->nlisten] = (uint16_t)n;
		conf->listen[conf->nlisten++] = a;
	}
}

/* Whether the i-th listens there already, with its one port or the other. */
static bool
listens_on(
    const struct conf *conf, uint32_t i, const struct netaddr *a, uint16_t port)
{
	struct netaddr one = conf->listen[i], wanted = *a;

	wanted.port = port;
	if (port == 0)
		return false;
	if (netaddr_equal(&one, &wanted))
		return true;
	one.port = conf->listen_or[i];
	return netaddr_equal(&one, &wanted);
}

void
begin_allow(struct parser *p)
{
	if (!p->own_allow)
		p->conf->nallow = 0;
	p->own_allow = true;
	begin_prefixes(p, p->conf->allow, &p->conf->nallow, CONF_ALLOW_MAX);
}

void
begin_prefixes(
    struct parser *p, struct netaddr *list, uint32_t *n, uint32_t max)
{
	p->into = list;
	p->ninto = n;
	p->into_max = max;
}

void
add_prefix(struct parser *p, struct word w)
{
	struct netaddr a;
	uint32_t i;

	if (!netaddr_parse_prefix(&a, w.text)) {
		complain(p, w,
		    "expected " A_PREFIX ", with no bit set beyond its length");
		return;
	}
	for (i = 0; i < *p->ninto; i++)
		if (netaddr_equal(&p->into[i], &a) &&
		    p->into[i].bits == a.bits) {
			complain(p, w, "this prefix is listed twice");
			return;
		}
	if (*p->ninto == p->into_max)
		complain(p, w, "expected at most %u prefixes", p->into_max);
	else
		p->into[(*p->ninto)++] = a;
}

/* At the end: what must agree may stand in any order. */
void
check_guards(struct parser *p)
{
	struct conf *conf = p->conf;

	if (conf->block.first > conf->block.max && p->seen.block_for != 0)
		complain(
		    p, p->block_for, "more than max (%u)", conf->block.max);
	if (conf->block.first > conf->block.max)
		conf->block.first = conf->block.max;
	if (!conf->cookies && conf->ncookies_for != 0)
		complain(p, p->cookies_for,
		    "required of somebody, and switched off");
}

void
check_tcp(struct parser *p)
{
	struct conf *conf = p->conf;

	if (conf->tcp_each <= conf->tcp_max)
		return;
	if (p->tcp_each.text != NULL)
		complain(p, p->tcp_each,
		    "more than tcp connections (%u) in all", conf->tcp_max);
	conf->tcp_each = conf->tcp_max;
}
