/*
 * A connection, for the files that are its life (conn.c, handshake.c,
 * carry.c) and nobody else.
 */
#ifndef UNPRIV_TLS_CONN_STATE_H
#define UNPRIV_TLS_CONN_STATE_H

#include "conn.h"
#include "known.h"
#include "stream.h"

enum conn_state {
	CONN_FREE,
	CONN_ASKED, /* the parent, for a socket */
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_UP
};

/* Bytes of the socket in a turn: within one tls_read libtls goes on through
 * records that hold no data (key updates, tickets) for as long as they come. */
#define CONN_BYTES_TURN 524288

struct conn {
	enum conn_state state;
	uint32_t upstream, address; /* of the config it was opened under */
	uint32_t serial;
	int fd;
	struct tls *tls; /* NULL: none yet, or a plain one */
	bool plain; /* to a plain upstream: it never has TLS */
	bool udp; /* a message is a datagram */
	bool heard; /* a message came on it */
	/* Opened without verification, only to learn why another failed: it
	 * ends when its handshake does. */
	bool diagnose;
	enum known_how how; /* libtls verifies it */
	bool dirty; /* on the list of those to flush */
	bool blocked; /* a write waits for the socket */
	bool eof; /* the socket's, not TLS's */
	int error; /* errno of the socket's end; 0: none */
	size_t taken; /* bytes of the socket in this turn */
	uint64_t began; /* us, the handshake */
	struct event *readable, *writable;
	struct stream in;
	uint8_t *out; /* as over a stream, whatever it is */
	size_t out_len;
};

const struct conn_owner *conn_owner(void);
const struct upstreams *conn_upstreams(void);
uint32_t conn_index(const struct conn *c);
/* For a socket; false: it cannot be asked now. */
bool conn_ask_parent(struct conn *c);
/* What the socket is waited for. */
void conn_watch(struct conn *c, bool in, bool out);
/* Verified by all that was asked: it takes questions. */
void conn_go_up(struct conn *c);
/* Lets it go, and tells its owner why; detail (or NULL) is for the log. */
void conn_ended(struct conn *c, enum reason reason, const char *detail);
/* Its socket and TLS only; polite: with a close_notify if it is up. */
void conn_drop_socket(struct conn *c, bool polite);

#endif
