/*
 * Binds the addresses of the config. The sockets are only made here, never
 * read: that is the workers' part.
 */
#include <errno.h>
#include <unistd.h>

#include "priv/bound.h"
#include "dotproxy/ipc.h"
#include "priv/steer.h"

#include "listen.h"

static const struct listener *
find(const struct listeners *, const struct netaddr *, uint32_t);
static bool is_permitted(const struct netaddr *);
static int
open_group(struct listener *, const struct netaddr *, uint32_t, uint32_t);

int
listeners_open(struct listeners *out, const struct conf *conf, uint32_t workers,
    const struct listeners *old)
{
	static const uint32_t protos[] = { IPC_UDP, IPC_TCP };
	const struct listener *known;
	struct netaddr address;
	uint32_t i, p;

	out->n = 0;
	for (i = 0; i < conf->nlisten; i++) {
		address = conf->listen[i];
		if (conf->listen_or[i] != 0 && !is_permitted(&address))
			address.port = conf->listen_or[i];
		for (p = 0; p < 2; p++) {
			known =
			    old == NULL ? NULL : find(old, &address, protos[p]);
			if (known != NULL)
				out->one[out->n++] = *known;
			else if (open_group(&out->one[out->n++], &address,
				     protos[p], workers) == -1) {
				listeners_close(out, old);
				return -1;
			}
		}
	}
	return 0;
}

void
listeners_close(struct listeners *l, const struct listeners *keep)
{
	uint32_t i, w;

	for (i = 0; i < l->n; i++) {
		if (keep != NULL &&
		    find(keep, &l->one[i].address, l->one[i].proto) != NULL)
			continue;
		for (w = 0; w < CONF_WORKERS_MAX; w++)
			if (l->one[i].fd[w] != -1)
				(void)close(l->one[i].fd[w]);
	}
	l->n = 0;
}

static const struct listener *
find(const struct listeners *l, const struct netaddr *address, uint32_t proto)
{
	uint32_t i;

	for (i = 0; i < l->n; i++)
		if (l->one[i].proto == proto &&
		    netaddr_equal(&l->one[i].address, address))
			return &l->one[i];
	return NULL;
}

/* Only the missing privilege counts: a port that is taken is a mistake. */
static bool
is_permitted(const struct netaddr *address)
{
	int fd = bound_open(address, IPC_UDP, false);

	if (fd != -1)
		(void)close(fd);
	return fd != -1 || errno != EACCES;
}

/* The SO_REUSEPORT group of one address: a socket for each worker. -1: what it
 * has opened is the caller's to close. */
static int
open_group(struct listener *l, const struct netaddr *address, uint32_t proto,
    uint32_t workers)
{
	uint32_t w;
	int fd;

	l->address = *address;
	l->proto = proto;
	for (w = 0; w < CONF_WORKERS_MAX; w++)
		l->fd[w] = -1;
	/*
	 * A socket with SO_REUSEPORT would silently share the port with
	 * another server of ours; one without it says that the port is taken.
	 */
	if ((fd = bound_open(address, proto, false)) == -1) {
		bound_explain(address, proto);
		return -1;
	}
	(void)close(fd);
	for (w = 0; w < workers; w++) {
		l->fd[w] = bound_open(address, proto, true);
		if (l->fd[w] == -1 ||
		    (w == 0 &&
			steer_attach(l->fd[w], address->family, workers) ==
			    -1)) {
			bound_explain(address, proto);
			return -1;
		}
	}
	return 0;
}
