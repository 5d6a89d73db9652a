/* Addresses, numeric only: nothing here ever asks a resolver. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netaddr.h"

static bool parse_scope(uint32_t *, const char *);
static size_t address_length(const struct netaddr *);

bool
netaddr_parse(struct netaddr *a, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *percent;
	size_t len;

	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, a->bytes) == 1) {
		a->family = 4;
		a->bits = 32;
		return true;
	}
	percent = strchr(text, '%');
	len = percent == NULL ? strlen(text) : (size_t)(percent - text);
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET6, host, a->bytes) != 1)
		return false;
	if (percent != NULL && !parse_scope(&a->scope, percent + 1))
		return false;
	a->family = 6;
	a->bits = 128;
	return true;
}

bool
netaddr_parse_prefix(struct netaddr *a, const char *text)
{
	char host[NETADDR_TEXT], *slash, *end;
	struct netaddr whole;
	unsigned long bits;
	size_t i;

	if (strlen(text) >= sizeof(host))
		return false;
	memcpy(host, text, strlen(text) + 1);
	slash = strchr(host, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!netaddr_parse(a, host) || a->scope != 0)
		return false;
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	errno = 0;
	bits = strtoul(slash + 1, &end, 10);
	if (errno != 0 || *end != '\0' || bits > a->bits)
		return false;
	whole = *a;
	a->bits = (uint8_t)bits;
	for (i = 0; i < sizeof(a->bytes); i++) {
		if (bits >= 8)
			bits -= 8;
		else {
			a->bytes[i] &= (uint8_t)(0xff00 >> bits);
			bits = 0;
		}
	}
	return memcmp(a->bytes, whole.bytes, sizeof(a->bytes)) == 0;
}

bool
netaddr_is_valid(const struct netaddr *a)
{
	return (a->family == 4 && a->bits <= 32) ||
	    (a->family == 6 && a->bits <= 128);
}

bool
netaddr_in_prefix(const struct netaddr *prefix, const struct netaddr *a)
{
	size_t whole = prefix->bits / 8, rest = prefix->bits % 8;
	uint8_t mask = (uint8_t)(0xff00 >> rest);

	if (prefix->family != a->family ||
	    memcmp(prefix->bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    ((prefix->bytes[whole] ^ a->bytes[whole]) & mask) == 0;
}

bool
netaddr_is_link_local(const struct netaddr *a)
{
	return a->family == 6 && a->bytes[0] == 0xfe &&
	    (a->bytes[1] & 0xc0) == 0x80;
}

bool
netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family && a->port == b->port &&
	    a->scope == b->scope &&
	    memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool
netaddr_is_wildcard(const struct netaddr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

socklen_t
netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->family == 4) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(a->port);
		memcpy(&sin->sin_addr, a->bytes, 4);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(a->port);
	sin6->sin6_scope_id = a->scope;
	memcpy(&sin6->sin6_addr, a->bytes, 16);
	return sizeof(*sin6);
}

bool
netaddr_from_sockaddr(struct netaddr *a, const struct sockaddr *sa)
{
	const struct sockaddr_in *sin = (const void *)sa;
	const struct sockaddr_in6 *sin6 = (const void *)sa;

	memset(a, 0, sizeof(*a));
	if (sa->sa_family == AF_INET) {
		a->family = 4;
		a->bits = 32;
		a->port = ntohs(sin->sin_port);
		memcpy(a->bytes, &sin->sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	a->family = 6;
	a->bits = 128;
	a->port = ntohs(sin6->sin6_port);
	a->scope = sin6->sin6_scope_id;
	memcpy(a->bytes, &sin6->sin6_addr, 16);
	return true;
}

const char *
netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	size_t used;

	if (inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, buf,
		NETADDR_TEXT) == NULL)
		(void)snprintf(buf, NETADDR_TEXT, "?");
	used = strlen(buf);
	if (a->scope != 0)
		(void)snprintf(buf + used, NETADDR_TEXT - used, "%%%u",
		    (unsigned int)a->scope);
	return buf;
}

const char *
netaddr_port_text(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	size_t used;

	used = strlen(netaddr_text(a, buf));
	(void)snprintf(
	    buf + used, NETADDR_TEXT - used, " port %u", (unsigned int)a->port);
	return buf;
}

const char *
netaddr_prefix_text(const struct netaddr *a, char buf[NETADDR_TEXT])
{
	size_t used;

	used = strlen(netaddr_text(a, buf));
	if (a->bits != address_length(a) * 8)
		(void)snprintf(buf + used, NETADDR_TEXT - used, "/%u",
		    (unsigned int)a->bits);
	return buf;
}

static size_t
address_length(const struct netaddr *a)
{
	return a->family == 4 ? 4 : 16;
}

static bool
parse_scope(uint32_t *scope, const char *text)
{
	unsigned long n;
	char *end;

	*scope = if_nametoindex(text);
	if (*scope != 0)
		return true;
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || n == 0 || n > UINT32_MAX)
		return false;
	*scope = (uint32_t)n;
	return true;
}
