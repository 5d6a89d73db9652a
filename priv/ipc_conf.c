/*
 * A config, message by message. It must never tell a child what that has no
 * use for: the worker knows no upstream, the TLS process no client.
 */
#include <string.h>
#include <sys/param.h>

#include "ipc_conf.h"

static void tell_upstream(const struct conf_upstream *, uint32_t, int, uint32_t,
    ipc_conf_tell *, void *);
static uint32_t
way_of(const struct conf_upstream *, const struct siphash_key *);
static void
tell_zone(const struct conf_zone *, uint32_t, ipc_conf_tell *, void *);
static void tell_prefixes(
    enum ipc_list, const struct netaddr *, uint32_t, ipc_conf_tell *, void *);

_Static_assert(CONF_COOKIES_MAX <= IPC_PREFIXES_MAX &&
	CONF_BLOCKED_MAX <= IPC_PREFIXES_MAX,
    "a list is one message");

void
ipc_conf_tls(const struct conf *conf, uint32_t generation, bool verbose,
    bool trial, const int ca[CONF_UPSTREAMS_MAX], const struct siphash_key *key,
    ipc_conf_tell *tell, void *ctx)
{
	const struct ipc_conf_tls head = { .generation = generation,
		.nupstream = conf->nused,
		.nzone = conf->nzone,
		.verbose = verbose,
		.trial = trial };
	uint32_t i;

	tell(ctx, IPC_CONF_TLS, &head, sizeof(head), -1);
	for (i = 0; i < conf->nused; i++)
		tell_upstream(&conf->upstream[i], i, ca[i],
		    way_of(&conf->upstream[i], key), tell, ctx);
	for (i = 0; i < conf->nzone; i++)
		tell_zone(&conf->zone[i], i, tell, ctx);
}

const struct conf_upstream *
ipc_conf_wanted(const struct conf *conf, uint32_t generation,
    const struct ipc_connect *want)
{
	const struct conf_upstream *u;

	if (want->generation != generation || want->upstream >= conf->nused)
		return NULL;
	u = &conf->upstream[want->upstream];
	if (want->address >= u->naddress)
		return NULL;
	/* UDP is for what is asked in clear text, and directly. */
	if (want->transport == IPC_UDP && u->plain && u->socks.family == 0)
		return u;
	return want->transport == IPC_TCP ? u : NULL;
}

void
ipc_conf_worker(const struct conf *conf, struct ipc_conf_worker *head)
{
	head->nallow = conf->nallow;
	head->nforward = conf->nzone - 1;
	head->udp_size = conf->udp_size;
	head->tcp_max = conf->tcp_max;
	head->tcp_each = conf->tcp_each;
	head->ttl_min = conf->ttl_min;
	head->ttl_max = conf->ttl_max;
	head->ttl_negative = conf->ttl_negative;
	head->stale = conf->stale;
	head->special = conf->special;
	head->cookies = conf->cookies;
	head->ncookies_for = conf->ncookies_for;
	head->nblocked = conf->nblocked;
	head->block = conf->block;
}

void
ipc_conf_allow(const struct conf *conf, ipc_conf_tell *tell, void *ctx)
{
	uint32_t i, n;

	tell(ctx, IPC_LIMIT, &conf->limit, sizeof(conf->limit), -1);
	for (i = 0; i < conf->nallow; i += n) {
		n = MIN(conf->nallow - i, IPC_ALLOW_BATCH);
		tell(ctx, IPC_ALLOW, &conf->allow[i],
		    n * sizeof(conf->allow[0]), -1);
	}
	tell_prefixes(
	    IPC_COOKIES_FOR, conf->cookies_for, conf->ncookies_for, tell, ctx);
	tell_prefixes(
	    IPC_ALWAYS_BLOCKED, conf->blocked, conf->nblocked, tell, ctx);
}

void
ipc_conf_forwards(const struct conf *conf, ipc_conf_tell *tell, void *ctx)
{
	struct ipc_forward m;
	uint32_t i;

	/* The first is the root: it is what no other has. */
	for (i = 1; i < conf->nzone; i++) {
		memset(&m, 0, sizeof(m));
		m.name_len = conf->zone[i].name_len;
		memcpy(m.name, conf->zone[i].name, m.name_len);
		tell(ctx, IPC_FORWARD, &m, sizeof(m), -1);
	}
}

void
ipc_conf_blocks(const struct block_table *blocks, uint64_t now,
    ipc_conf_tell *tell, void *ctx)
{
	struct ipc_blocked m[IPC_BLOCKED_BATCH];
	uint32_t i, n = 0;

	for (i = 0; i < blocks->n; i++) {
		if (now < blocks->entry[i].until)
			m[n++] = ipc_conf_block(&blocks->entry[i], now);
		if (n == IPC_BLOCKED_BATCH || (n > 0 && i == blocks->n - 1)) {
			tell(ctx, IPC_BLOCKED, m, n * sizeof(m[0]), -1);
			n = 0;
		}
	}
}

struct ipc_blocked
ipc_conf_block(const struct block *block, uint64_t now)
{
	return (struct ipc_blocked){ block->client,
		(uint32_t)(block->until - now), block->times, block->proven };
}

static void
tell_prefixes(enum ipc_list list, const struct netaddr *prefix, uint32_t n,
    ipc_conf_tell *tell, void *ctx)
{
	struct {
		struct ipc_prefixes head;
		struct netaddr prefix[IPC_PREFIXES_MAX];
	} m = { .head = { .list = list } };

	if (n == 0)
		return;
	memcpy(m.prefix, prefix, n * sizeof(*prefix));
	tell(ctx, IPC_PREFIXES, &m, sizeof(m.head) + n * sizeof(*prefix), -1);
}

static void
tell_upstream(const struct conf_upstream *u, uint32_t index, int ca,
    uint32_t way, ipc_conf_tell *tell, void *ctx)
{
	struct ipc_upstream head = { .index = index,
		.naddress = u->naddress,
		.npin = u->npin,
		.plain = u->plain,
		.way = way };
	struct ipc_address address = { .upstream = index };
	struct ipc_pin pin = { .upstream = index };
	uint32_t n;

	memcpy(head.name, u->name, strlen(u->name));
	memcpy(head.host, u->host, strlen(u->host));
	tell(ctx, IPC_UPSTREAM, &head, sizeof(head), ca);
	for (n = 0; n < u->naddress; n++) {
		address.index = n;
		address.address = u->address[n];
		tell(ctx, IPC_ADDRESS, &address, sizeof(address), -1);
	}
	for (n = 0; n < u->npin; n++) {
		pin.index = n;
		memcpy(pin.pin, u->pin[n], sizeof(pin.pin));
		tell(ctx, IPC_PIN, &pin, sizeof(pin), -1);
	}
}

/* The parts have no padding, and zeroes behind their texts. */
static uint32_t
way_of(const struct conf_upstream *u, const struct siphash_key *key)
{
	struct {
		struct netaddr socks, source4, source6;
		char interface[CONF_INTERFACE_MAX];
		char user[CONF_SOCKS_MAX], password[CONF_SOCKS_MAX];
	} way = { u->socks, u->source4, u->source6, "", "", "" };

	memcpy(way.interface, u->interface, sizeof(way.interface));
	memcpy(way.user, u->socks_user, sizeof(way.user));
	memcpy(way.password, u->socks_password, sizeof(way.password));
	return (uint32_t)siphash(key, &way, sizeof(way));
}

static void
tell_zone(
    const struct conf_zone *z, uint32_t index, ipc_conf_tell *tell, void *ctx)
{
	struct ipc_zone zone = { .index = index,
		.policy = z->policy,
		.nupstream = z->nupstream,
		.name_len = z->name_len };

	memcpy(zone.upstream, z->upstream, z->nupstream);
	memcpy(zone.name, z->name, z->name_len);
	tell(ctx, IPC_ZONE, &zone, sizeof(zone), -1);
}
