/*
 * Clients' connections: a fixed number of them, some for each client. What a
 * connection does is stream.h's; here are the sockets.
 */
#ifndef UNPRIV_WORKER_TCP_H
#define UNPRIV_WORKER_TCP_H

#include "listener.h"
#include "query.h"

/* Once, at start. */
void tcp_init(void);
/* Of a config. The memory is taken at the first; later it is never more. */
void tcp_set_limits(uint32_t max, uint32_t each);

void tcp_accept(struct listener *listener);
/* Accepts all that is there, before the listener is given up. */
void tcp_drain(struct listener *listener);
/* Queues an answer; it is written by tcp_flush. */
void tcp_reply(const struct query_reply *reply);
/* Goes on with each connection that something happened to. */
void tcp_flush(void);
bool tcp_is_dirty(void);
/* Ends what has run out of time. */
void tcp_tick(void);
/* Whether tcp_tick will have something to look at. */
bool tcp_is_pending(void);
/* Takes what was sent already, then reads no more. */
void tcp_stop(void);
/* Whether answers wait to be written. */
bool tcp_is_unsent(void);

#endif
