/*
 * The bytes of a connection: TLS over a TCP socket, or to a plain upstream the
 * socket's own, a stream or datagrams. Of conn.c and handshake.c alone.
 */
#ifndef UNPRIV_TLS_CARRY_H
#define UNPRIV_TLS_CARRY_H

#include <sys/types.h>

#include "conn_state.h"

/* Takes in what came, and hands its owner each message of it. The connection
 * may have ended after it. */
void carry_in(struct conn *c);
/* Writes what waits to be written, as far as the socket takes it; likewise. */
void carry_out(struct conn *c);
/* Why the socket, or TLS, is at its end. */
enum reason carry_why_ended(const struct conn *c);

/* The socket, for libtls; arg is the connection. */
ssize_t carry_from_socket(struct tls *tls, void *buf, size_t len, void *arg);
ssize_t
carry_to_socket(struct tls *tls, const void *buf, size_t len, void *arg);

#endif
