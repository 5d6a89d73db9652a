/*
 * Which of a machine's addresses a message came to, and that its answer comes
 * from there: for sockets that are bound to all of them (RFC 2181 4.1).
 */
#ifndef UNPRIV_WORKER_PKTINFO_H
#define UNPRIV_WORKER_PKTINFO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "query.h"

#define PKTINFO_LEN 64 /* more than one of either family */

_Static_assert(PKTINFO_LEN >= CMSG_SPACE(sizeof(struct in6_pktinfo)), "room");

struct pktinfo {
	_Alignas(struct cmsghdr) uint8_t bytes[PKTINFO_LEN];
};

/* Takes local and interface of a client from a message. False: it came to a
 * broadcast or multicast address, which is never answered, or does not say. */
bool pktinfo_read(struct msghdr *msg, struct query_client *client);

/* What an answer to that client goes with; how long that is. */
size_t pktinfo_write(const struct query_client *client, struct pktinfo *room);

#endif
