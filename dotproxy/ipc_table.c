/*
 * The table of messages: what may come from whom, when, and how large.
 * Whatever is not written here is refused.
 */
#include <string.h>

#include "ipc.h"

#define SIBLINGS    (IPC_WORKER | IPC_TLS)
#define CHILD	    (SIBLINGS | IPC_SOCKS)
#define ANY	    (IPC_NEW | IPC_CONFIG | IPC_RUN)
#define LATER	    (IPC_CONFIG | IPC_RUN)

#define EMPTY	    .min = 0, .max = 0
#define EXACT(type) .min = sizeof(struct type), .max = sizeof(struct type)

static const struct ipc_rule rules[IPC_TYPES] = {
	/* child -> parent */
	[IPC_LOG] = { "log", CHILD, IPC_PARENT, ANY,
	    .min = sizeof(struct ipc_log),
	    .max = sizeof(struct ipc_log) + IPC_LOG_TEXT },
	[IPC_CONFINED] = { "confined", CHILD, IPC_PARENT, IPC_NEW,
	    EXACT(ipc_confined) },
	[IPC_READY] = { "ready", CHILD, IPC_PARENT, LATER,
	    EXACT(ipc_generation) },
	[IPC_COUNTERS] = { "counters", CHILD, IPC_PARENT, IPC_RUN,
	    EXACT(ipc_counters) },
	[IPC_REFUSED] = { "refused", CHILD, IPC_PARENT, ANY,
	    EXACT(ipc_refused) },
	[IPC_BROKEN] = { "broken", SIBLINGS, IPC_PARENT, LATER,
	    EXACT(ipc_peer) },
	[IPC_STOPPED] = { "stopped", IPC_WORKER, IPC_PARENT, LATER, EMPTY },
	[IPC_BLOCK] = { "block", IPC_WORKER, IPC_PARENT, IPC_RUN,
	    EXACT(ipc_block) },
	[IPC_CONNECT] = { "connect", IPC_TLS, IPC_PARENT, IPC_RUN,
	    EXACT(ipc_connect) },
	[IPC_TRIAL] = { "trial", IPC_TLS, IPC_PARENT, IPC_RUN,
	    EXACT(ipc_trial) },
	[IPC_TRIED] = { "tried", IPC_TLS, IPC_PARENT, IPC_RUN, EMPTY },
	[IPC_PROXIED] = { "proxied", IPC_SOCKS, IPC_PARENT, IPC_RUN,
	    EXACT(ipc_proxied) },
	/* parent -> child */
	[IPC_CONF_WORKER] = { "conf-worker", IPC_PARENT, IPC_WORKER, LATER,
	    EXACT(ipc_conf_worker) },
	[IPC_CONF_TLS] = { "conf-tls", IPC_PARENT, IPC_TLS, LATER,
	    EXACT(ipc_conf_tls) },
	[IPC_ALLOW] = { "allow", IPC_PARENT, IPC_WORKER, LATER,
	    .min = sizeof(struct netaddr),
	    .max = IPC_ALLOW_BATCH * sizeof(struct netaddr),
	    .unit = sizeof(struct netaddr) },
	[IPC_LIMIT] = { "limit", IPC_PARENT, IPC_WORKER, LATER,
	    EXACT(conf_limit) },
	[IPC_PREFIXES] = { "prefixes", IPC_PARENT, IPC_WORKER, LATER,
	    .min = sizeof(struct ipc_prefixes) + sizeof(struct netaddr),
	    .max = sizeof(struct ipc_prefixes) +
		IPC_PREFIXES_MAX * sizeof(struct netaddr),
	    .unit = sizeof(struct netaddr) },
	[IPC_FORWARD] = { "forward", IPC_PARENT, IPC_WORKER, LATER,
	    EXACT(ipc_forward) },
	[IPC_LISTEN] = { "listen", IPC_PARENT, IPC_WORKER, LATER,
	    .fd_may = true, .fd_must = true, EXACT(ipc_listen) },
	[IPC_UPSTREAM] = { "upstream", IPC_PARENT, IPC_TLS, LATER,
	    .fd_may = true, EXACT(ipc_upstream) },
	[IPC_ADDRESS] = { "address", IPC_PARENT, IPC_TLS, LATER,
	    EXACT(ipc_address) },
	[IPC_PIN] = { "pin", IPC_PARENT, IPC_TLS, LATER, EXACT(ipc_pin) },
	[IPC_ZONE] = { "zone", IPC_PARENT, IPC_TLS, LATER, EXACT(ipc_zone) },
	[IPC_COMMIT] = { "commit", IPC_PARENT, CHILD, LATER,
	    EXACT(ipc_generation) },
	[IPC_CACHE] = { "cache", IPC_PARENT, IPC_WORKER, LATER, .fd_may = true,
	    .fd_must = true, EXACT(ipc_cache) },
	[IPC_LOCAL] = { "local", IPC_PARENT, IPC_WORKER, LATER, .fd_may = true,
	    .fd_must = true, EXACT(conf_local) },
	[IPC_COOKIE] = { "cookie", IPC_PARENT, IPC_WORKER, LATER,
	    EXACT(ipc_cookie) },
	[IPC_BLOCKED] = { "blocked", IPC_PARENT, IPC_WORKER, LATER,
	    .min = sizeof(struct ipc_blocked),
	    .max = IPC_BLOCKED_BATCH * sizeof(struct ipc_blocked),
	    .unit = sizeof(struct ipc_blocked) },
	[IPC_PEER] = { "peer", IPC_PARENT, SIBLINGS, LATER, .fd_may = true,
	    .fd_must = true, EXACT(ipc_peer) },
	[IPC_SOCKET] = { "socket", IPC_PARENT, IPC_TLS, IPC_RUN, .fd_may = true,
	    EXACT(ipc_socket) },
	[IPC_NETWORK] = { "network", IPC_PARENT, IPC_TLS, IPC_RUN,
	    EXACT(ipc_network) },
	[IPC_PROXY] = { "proxy", IPC_PARENT, IPC_SOCKS, IPC_RUN, .fd_may = true,
	    .fd_must = true, EXACT(ipc_proxy) },
	[IPC_COUNT] = { "count", IPC_PARENT, CHILD, IPC_RUN, EMPTY },
	[IPC_STOP] = { "stop", IPC_PARENT, IPC_WORKER, ANY, EMPTY },
	/* between worker and tls */
	[IPC_QUERIES] = { "queries", IPC_WORKER, IPC_TLS, IPC_RUN,
	    .min = sizeof(struct ipc_query) + 1, .max = IPC_PAYLOAD_MAX },
	[IPC_ANSWERS] = { "answers", IPC_TLS, IPC_WORKER, IPC_RUN,
	    .min = sizeof(struct ipc_answer), .max = IPC_PAYLOAD_MAX },
};

const struct ipc_rule *
ipc_rule(uint32_t type)
{
	if (type >= IPC_TYPES || rules[type].name == NULL)
		return NULL;
	return &rules[type];
}

const char *
ipc_check(enum ipc_role peer, enum ipc_role self, enum ipc_state state,
    const void *datagram, size_t len, size_t nfd)
{
	const struct ipc_rule *rule;
	struct ipc_header header;

	if (len < sizeof(header))
		return "shorter than a header";
	memcpy(&header, datagram, sizeof(header));
	if ((rule = ipc_rule(header.type)) == NULL)
		return "unknown type";
	if ((rule->from & peer) == 0 || (rule->to & self) == 0)
		return "wrong direction";
	if ((rule->states & state) == 0)
		return "wrong state";
	len -= sizeof(header);
	if (header.len != len)
		return "length and datagram disagree";
	if (len < rule->min || len > rule->max ||
	    (rule->unit != 0 && (len - rule->min) % rule->unit != 0))
		return "wrong size";
	if (nfd > (rule->fd_may ? 1 : 0))
		return "a descriptor that nobody asked for";
	if (nfd == 0 && rule->fd_must)
		return "no descriptor";
	return NULL;
}

bool
ipc_proxy_error_is_valid(uint32_t error)
{
	return (error > IPC_PROXY_REPLY && error <= IPC_PROXY_REPLY + 255U) ||
	    (error >= IPC_PROXY_METHOD && error <= IPC_PROXY_SILENT) ||
	    (error > IPC_PROXY_ERRNO &&
		error <= IPC_PROXY_ERRNO + IPC_PROXY_ERRNO_MAX);
}

bool
ipc_string_is_valid(const char *s, size_t size)
{
	size_t i = 0;

	while (i < size && s[i] != '\0')
		i++;
	if (i == size)
		return false;
	for (; i < size; i++)
		if (s[i] != '\0')
			return false;
	return true;
}
