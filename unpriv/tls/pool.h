/*
 * The pool: which question goes to which connection, when it is asked again,
 * when a connection is opened or given up, and when a question has failed. A
 * pure core: events go in with the time, actions come out through pool_ops.
 * It does no I/O and knows no TLS.
 */
#ifndef UNPRIV_TLS_POOL_H
#define UNPRIV_TLS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/conf.h"
#include "dotproxy/siphash.h"
#include "unpriv/dns/dns.h"

#include "reason.h"

/* Of either a worker gets half, which is all that one has in flight: so one
 * that is broken into cannot turn the others' questions away. */
#define POOL_QUESTIONS	   32768
#define POOL_WAITERS	   32768
#define POOL_CONNS	   128 /* all of them */
#define POOL_CONNS_ADDRESS 4 /* of one address that take questions */
#define POOL_OPENING	   4 /* of one address that do not yet */
#define POOL_CONN_FULL	   4096 /* questions in flight on one */
#define POOL_CONN_BUSY	   64 /* above this another is opened */
#define POOL_BAD_MAX	   100 /* bad messages in a row */

/*
 * Of plain upstreams. Who forges an answer must guess the port of a socket, an
 * ID and the case of letters: several sockets of an address are in use, and
 * each is left before there is time to find its port by trying, which takes
 * minutes; and at once if too much comes that nobody asked for.
 */
#define POOL_ADDRESSES_MAX (2 * CONF_ADDRESSES_MAX) /* by UDP and by TCP */
#define POOL_UDP_SOCKETS   4 /* of one address */
#define POOL_UDP_QUESTIONS 1024 /* on one socket */
#define POOL_UDP_AGE	   10000 /* ms; half of it at least */
#define POOL_UDP_LINGER	   1000 /* ms; for what is in flight on it then */
#define POOL_UDP_BAD	   32 /* bad messages on one socket */

/* Failures in a row that make an address suspect, and the bounds of what goes
 * by between two probes of it, as long as questions came lately; ms. */
#define POOL_SUSPECT   3
#define POOL_PROBE_MIN 250
#define POOL_PROBE_MAX 30000
#define POOL_PROBE_FOR 60000

/* A zone of so many questions a second has a connection to spare, but none
 * to an address that ended one before its use, for so many milliseconds. */
#define POOL_SPARE_RATE	 5
#define POOL_SPARE_AGAIN 10000

/* Of the policy fastest. */
#define POOL_AVERAGE_ONE 256 /* a millisecond */
#define POOL_EXPLORE	 50 /* questions until another address is tried */

/* Milliseconds. */
#define POOL_DEADLINE	 4000 /* of a question, since a worker asked */
#define POOL_FORGET	 10000 /* then a late answer counts no more */
#define POOL_SILENCE	 3000 /* of a doubted connection, without proof */
#define POOL_SILENCES	 1000 /* ... where there are several */
#define POOL_MISSED	 2 /* of what others answered: a late answer's head start */
#define POOL_LATE	 20 /* our own turn; then upstreams are excused, */
#define POOL_LATE_MAX	 100 /* ... for so long as it was, or this, */
#define POOL_LATE_AGAIN	 500 /* ... once in this time */
#define POOL_CONNECT	 3000
#define POOL_HANDSHAKE	 3000
#define POOL_STAGGER	 500 /* then the next address is tried, too */
#define POOL_IDLE	 8000
#define POOL_DRAIN	 5000
#define POOL_BACKOFF_MIN 100
#define POOL_BACKOFF_MAX 1000
#define POOL_HOLD	 300 /* of back-off that a question waits out */
#define POOL_PATIENCE	 1000 /* age up to which it does so again */

/*
 * What the pool wants done. conn is 0 .. POOL_CONNS - 1; none of these may
 * call back into the pool.
 */
struct pool_ops {
	/* Begin a connection; false: it cannot even be asked for. */
	bool (*open)(
	    void *ctx, uint32_t conn, uint32_t upstream, uint32_t address);
	/* End one, politely if it is up. The number is free again. */
	void (*close)(void *ctx, uint32_t conn);
	/* Write a question; false: no room now, say pool_conn_room later. */
	bool (*write)(void *ctx, uint32_t conn, uint16_t id,
	    const struct dns_question *question, uint8_t ask);
	/* For the worker; msg until the return. */
	void (*answer)(void *ctx, uint32_t worker, uint64_t id,
	    const uint8_t *msg, size_t len);
	void (*fail)(void *ctx, uint32_t worker, uint64_t id, uint16_t ede,
	    const char *text);
	/* An address failed (or, REASON_NONE, is in use), for the log. */
	void (*report)(
	    void *ctx, uint32_t upstream, uint32_t address, enum reason reason);
	/* An address became suspect for that reason, or well again. */
	void (*health)(void *ctx, uint32_t upstream, uint32_t address,
	    bool suspect, enum reason reason);
	/* Not to be foreseen. */
	uint16_t (*random)(void *ctx);
};

/* What the pool must know of an upstream. */
struct pool_upstream {
	char name[CONF_NAME_MAX];
	uint32_t naddress; /* 1 .. POOL_ADDRESSES_MAX */
	/* Of a plain one the first half are over UDP, the other half the same
	 * over TCP, in the same order. 0: over TLS. */
	uint32_t nudp;
	/* The same upstream and address in the config before, with all that a
	 * connection to it was verified by; UINT32_MAX: there was none. */
	uint32_t was_upstream[POOL_ADDRESSES_MAX];
	uint32_t was_address[POOL_ADDRESSES_MAX];
};

struct pool;

/* NULL without memory. conns: at most POOL_CONNS are used. */
struct pool *pool_new(const struct pool_ops *ops, void *ctx,
    const struct siphash_key *key, uint32_t conns);
void pool_free(struct pool *p);

/*
 * Takes a config as a whole: connections that were to the same are kept,
 * those being opened are closed and opened again, others drain. nupstream is
 * 1 .. CONF_UPSTREAMS_MAX; nzone is 1 .. CONF_ZONES_MAX, zone[0] the root, and
 * the upstreams of a zone are of these. A question in flight at an upstream
 * that is not of its zone any more is asked again where it is.
 */
void pool_configure(struct pool *p, const struct pool_upstream *upstream,
    uint32_t nupstream, const struct conf_zone *zone, uint32_t nzone,
    uint64_t now);

/* A worker's question. It is answered or failed in all cases. */
void pool_ask(struct pool *p, uint32_t worker, uint64_t id,
    const struct dns_question *question, uint8_t ask, uint64_t now);
/* This worker is gone: nothing of it is answered any more. */
void pool_forget(struct pool *p, uint32_t worker);
/* How many answers workers wait for. */
size_t pool_waiting(const struct pool *p);

/* The connection has TCP; its handshake begins. */
void pool_conn_connected(struct pool *p, uint32_t conn, uint64_t now);
/* Its certificate was refused, and why is being asked on a second connection;
 * it can only end now. */
void pool_conn_doomed(struct pool *p, uint32_t conn, uint64_t now);
/* Verified; it takes questions. */
void pool_conn_up(struct pool *p, uint32_t conn, uint64_t now);
/* It has room to write again. */
void pool_conn_room(struct pool *p, uint32_t conn);
/*
 * A message came on it; it may be changed. False: too many bad ones, and the
 * connection has been closed.
 */
bool pool_conn_message(
    struct pool *p, uint32_t conn, uint8_t *msg, size_t len, uint64_t now);
/* It ended, whether it was up or not; the number is free again. REASON_NONE:
 * through no fault of the address. */
void pool_conn_ended(
    struct pool *p, uint32_t conn, enum reason reason, uint64_t now);

/*
 * The kernel reaches an address another way than before: its connections are
 * dropped, what was in flight is asked again, and it may be tried at once.
 */
void pool_network_changed(
    struct pool *p, uint32_t upstream, uint32_t address, uint64_t now);

/*
 * Does what is due: to be called once for each turn of the loop, after its
 * events. Returns when to come again at the latest; UINT64_MAX: no matter.
 */
uint64_t pool_turn(struct pool *p, uint64_t now);
/*
 * This process was held up: the turn came so many milliseconds after it was
 * due. No upstream is to blame for what it did not answer meanwhile, until
 * there was time to read it. To be called before the turn.
 */
void pool_late(struct pool *p, uint64_t late, uint64_t now);
/* Whether something happened since that another turn should see at once. */
bool pool_has_changed(const struct pool *p);

#endif
