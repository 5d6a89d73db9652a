/*
 * From a connected socket to an upstream that is who it must be, or to the
 * reason why it is not.
 */
#ifndef UNPRIV_TLS_HANDSHAKE_H
#define UNPRIV_TLS_HANDSHAKE_H

#include "conn_state.h"

/* Another config: what was found out before is forgotten. */
void handshake_reset(void);
/* The socket is connected. It ends in conn_go_up, conn_ended, or a second
 * socket asked for, to find out why. */
void handshake_begin(struct conn *c);
/* The socket is ready for what it was watched for. */
void handshake_continue(struct conn *c);

#endif
