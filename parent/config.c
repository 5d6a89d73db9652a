/*
 * What holds when the config file is silent, or not there: the defaults, and
 * the upstreams known by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/special.h"
#include "config.h"

#define NITEMS(a) (sizeof(a) / sizeof((a)[0]))

/* A built-in upstream as it would stand in a config file. */
struct builtin {
	const char *name, *host;
	const char *address[CONF_ADDRESSES_MAX];
	const char *pin[CONF_PINS_MAX];
};

static void upstream_build(struct conf_upstream *, const struct builtin *);
static void prefix(struct conf *, const char *);

/*
 * Leaves and intermediates rotate without notice, so the pins are roots, of
 * two lineages: all that has stood behind the upstream, now and before.
 */
static const struct builtin builtins[] = {
	{ .name = "cloudflare",
	    .host = "one.one.one.one",
	    .address = { "1.1.1.1", "1.0.0.1", "2606:4700:4700::1111",
		"2606:4700:4700::1001" },
	    .pin = {
		/* SSL.com Root Certification Authority ECC */
		"sha256/oyD01TTXvpfBro3QSZc1vIlcMjrdLTiL/M9mLCPX+Zo=",
		/* SSL.com Root Certification Authority RSA */
		"sha256/0cRTd+vc1hjNFlHcLgLCHXUeWqn80bNDH/bs9qMTSPo=",
		/* DigiCert Global Root CA */
		"sha256/r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E=",
		/* DigiCert Global Root G2 */
		"sha256/i7WTqTvh0OioIruIfFR4kMPnBqrS2rdiVPl/s2uC/CY=",
		/* DigiCert Global Root G3 */
		"sha256/uUwZgwDOxcBXrQcntwu+kYFpkiVkOaezL0WYEZ3anJc=",
	    } },
};

/* Loopback, private networks, link-local and carriers' NAT: who can be a
 * neighbour, and never the Internet. */
static const char *const allow[] = { "127.0.0.0/8", "::1", "10.0.0.0/8",
	"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"fc00::/7", "fe80::/10" };

const struct config_scale config_sizes[] = { { 'K', 1u << 10 },
	{ 'M', 1u << 20 }, { 'G', 1u << 30 }, { 0, 0 } };
const struct config_scale config_times[] = { { 's', 1 }, { 'm', 60 },
	{ 'h', 3600 }, { 'd', 86400 }, { 0, 0 } };

const char *const config_policies[CONF_POLICIES] = {
	[CONF_FAILOVER] = "failover",
	[CONF_FASTEST] = "fastest",
	[CONF_ROUND_ROBIN] = "round-robin",
	[CONF_RACE] = "race",
};

struct conf *
config_load(const char *path, char *const *macros, size_t nmacros)
{
	static const char usual[] = SYSCONF "/dotproxy.conf";
	struct conf *conf;

	if (path != NULL || access(usual, F_OK) == 0)
		return config_read(
		    path != NULL ? path : usual, macros, nmacros);
	if ((conf = malloc(sizeof(*conf))) == NULL)
		fatal("malloc");
	config_default(conf);
	log_info("%s is not there: the defaults hold", usual);
	return conf;
}

bool
config_may_become(
    const struct conf *now, const struct conf *next, uint32_t tcp_most)
{
	const struct {
		const char *setting;
		bool changes;
	} fixed[] = {
		{ "workers", next->workers != now->workers },
		{ "user", strcmp(next->user, now->user) != 0 },
		{ "chroot", strcmp(next->chroot, now->chroot) != 0 },
		{ "cache size", next->cache_size != now->cache_size },
		{ "more tcp connections", next->tcp_max > tcp_most },
	};
	bool may = true;
	size_t i;

	for (i = 0; i < NITEMS(fixed); i++)
		if (fixed[i].changes) {
			log_warnx("%s: needs a restart", fixed[i].setting);
			may = false;
		}
	return may;
}

uint32_t
config_workers(const struct conf *conf)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (conf->workers != 0)
		return conf->workers;
	if (cpus < 1)
		return 1;
	return cpus > CONF_WORKERS_MAX ? CONF_WORKERS_MAX : (uint32_t)cpus;
}

void
config_default(struct conf *conf)
{
	static const char *const listen[] = { "127.0.0.1", "::1" };
	size_t i;

	memset(conf, 0, sizeof(*conf));
	(void)snprintf(conf->user, sizeof(conf->user), "%s", CONF_USER);
	(void)snprintf(conf->chroot, sizeof(conf->chroot), "%s", CONF_CHROOT);
	for (i = 0; i < NITEMS(listen); i++) {
		(void)netaddr_parse(&conf->listen[i], listen[i]);
		conf->listen[i].port = CONF_PORT;
		conf->nlisten++;
	}
	for (i = 0; i < NITEMS(allow); i++)
		prefix(conf, allow[i]);
	conf->udp_size = CONF_UDP_SIZE;
	conf->cache_size = CONF_CACHE_SIZE;
	conf->ttl_max = CONF_TTL_MAX;
	conf->ttl_negative = CONF_TTL_NEGATIVE;
	conf->stale = CONF_STALE;
	conf->special = SPECIAL_DEFAULT;
	conf->tcp_max = CONF_TCP_MAX;
	conf->tcp_each = CONF_TCP_EACH;
	conf->upstream[0] = *config_builtin(builtins[0].name);
	conf->nupstream = 1;
	conf->nused = 1;
	conf->zone[0].name_len = 1;
	conf->zone[0].nupstream = 1;
	conf->nzone = 1;
}

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
	for (n = 0; n < CONF_PINS_MAX && b->pin[n] != NULL; n++)
		if (!config_pin_parse(up->pin[n], b->pin[n]))
			fatalx("%s: bad pin %s", b->name, b->pin[n]);
	up->npin = n;
	up->builtin = true;
}

static void
prefix(struct conf *conf, const char *text)
{
	if (!netaddr_parse_prefix(&conf->allow[conf->nallow++], text))
		fatalx("bad prefix %s", text);
}
