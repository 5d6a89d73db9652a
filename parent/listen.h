/* The sockets that clients ask on: one of each kind for each worker. */
#ifndef PARENT_LISTEN_H
#define PARENT_LISTEN_H

#include "dotproxy/conf.h"

struct listener {
	struct netaddr address;
	uint32_t proto; /* enum ipc_proto */
	int fd[CONF_WORKERS_MAX]; /* worker n reads fd[n]; others are -1 */
};

struct listeners {
	struct listener one[2 * CONF_LISTEN_MAX];
	uint32_t n;
};

/*
 * Binds what conf names, UDP and TCP, for this many workers, into out; what
 * old (may be NULL) has already is shared with it, not bound again, so that no
 * question in a socket is lost. 0; or -1, logged, with nothing opened.
 */
int listeners_open(struct listeners *out, const struct conf *conf,
    uint32_t workers, const struct listeners *old);

/* Closes what is in l and not in keep (may be NULL). */
void listeners_close(struct listeners *l, const struct listeners *keep);

#endif
