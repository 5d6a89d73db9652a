/*
 * A trial (dotproxy -t): each address of a config is connected to once,
 * verified as ever, and asked one question; the parent is told how it did.
 */
#ifndef UNPRIV_TLS_TRIAL_H
#define UNPRIV_TLS_TRIAL_H

#include <stdint.h>

#include "dotproxy/ipc.h"

#include "conn.h"
#include "upstream.h"

/* Addresses that are tried at once, at most; more than one only while
 * those before keep it waiting, so that none is measured wrongly. */
#define TRIAL_AT_ONCE	8
#define TRIAL_STAGGER	250 /* milliseconds */
#define TRIAL_ONCE_MORE 1000 /* for a datagram that was not answered */
#define TRIAL_AGAIN	50 /* for a socket, or for room in the channel */

/* The config is whole, and not to be freed from now on. random as of struct
 * pool_ops. */
void trial_begin(const struct upstreams *all, struct ipc *parent,
    uint16_t (*random)(void *));
/* Does what is due, at the end of each turn; returns when to come again. */
uint64_t trial_turn(uint64_t now);
/* What connections of a trial tell. */
const struct conn_owner *trial_owner(void);

#endif
