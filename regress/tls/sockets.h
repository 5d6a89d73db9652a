/*
 * The sockets of plain upstreams, under the script: they are there at once.
 */
#ifndef REGRESS_TLS_SOCKETS_H
#define REGRESS_TLS_SOCKETS_H

#include "script.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define SOCKETS POOL_UDP_SOCKETS

extern bool is_open[POOL_CONNS]; /* of those that were opened */
extern size_t seen_opened; /* of s.opened[], these are up */

/* What was opened comes up. */
void open_sockets(void);
/* A question, which the upstream answers at once. */
void asked_and_answered(uint64_t id, const char *name);
/* One plain upstream with one address, and all its sockets. */
void begin_sockets(void);
/* A cut answer, and a connection that is refused: TCP is known to fail. */
void refuse_tcp(void);

#endif
