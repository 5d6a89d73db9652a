/*
 * Connections to upstreams: the I/O of them, TLS and its verification, or
 * neither for a plain upstream. Which there are and what is asked on them is
 * the pool's.
 */
#ifndef UNPRIV_TLS_CONN_H
#define UNPRIV_TLS_CONN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "dotproxy/ipc.h"

#include "pool.h"
#include "upstream.h"

/* An address is diagnosed at most once in so many milliseconds. */
#define CONN_DIAGNOSE_AGAIN 10000

/*
 * Whom connections are opened for, and told of: the pool, or a trial. conn is
 * the number it gave conn_open; only conn_close and conn_write may be called
 * from within.
 */
struct conn_owner {
	void (*connected)(uint32_t conn, uint64_t now);
	/* A certificate was refused, and why is being asked on a second
	 * connection; it can only end now. */
	void (*doomed)(uint32_t conn, uint64_t now);
	/* Its handshake is done and its chain was verified, or refused. A
	 * chain that is known may not be verified again. */
	void (*verified)(uint32_t conn, const struct upstream *u,
	    const struct verify_result *result, struct tls *tls);
	void (*up)(uint32_t conn, uint64_t now);
	void (*room)(uint32_t conn);
	/* False: it has been closed. */
	bool (*message)(uint32_t conn, uint8_t *msg, size_t len, uint64_t now);
	/* detail (NULL: none) is for an operator. */
	void (*ended)(uint32_t conn, enum reason reason, const char *detail,
	    uint64_t now);
};

void conns_init(struct event_base *base, struct ipc *parent);
void conns_set_owner(const struct conn_owner *owner);
/* The config that connections are opened and verified by from now on; the
 * owner has closed those that were being opened. Not owned. */
void conns_configure(const struct upstreams *all);

/* Of struct pool_ops. Of a plain upstream, addresses below its naddress are
 * those of UDP, and from there on the same again those of TCP. */
bool conn_open(uint32_t conn, uint32_t upstream, uint32_t address);
void conn_close(uint32_t conn);
bool conn_write(uint32_t conn, uint16_t id, const struct dns_question *question,
    uint8_t ask);

/* The parent's answer to IPC_CONNECT; fd (or -1) is taken over. */
void conns_socket(uint32_t serial, uint32_t error, int fd);
/* When it began to shake hands, in microseconds (clock_us). */
uint64_t conn_began(uint32_t conn);
/* At the end of a turn: what was written goes out, many in one record. */
void conns_flush(void);
/* Ends all of them, politely. */
void conns_close(void);

#endif
