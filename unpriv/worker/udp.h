/*
 * Questions and answers over UDP, in batches: no allocation and no system
 * call for a single packet.
 */
#ifndef UNPRIV_WORKER_UDP_H
#define UNPRIV_WORKER_UDP_H

#include "listener.h"
#include "query.h"

/* Once, before the first socket is read. */
void udp_init(void);
/* Reads some batches; not all there is, so that others have their turn. True:
 * it was found empty. */
bool udp_read(struct listener *listener);
/* Reads until there is nothing more (or a bound that is not met in peace). */
void udp_drain(struct listener *listener);
/* Queues an answer; it is sent when enough are there, or by udp_flush. */
void udp_reply(const struct query_reply *reply);
void udp_flush(void);

#endif
