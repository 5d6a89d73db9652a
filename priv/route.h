/* News of this machine's links, addresses and routes. */
#ifndef PRIV_ROUTE_H
#define PRIV_ROUTE_H

#include <stdbool.h>

/* A non-blocking rtnetlink socket, the caller's to close; -1 with errno. */
int route_open(void);

/* Takes what came, so many messages at most, unread. Whether anything did: then
 * any of it may have changed. */
bool route_drain(int fd);

#endif
