/*
 * The upstreams that are known by name: what a config would have to say of
 * each. One without pins must still have a name, which its certificate is for.
 */
#include <stdio.h>
#include <string.h>

#include "dotproxy/log.h"

#include "config.h"

#define NITEMS(a) (sizeof(a) / sizeof((a)[0]))

/* SSL.com Root Certification Authority ECC and RSA. */
#define SSL_COM                                                                \
	"sha256/oyD01TTXvpfBro3QSZc1vIlcMjrdLTiL/M9mLCPX+Zo=",                 \
	    "sha256/0cRTd+vc1hjNFlHcLgLCHXUeWqn80bNDH/bs9qMTSPo="
/* DigiCert Global Root CA, G2 and G3. */
#define DIGICERT                                                               \
	"sha256/r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=",                 \
	    "sha256/i7WTqTvh0OioIruIfFR4kMPnBqrS2rdiVPl/s2uC/CY=",             \
	    "sha256/uUwZgwDOxcBXrQcntwu+kYFpkiVkOaezL0WYEZ3anJc="

/*
 * Leaves and intermediates rotate without notice, so the pins are roots: all
 * that have stood behind the upstream, now and before.
 */
static const char *const cloudflare_pins[] = { SSL_COM, DIGICERT, NULL };
static const char *const quad9_pins[] = { DIGICERT, NULL };

/* As it would stand in a config file; the first is the default. */
static const struct builtin {
	const char *name, *host;
	const char *address[CONF_ADDRESSES_MAX];
	const char *const *pin; /* NULL: by chain and name alone */
} builtins[] = {
	{ "cloudflare", "one.one.one.one",
	    { "1.1.1.1", "1.0.0.1", "2606:4700:4700::1111",
		"2606:4700:4700::1001" },
	    cloudflare_pins },
	{ "cloudflare-security", "security.cloudflare-dns.com",
	    { "1.1.1.2", "1.0.0.2", "2606:4700:4700::1112",
		"2606:4700:4700::1002" },
	    cloudflare_pins },
	{ "cloudflare-family", "family.cloudflare-dns.com",
	    { "1.1.1.3", "1.0.0.3", "2606:4700:4700::1113",
		"2606:4700:4700::1003" },
	    cloudflare_pins },
	{ "quad9", "dns.quad9.net",
	    { "9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9" },
	    quad9_pins },
	{ "quad9-unsecured", "dns10.quad9.net",
	    { "9.9.9.10", "149.112.112.10", "2620:fe::10", "2620:fe::fe:10" },
	    quad9_pins },
	{ "quad9-ecs", "dns11.quad9.net",
	    { "9.9.9.11", "149.112.112.11", "2620:fe::11", "2620:fe::fe:11" },
	    quad9_pins },
	{ "cleanbrowsing-family", "family-filter-dns.cleanbrowsing.org",
	    { "185.228.168.168", "185.228.169.168",
		"2a0d:2a00:1::", "2a0d:2a00:2::" },
	    NULL },
	{ "cleanbrowsing-adult", "adult-filter-dns.cleanbrowsing.org",
	    { "185.228.168.10", "185.228.169.11", "2a0d:2a00:1::1",
		"2a0d:2a00:2::1" },
	    NULL },
	{ "cleanbrowsing-security", "security-filter-dns.cleanbrowsing.org",
	    { "185.228.168.9", "185.228.169.9", "2a0d:2a00:1::2",
		"2a0d:2a00:2::2" },
	    NULL },
};

static void upstream_build(struct conf_upstream *, const struct builtin *);

const struct conf_upstream *
config_builtin(const char *name)
{
	static struct conf_upstream built[NITEMS(builtins)];
	size_t i;

	for (i = 0; i < NITEMS(builtins); i++) {
		if (strcmp(name, builtins[i].name) != 0)
			continue;
		if (!built[i].builtin)
			upstream_build(&built[i], &builtins[i]);
		return &built[i];
	}
	return NULL;
}

static void
upstream_build(struct conf_upstream *up, const struct builtin *b)
{
	uint32_t n;

	(void)snprintf(up->name, sizeof(up->name), "%s", b->name);
	(void)snprintf(up->host, sizeof(up->host), "%s", b->host);
	for (n = 0; n < CONF_ADDRESSES_MAX && b->address[n] != NULL; n++) {
		if (!netaddr_parse(&up->address[n], b->address[n]))
			fatalx("%s: bad address %s", b->name, b->address[n]);
		up->address[n].port = CONF_TLS_PORT;
	}
	up->naddress = n;
	for (n = 0; n < CONF_PINS_MAX && b->pin != NULL && b->pin[n] != NULL;
	     n++)
		if (!config_pin_parse(up->pin[n], b->pin[n]))
			fatalx("%s: bad pin %s", b->name, b->pin[n]);
	up->npin = n;
	up->builtin = true;
}
