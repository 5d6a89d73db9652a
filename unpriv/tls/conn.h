/*
 * Connections to upstreams: the I/O of them, TLS and its verification, or neither for a
 * plain upstream. Which
 * there are and what is asked on them is the pool's.
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

void conns_init(struct event_base *base, struct pool *pool, struct ipc *parent);
/* The config that connections are opened and verified by from now on; the
 * pool has closed those that were being opened. Not owned. */
void conns_configure(const struct upstreams *all);

/* Of struct pool_ops. Of a plain upstream, addresses below its naddress are
 * those of UDP, and from there on the same again those of TCP. */
bool conn_open(uint32_t conn, uint32_t upstream, uint32_t address);
void conn_close(uint32_t conn);
bool conn_write(uint32_t conn, uint16_t id, const struct dns_question *question,
    uint8_t ask);

/* The parent's answer to IPC_CONNECT; fd (or -1) is taken over. */
void conns_socket(uint32_t serial, uint32_t error, int fd);
/* At the end of a turn: what was written goes out, many in one record. */
void conns_flush(void);
/* Ends all of them, politely. */
void conns_close(void);

#endif
