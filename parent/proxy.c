/*
 * Connections that a SOCKS5 proxy makes. The socks process talks to the proxy
 * over a duplicate; ours goes to the TLS process when it says that it is done.
 * Not a byte of a proxy's is ever read here.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "priv/way.h"

#include "parent.h"

/* Far behind the deadline that the socks process keeps. */
#define OVERDUE_MS 10000

static struct pending *place(struct parent *, uint64_t);

void
proxy_start(struct parent *p)
{
	struct child *c = &p->child[1 + p->workers];
	uint32_t i, n = 0;

	for (i = 0; i < p->conf->nused; i++)
		n += p->conf->upstream[i].socks.family != 0;
	if (n == 0 || p->nchildren > 1 + p->workers)
		return;
	p->nchildren++;
	child_init(p, c, IPC_SOCKS, 0);
	child_start(c);
}

uint32_t
proxy_ask(struct parent *p, uint32_t serial, const struct conf_upstream *u,
    const struct netaddr *to)
{
	static uint32_t last;
	struct child *socks = &p->child[1 + p->workers];
	struct ipc_proxy want = { .target = *to };
	struct pending *new = place(p, clock_ms());

	if (new == NULL || socks->ipc.state != IPC_RUN)
		return EAGAIN;
	if ((new->fd = way_open(u, &u->socks, IPC_TCP)) == -1)
		return errno == ENODEV || errno == EADDRNOTAVAIL
		    ? (uint32_t)errno
		    : (uint32_t)IPC_PROXY_ERRNO + (uint32_t)errno;
	memcpy(want.user, u->socks_user, strlen(u->socks_user));
	memcpy(want.password, u->socks_password, strlen(u->socks_password));
	want.serial = new->id = ++last;
	if (ipc_send(&socks->ipc, IPC_PROXY, &want, sizeof(want), new->fd) ==
	    -1) {
		(void)close(new->fd);
		return EAGAIN;
	}
	new->serial = serial;
	new->since = clock_ms();
	new->used = true;
	return 0;
}

void
proxy_answer(struct child *c, const struct ipc_proxied *said)
{
	struct parent *p = c->parent;
	struct pending *one;
	uint32_t i;

	for (i = 0; i < IPC_PROXY_MAX; i++)
		if (p->pending[i].used && p->pending[i].id == said->serial)
			break;
	if (i == IPC_PROXY_MAX ||
	    (said->error != 0 && !ipc_proxy_error_is_valid(said->error))) {
		child_kill(c, "a connection that nobody asked it for");
		return;
	}
	one = &p->pending[i];
	one->used = false;
	if (one->fd == -1)
		return; /* of a TLS process from before */
	connect_answer(
	    p, one->serial, said->error, said->error == 0 ? one->fd : -1);
	(void)close(one->fd);
}

/* Of the socks process: all have failed. Of the TLS process: nobody waits. */
void
proxy_gone(struct child *c)
{
	struct parent *p = c->parent;
	struct pending *one;

	for (one = p->pending; one < &p->pending[IPC_PROXY_MAX]; one++) {
		if (!one->used || c->role == IPC_WORKER)
			continue;
		if (one->fd != -1)
			(void)close(one->fd);
		if (c->role == IPC_SOCKS && one->fd != -1)
			connect_answer(p, one->serial, EAGAIN, -1);
		one->used = c->role == IPC_TLS;
		one->fd = -1;
	}
}

/* NULL: there is no room. */
static struct pending *
place(struct parent *p, uint64_t now)
{
	struct pending *one, *free = NULL;

	for (one = p->pending; one < &p->pending[IPC_PROXY_MAX]; one++)
		if (!one->used)
			free = one;
		else if (now - one->since > OVERDUE_MS) {
			child_kill(&p->child[1 + p->workers],
			    "it does not say what became of a connection");
			return NULL;
		}
	return free;
}
