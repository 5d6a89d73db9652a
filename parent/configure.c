/*
 * What children are told: the config in force, message by message, and the
 * channels between them. It must never wait for a child that does not read.
 */
#include <errno.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/counter.h"
#include "priv/ipc_conf.h"
#include "dotproxy/log.h"
#include "priv/memfd.h"

#include "parent.h"

static void configure_worker(struct child *);
static void tell_cache(struct child *);
static void tell(void *, enum ipc_type, const void *, size_t, int);
static void connect_peers(struct child *, struct child *);

void
configure_child(struct child *c)
{
	const struct parent *p = c->parent;
	struct ipc_generation commit = { p->generation };

	if (c->role == IPC_WORKER)
		configure_worker(c);
	else if (c->role == IPC_TLS)
		ipc_conf_tls(p->conf, p->generation, p->verbose, p->trial,
		    p->files.ca, &p->way_key, tell, c);
	tell(c, IPC_COMMIT, &commit, sizeof(commit), -1);
}

void
configure_peers(struct parent *p, struct child *c)
{
	struct child *tls = &p->child[0];
	uint32_t i;

	for (i = 1; i <= p->workers; i++)
		if (c == tls || c == &p->child[i])
			connect_peers(tls, &p->child[i]);
}

/* Who was broken into knew the key, too. */
void
configure_cache(struct parent *p, const char *why)
{
	uint32_t i;

	if (p->cache != -1 && why != NULL) {
		log_info("the cache is empty again: %s", why);
		counter_inc(cache_emptied);
	}
	siphash_key_random(&p->cache_key);
	p->cache = memfd_renew(p->cache, p->conf->cache_size);
	for (i = 1; i < p->nchildren; i++)
		if (p->child[i].role == IPC_WORKER &&
		    p->child[i].ipc.state != IPC_NEW)
			tell_cache(&p->child[i]);
}

void
configure_cookies(evutil_socket_t fd, short what, void *parent)
{
	struct parent *p = parent;

	(void)fd;
	ward_renew(&p->ward, (what & EV_TIMEOUT) == 0);
	configure_workers(
	    p, IPC_COOKIE, &p->ward.cookie, sizeof(p->ward.cookie), -1);
}

void
configure_workers(
    void *parent, enum ipc_type type, const void *payload, size_t len, int fd)
{
	struct parent *p = parent;
	uint32_t i;

	for (i = 1; i < p->nchildren; i++)
		if (p->child[i].role == IPC_WORKER &&
		    p->child[i].ipc.state != IPC_NEW)
			tell(&p->child[i], type, payload, len, fd);
}

static void
configure_worker(struct child *c)
{
	const struct parent *p = c->parent;
	struct ipc_conf_worker head = { .generation = p->generation,
		.index = c->index,
		.workers = p->workers,
		.nlisten = p->listeners.n,
		.verbose = p->verbose };
	struct ipc_listen listen;
	uint32_t i;

	ipc_conf_worker(p->conf, &head);
	tell(c, IPC_CONF_WORKER, &head, sizeof(head), -1);
	if (c->ipc.state == IPC_CONFIG) {
		tell_cache(c);
		ward_tell(&p->ward, clock_ms(), tell, c);
	}
	tell(c, IPC_LOCAL, &p->files.local, sizeof(p->files.local),
	    p->files.local_fd);
	ipc_conf_allow(p->conf, tell, c);
	ipc_conf_forwards(p->conf, tell, c);
	for (i = 0; i < p->listeners.n; i++) {
		listen.address = p->listeners.one[i].address;
		listen.proto = p->listeners.one[i].proto;
		tell(c, IPC_LISTEN, &listen, sizeof(listen),
		    p->listeners.one[i].fd[c->index]);
	}
}

static void
tell_cache(struct child *c)
{
	const struct ipc_cache cache = { c->parent->conf->cache_size,
		c->parent->cache_key };

	if (c->parent->cache != -1)
		tell(c, IPC_CACHE, &cache, sizeof(cache), c->parent->cache);
}

/* One that does not read would miss it: so it starts anew. One that is dead is
 * about to be reaped. */
static void
tell(void *child, enum ipc_type type, const void *payload, size_t len, int fd)
{
	struct child *c = child;

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
	if (ipc_socketpair(fd) == -1) {
		log_warn("no channel for %s, which starts anew", worker->name);
		child_gone(worker);
		return;
	}
	tell(tls, IPC_PEER, &to_tls, sizeof(to_tls), fd[0]);
	tell(worker, IPC_PEER, &to_worker, sizeof(to_worker), fd[1]);
	(void)close(fd[0]);
	(void)close(fd[1]);
}
