/*
 * Which way each configured address is reached, asked of the kernel again when
 * it says that links, addresses or routes changed: what goes another way now
 * is told to the TLS process, whose connections there are dead. No packet is
 * sent for it.
 */
#include <errno.h>
#include <string.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"
#include "priv/route.h"
#include "priv/way.h"

#include "parent.h"

/* Changes come in swarms, and on some machines all the time. */
#define SETTLE_MS   100
#define POSTPONE_MS 500

static void on_change(evutil_socket_t, short, void *);
static void on_settled(evutil_socket_t, short, void *);
static void wait(struct parent *);

void
network_watch(struct parent *p)
{
	int fd = route_open();

	network_look(p, false);
	if (fd == -1) {
		log_warn("rtnetlink: a change of routes will not be noticed");
		return;
	}
	p->routes = event_new(p->base, fd, EV_READ, on_change, p);
	p->settled = evtimer_new(p->base, on_settled, p);
	if (p->routes == NULL || p->settled == NULL ||
	    event_add(p->routes, NULL) == -1)
		fatalx("no memory");
}

void
network_look(struct parent *p, bool tell)
{
	struct child *tls = &p->child[0];
	const struct conf_upstream *u;
	struct ipc_network news = { .generation = p->generation };
	struct netaddr source, *before;

	for (news.upstream = 0; news.upstream < p->conf->nused; news.upstream++)
		for (u = &p->conf->upstream[news.upstream], news.address = 0;
		     news.address < u->naddress; news.address++) {
			(void)way_source(u,
			    u->socks.family != 0 ? &u->socks
						 : &u->address[news.address],
			    &source);
			before = &p->source[news.upstream][news.address];
			if (memcmp(&source, before, sizeof(source)) == 0)
				continue;
			*before = source;
			if (!tell)
				continue;
			counter_inc(network_changes);
			if (tls->ipc.state == IPC_RUN &&
			    ipc_send(&tls->ipc, IPC_NETWORK, &news,
				sizeof(news), -1) == -1 &&
			    errno == EAGAIN)
				child_kill(tls, "it does not read its news");
		}
}

/* Not watched until it has settled: a flood costs a look now and then. */
static void
on_change(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;

	(void)what;
	if (!route_drain(fd)) {
		(void)event_add(p->routes, NULL);
		return;
	}
	p->changed = clock_ms();
	wait(p);
}

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;

	(void)fd;
	(void)what;
	if (route_drain(event_get_fd(p->routes)) &&
	    clock_ms() - p->changed + SETTLE_MS <= POSTPONE_MS) {
		wait(p);
		return;
	}
	network_look(p, true);
	(void)event_add(p->routes, NULL);
}

static void
wait(struct parent *p)
{
	static const struct timeval settle = { 0, SETTLE_MS * 1000 };

	if (event_add(p->settled, &settle) == -1)
		fatalx("no memory");
}
