/*
 * Stages a config: every field is held against the bounds of conf.h before
 * anything of it counts. It must never change what is in force.
 */
#include <string.h>

#include "dotproxy/special.h"
#include "unpriv/dns/dns.h"

#include "local.h"
#include "prefixes.h"
#include "settings.h"

static bool between(uint32_t, uint32_t, uint32_t);
static const char *head_is_wrong(const struct ipc_conf_worker *);
static const char *limit_is_wrong(const struct conf_limit *);
static bool prefix_is_clean(const struct netaddr *);

const char *
stage_begin(
    struct staged *staged, const struct ipc_conf_worker *m, uint32_t taken)
{
	struct settings *s = &staged->settings;
	const char *wrong;

	if (staged->open)
		return "a config within a config";
	if (m->generation <= taken)
		return "a generation that went by";
	if ((wrong = head_is_wrong(m)) != NULL)
		return wrong;
	s->generation = m->generation;
	s->index = m->index;
	s->workers = m->workers;
	s->udp_size = m->udp_size;
	s->tcp_max = m->tcp_max;
	s->tcp_each = m->tcp_each;
	s->ttl_min = m->ttl_min;
	s->ttl_max = m->ttl_max;
	s->ttl_negative = m->ttl_negative;
	s->stale = m->stale;
	s->special = m->special;
	s->verbose = m->verbose == 1;
	s->cookies = m->cookies == 1;
	s->block = m->block;
	/* What messages of their own bring. */
	s->local = NULL;
	s->nforward = s->nallow = s->ncookies_for = s->nblocked = 0;
	staged->has_limit = false;
	staged->want_list[IPC_COOKIES_FOR] = m->ncookies_for;
	staged->want_list[IPC_ALWAYS_BLOCKED] = m->nblocked;
	staged->want_allow = m->nallow;
	staged->want_forwards = m->nforward;
	staged->want_sockets = m->nlisten;
	staged->nsockets = 0;
	staged->open = true;
	return NULL;
}

static const char *
head_is_wrong(const struct ipc_conf_worker *m)
{
	if (!between(m->workers, 1, CONF_WORKERS_MAX) || m->index >= m->workers)
		return "no such worker";
	if (m->nallow > CONF_ALLOW_MAX)
		return "too many prefixes";
	if (m->nforward >= CONF_ZONES_MAX)
		return "too many domains";
	if (!between(m->nlisten, 1, SETTINGS_SOCKETS))
		return "no sockets, or too many";
	if (!between(m->udp_size, CONF_UDP_SIZE_MIN, CONF_UDP_SIZE_MAX))
		return "udp size out of bounds";
	if (!between(m->tcp_max, 1, CONF_TCP_LIMIT) ||
	    !between(m->tcp_each, 1, CONF_TCP_LIMIT))
		return "tcp limit out of bounds";
	if (m->ttl_min > m->ttl_max || m->ttl_max > CONF_TTL_LIMIT ||
	    m->ttl_negative > CONF_TTL_LIMIT || m->stale > CONF_TTL_LIMIT)
		return "cache time out of bounds";
	if ((m->special & ~SPECIAL_ALL) != 0)
		return "a special name that there is none of";
	if (m->cookies > 1 || m->ncookies_for > CONF_COOKIES_MAX ||
	    m->nblocked > CONF_BLOCKED_MAX)
		return "cookies or blocks out of bounds";
	/* Limits count over that long, blocks or none. */
	if (m->block.over > CONF_BLOCK_OVER_MAX)
		return "a block out of bounds";
	if (m->block.after != 0 &&
	    (m->block.after > CONF_BLOCK_AFTER_MAX || m->block.over == 0 ||
		!between(m->block.max, 1, CONF_BLOCK_FOR_MAX) ||
		!between(m->block.first, 1, m->block.max)))
		return "a block out of bounds";
	if (m->verbose > 1)
		return "verbose is neither 0 nor 1";
	return NULL;
}

const char *
stage_limit(struct staged *staged, const struct conf_limit *m)
{
	const char *wrong;

	if (!staged->open)
		return "limits outside of a config";
	if (staged->has_limit)
		return "limits twice";
	if ((wrong = limit_is_wrong(m)) != NULL)
		return wrong;
	staged->settings.limit = *m;
	staged->has_limit = true;
	return NULL;
}

static const char *
limit_is_wrong(const struct conf_limit *m)
{
	uint32_t i;

	if (m->rate > CONF_LIMIT_RATE_MAX ||
	    !between(m->burst, 1, CONF_LIMIT_RATE_MAX) ||
	    !between(m->prefix, CONF_LIMIT_PREFIX_MIN, 32) ||
	    !between(m->prefix6, CONF_LIMIT_PREFIX6_MIN, 128) ||
	    m->hit_cost > 1000 || m->slip > CONF_LIMIT_SLIP_MAX)
		return "a client's limit out of bounds";
	if (!between(m->memory, CONF_LIMIT_MEMORY_MIN, CONF_LIMIT_MEMORY_MAX) ||
	    m->memory % CONF_LIMIT_MEMORY_MIN != 0)
		return "limits' memory out of bounds";
	if (m->zone_rate > CONF_LIMIT_RATE_MAX ||
	    !between(m->zone_burst, 1, CONF_LIMIT_RATE_MAX) ||
	    !between(m->zone_labels, 1, CONF_LIMIT_LABELS_MAX))
		return "a zone's limit out of bounds";
	if (!between(m->amplification, 1, CONF_AMPLIFICATION_MAX))
		return "amplification out of bounds";
	if (m->nexempt > CONF_LIMIT_EXEMPT_MAX)
		return "too many exempt prefixes";
	for (i = 0; i < m->nexempt; i++)
		if (!prefix_is_clean(&m->exempt[i]))
			return "no such exempt prefix";
	return NULL;
}

const char *
stage_prefixes(struct staged *staged, const struct ipc_prefixes *head,
    const void *prefixes, size_t n)
{
	struct settings *s = &staged->settings;
	struct netaddr *list;
	uint32_t *have;
	size_t i;

	if (!staged->open)
		return "a list outside of a config";
	if (head->list >= IPC_LISTS || head->zero != 0)
		return "a list that there is none of";
	list = head->list == IPC_COOKIES_FOR ? s->cookies_for : s->blocked;
	have = head->list == IPC_COOKIES_FOR ? &s->ncookies_for : &s->nblocked;
	if (*have != 0 || n != staged->want_list[head->list])
		return "a list that is not as long as announced";
	memcpy(list, prefixes, n * sizeof(*list));
	for (i = 0; i < n; i++)
		if (!prefix_is_clean(&list[i]))
			return "no such prefix";
	*have = (uint32_t)n;
	return NULL;
}

const char *
stage_allow(struct staged *staged, const void *prefixes, size_t n)
{
	struct settings *s = &staged->settings;
	const struct netaddr *prefix = prefixes;
	size_t i;

	if (!staged->open)
		return "a prefix outside of a config";
	if (n > staged->want_allow - s->nallow)
		return "more prefixes than announced";
	for (i = 0; i < n; i++) {
		if (!prefix_is_clean(&prefix[i]))
			return "no such prefix";
		s->allow[s->nallow++] = prefix[i];
	}
	return NULL;
}

const char *
stage_forward(struct staged *staged, const struct ipc_forward *m)
{
	struct settings *s = &staged->settings;
	struct forward *f;
	size_t i;

	if (!staged->open)
		return "a domain outside of a config";
	if (s->nforward == staged->want_forwards)
		return "more domains than announced";
	/* The root has no upstreams of its own, but everybody's. */
	if (!between(m->name_len, 2, CONF_ZONE_NAME_MAX) ||
	    !dns_name_is_folded(m->name, m->name_len))
		return "no such domain";
	for (i = m->name_len; i < sizeof(m->name); i++)
		if (m->name[i] != 0)
			return "no such domain";
	f = &s->forward[s->nforward++];
	memcpy(f->name, m->name, sizeof(f->name));
	f->name_len = (uint8_t)m->name_len;
	return NULL;
}

const char *
stage_socket(struct staged *staged, const struct ipc_listen *m, int fd)
{
	const struct netaddr *a = &m->address;
	uint32_t i;

	/* First of all, so that it is never lost. */
	if (staged->nsockets == SETTINGS_SOCKETS)
		return "more sockets than announced";
	staged->socket[staged->nsockets].listen = *m;
	staged->socket[staged->nsockets].fd = fd;
	staged->nsockets++;
	if (!staged->open)
		return "a socket outside of a config";
	if (staged->nsockets > staged->want_sockets)
		return "more sockets than announced";
	if (m->proto != IPC_UDP && m->proto != IPC_TCP)
		return "a socket of no known protocol";
	if (!netaddr_is_valid(a) || a->bits != (a->family == 4 ? 32 : 128) ||
	    a->port == 0)
		return "no such address";
	for (i = 0; i < staged->nsockets - 1; i++)
		if (staged->socket[i].listen.proto == m->proto &&
		    netaddr_equal(&staged->socket[i].listen.address, a))
			return "the same address twice";
	return NULL;
}

const char *
stage_local(struct staged *staged, struct local *local)
{
	const char *wrong = NULL;

	if (!staged->open)
		wrong = "local data outside of a config";
	else if (staged->settings.local != NULL)
		wrong = "local data twice";
	if (wrong != NULL)
		local_free(local);
	else
		staged->settings.local = local;
	return wrong;
}

const char *
stage_commit(struct staged *staged, const struct ipc_generation *m)
{
	struct settings *s = &staged->settings;

	if (!staged->open)
		return "a commit without a config";
	if (m->generation != s->generation)
		return "a commit of another config";
	if (s->nallow != staged->want_allow)
		return "fewer prefixes than announced";
	if (!staged->has_limit)
		return "no limits";
	if (s->nforward != staged->want_forwards)
		return "fewer domains than announced";
	if (staged->nsockets != staged->want_sockets)
		return "fewer sockets than announced";
	if (s->ncookies_for != staged->want_list[IPC_COOKIES_FOR] ||
	    s->nblocked != staged->want_list[IPC_ALWAYS_BLOCKED])
		return "fewer lists than announced";
	s->nallow = prefixes_sort(s->allow, s->nallow);
	s->ncookies_for = prefixes_sort(s->cookies_for, s->ncookies_for);
	s->nblocked = prefixes_sort(s->blocked, s->nblocked);
	staged->open = false;
	return NULL;
}

bool
settings_need_cookie(const struct settings *settings, const struct netaddr *a)
{
	return prefixes_have(settings->cookies_for, settings->ncookies_for, a);
}

size_t
settings_forwarded(
    const struct settings *settings, const uint8_t *name, size_t len)
{
	const struct forward *f;
	size_t longest = 0;
	uint32_t i;

	for (i = 0; i < settings->nforward; i++) {
		f = &settings->forward[i];
		if (f->name_len > longest &&
		    dns_name_is_in(name, len, f->name, f->name_len))
			longest = f->name_len;
	}
	return longest;
}

bool
settings_allow(const struct settings *settings, const struct netaddr *client)
{
	return prefixes_have(settings->allow, settings->nallow, client);
}

static bool
between(uint32_t v, uint32_t min, uint32_t max)
{
	return v >= min && v <= max;
}

/* A prefix as netaddr_parse_prefix makes it: nothing set that does not
 * count. */
static bool
prefix_is_clean(const struct netaddr *a)
{
	size_t i, size;
	uint8_t used;

	if (!netaddr_is_valid(a) || a->port != 0 || a->scope != 0)
		return false;
	size = a->bits / 8;
	for (i = size; i < sizeof(a->bytes); i++) {
		used = i == size ? (uint8_t)(0xff00 >> (a->bits % 8)) : 0;
		if ((a->bytes[i] & ~used) != 0)
			return false;
	}
	return true;
}
