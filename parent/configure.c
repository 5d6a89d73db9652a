/*
 * What children are told: the config in force, message by message, and the
 * channels between them. It must never send what a child has no use for: the
 * worker knows no upstream, the TLS process no client.
 */
#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "parent.h"

static void configure_worker(struct child *);
static void configure_tls(struct child *);
static void
configure_upstream(struct child *, uint32_t, const struct conf_upstream *);
static void tell(struct child *, enum ipc_type, const void *, size_t, int);
static void connect_peers(struct child *, struct child *);

void
configure_child(struct child *c)
{
	struct ipc_generation commit = { c->parent->generation };

	if (c->role == IPC_WORKER)
		configure_worker(c);
	else
		configure_tls(c);
	tell(c, IPC_COMMIT, &commit, sizeof(commit), -1);
}

void
configure_peers(struct parent *p, struct child *c)
{
	struct child *tls = &p->child[0];
	uint32_t i;

	for (i = 1; i < p->nchildren; i++)
		if (c == tls || c == &p->child[i])
			connect_peers(tls, &p->child[i]);
}

static void
configure_worker(struct child *c)
{
	const struct parent *p = c->parent;
	const struct conf *conf = p->conf;
	struct ipc_conf_worker head = { .generation = p->generation,
		.index = c->index,
		.workers = p->workers,
		.nallow = conf->nallow,
		.nlisten = p->listeners.n,
		.udp_size = conf->udp_size,
		.tcp_max = conf->tcp_max,
		.tcp_each = conf->tcp_each,
		.ttl_min = conf->ttl_min,
		.ttl_max = conf->ttl_max,
		.ttl_negative = conf->ttl_negative,
		.stale = conf->stale,
		.special = conf->special,
		.verbose = p->verbose };
	const struct ipc_cache cache = { conf->cache_size, p->cache_key };
	struct ipc_listen listen;
	uint32_t i, n;

	tell(c, IPC_CONF_WORKER, &head, sizeof(head), -1);
	if (p->cache != -1 && c->ipc.state == IPC_CONFIG)
		tell(c, IPC_CACHE, &cache, sizeof(cache), p->cache);
	tell(c, IPC_LOCAL, &p->files.local, sizeof(p->files.local),
	    p->files.local_fd);
	for (i = 0; i < conf->nallow; i += n) {
		n = MIN(conf->nallow - i, IPC_ALLOW_BATCH);
		tell(c, IPC_ALLOW, &conf->allow[i], n * sizeof(conf->allow[0]),
		    -1);
	}
	for (i = 0; i < p->listeners.n; i++) {
		listen.address = p->listeners.one[i].address;
		listen.proto = p->listeners.one[i].proto;
		tell(c, IPC_LISTEN, &listen, sizeof(listen),
		    p->listeners.one[i].fd[c->index]);
	}
}

static void
configure_tls(struct child *c)
{
	const struct parent *p = c->parent;
	struct ipc_conf_tls head = { .generation = p->generation,
		.nupstream = p->conf->nforward,
		.verbose = p->verbose };
	uint32_t i;

	tell(c, IPC_CONF_TLS, &head, sizeof(head), -1);
	for (i = 0; i < p->conf->nforward; i++)
		configure_upstream(
		    c, i, &p->conf->upstream[p->conf->forward[i]]);
}

static void
configure_upstream(
    struct child *c, uint32_t index, const struct conf_upstream *u)
{
	struct ipc_upstream head = {
		.index = index, .naddress = u->naddress, .npin = u->npin
	};
	struct ipc_address address = { .upstream = index };
	struct ipc_pin pin = { .upstream = index };
	uint32_t n;

	memcpy(head.name, u->name, strlen(u->name));
	memcpy(head.host, u->host, strlen(u->host));
	tell(c, IPC_UPSTREAM, &head, sizeof(head), c->parent->files.ca[index]);
	for (n = 0; n < u->naddress; n++) {
		address.index = n;
		address.address = u->address[n];
		tell(c, IPC_ADDRESS, &address, sizeof(address), -1);
	}
	for (n = 0; n < u->npin; n++) {
		pin.index = n;
		memcpy(pin.pin, u->pin[n], sizeof(pin.pin));
		tell(c, IPC_PIN, &pin, sizeof(pin), -1);
	}
}

/* One that does not read would miss it: so it starts anew. One that is dead is
 * about to be reaped. */
static void
tell(struct child *c, enum ipc_type type, const void *payload, size_t len,
    int fd)
{
	if (ipc_send(&c->ipc, type, payload, len, fd) == -1 && errno == EAGAIN)
		child_kill(c, "it does not read what it is told");
}

/* A new channel between the two, if both are there to take it. */
static void
connect_peers(struct child *tls, struct child *worker)
{
	struct ipc_peer to_tls = { worker->index }, to_worker = { 0 };
	int fd[2];

	if (tls->ipc.fd == -1 || worker->ipc.fd == -1 ||
	    tls->ipc.state == IPC_NEW || worker->ipc.state == IPC_NEW)
		return;
	if (ipc_socketpair(fd) == -1)
		fatal("socketpair");
	tell(tls, IPC_PEER, &to_tls, sizeof(to_tls), fd[0]);
	tell(worker, IPC_PEER, &to_worker, sizeof(to_worker), fd[1]);
	(void)close(fd[0]);
	(void)close(fd[1]);
}
