/*
 * What holds when the config file is silent, or not there, and what of it a
 * reload may change.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/special.h"
#include "config.h"

#define NITEMS(a) (sizeof(a) / sizeof((a)[0]))

static void prefix(struct netaddr *, const char *);
static bool is_same(const struct conf_upstream *, const struct conf_upstream *);

/* Loopback, private networks, link-local and carriers' NAT: who can be a
 * neighbour, and never the Internet. */
static const char *const allow[] = { "127.0.0.0/8", "::1", "10.0.0.0/8",
	"172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"fc00::/7", "fe80::/10" };

/* Who asks from here is no stranger: its limits are its own affair. */
static const char *const exempt[] = { "127.0.0.0/8", "::1" };

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

	if (path != NULL)
		return config_read(path, macros, nmacros);
	/* One that cannot be looked at may say anything. */
	if (access(usual, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return config_read(usual, macros, nmacros);
	log_info("%s is not there: the defaults hold", usual);
	return config_read(NULL, macros, nmacros);
}

int
config_check(const struct conf *conf, bool print)
{
	struct config_files files;

	if (config_files_open(&files, conf) == -1)
		return 1;
	config_files_close(&files);
	if (print)
		config_print(conf, stdout);
	else
		(void)fprintf(stderr, "configuration OK\n");
	return fflush(stdout) == EOF;
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
		{ "block kernel", next->block_kernel != now->block_kernel },
		{ "limit memory", next->limit.memory != now->limit.memory },
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

bool
config_asks_elsewhere(const struct conf *now, const struct conf *next)
{
	const struct conf_zone *a, *b;
	uint32_t i;

	if (now->nzone != next->nzone || now->nused != next->nused)
		return true;
	for (i = 0; i < now->nzone; i++) {
		a = &now->zone[i];
		b = &next->zone[i];
		if (a->name_len != b->name_len ||
		    memcmp(a->name, b->name, a->name_len) != 0 ||
		    a->nupstream != b->nupstream ||
		    memcmp(a->upstream, b->upstream, a->nupstream) != 0)
			return true;
	}
	for (i = 0; i < now->nused; i++)
		if (!is_same(&now->upstream[i], &next->upstream[i]))
			return true;
	return false;
}

/* But for what the config calls it, and a proxy's password. */
static bool
is_same(const struct conf_upstream *a, const struct conf_upstream *b)
{
	uint32_t i;

	if (a->naddress != b->naddress || a->npin != b->npin ||
	    a->plain != b->plain || strcmp(a->host, b->host) != 0 ||
	    strcmp(a->ca, b->ca) != 0 ||
	    strcmp(a->interface, b->interface) != 0 ||
	    !netaddr_equal(&a->source4, &b->source4) ||
	    !netaddr_equal(&a->source6, &b->source6) ||
	    !netaddr_equal(&a->socks, &b->socks) ||
	    memcmp(a->pin, b->pin, a->npin * sizeof(a->pin[0])) != 0)
		return false;
	for (i = 0; i < a->naddress; i++)
		if (!netaddr_equal(&a->address[i], &b->address[i]))
			return false;
	return true;
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
		prefix(&conf->allow[conf->nallow++], allow[i]);
	conf->udp_size = CONF_UDP_SIZE;
	conf->cache_size = CONF_CACHE_SIZE;
	conf->ttl_max = CONF_TTL_MAX;
	conf->ttl_negative = CONF_TTL_NEGATIVE;
	conf->stale = CONF_STALE;
	conf->special = SPECIAL_DEFAULT;
	conf->limit = (struct conf_limit){ .rate = CONF_LIMIT_RATE,
		.burst = CONF_LIMIT_BURST,
		.prefix = CONF_LIMIT_PREFIX,
		.prefix6 = CONF_LIMIT_PREFIX6,
		.hit_cost = CONF_LIMIT_HIT_COST,
		.slip = CONF_LIMIT_SLIP,
		.memory = CONF_LIMIT_MEMORY,
		.zone_burst = 1,
		.zone_labels = CONF_LIMIT_LABELS,
		.amplification = CONF_AMPLIFICATION };
	for (i = 0; i < NITEMS(exempt); i++)
		prefix(&conf->limit.exempt[conf->limit.nexempt++], exempt[i]);
	conf->cookies = true;
	conf->block = (struct conf_block){ CONF_BLOCK_AFTER, CONF_BLOCK_OVER,
		CONF_BLOCK_FOR, CONF_BLOCK_MAX };
	conf->tcp_max = CONF_TCP_MAX;
	conf->tcp_each = CONF_TCP_EACH;
	conf->upstream[0] = *config_builtin("cloudflare");
	conf->nupstream = 1;
	conf->nused = 1;
	conf->zone[0].name_len = 1;
	conf->zone[0].nupstream = 1;
	conf->nzone = 1;
}

static void
prefix(struct netaddr *a, const char *text)
{
	if (!netaddr_parse_prefix(a, text))
		fatalx("bad prefix %s", text);
}
