/*
 * One turn of the worker's loop: events, then everything that they left to be
 * sent in as few system calls as can be. What the files here share: the
 * clock of the turn, the config in force and the questions in flight.
 */
#ifndef UNPRIV_WORKER_LOOP_H
#define UNPRIV_WORKER_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>

#include "block.h"
#include "query.h"
#include "settings.h"

/* Resolution of every time-out of the worker, ms. */
#define LOOP_TICK_MS 100
/* After IPC_STOP: what is in flight has this long to be answered, ms. */
#define LOOP_STOP_MS 1000

extern struct event_base *loop_base;
extern struct settings loop_settings; /* in force */
extern struct query_table loop_queries;
extern struct blocker loop_blocker;
/* Room for the one reply being made; valid until the next. */
extern struct query_reply loop_reply;

/* Makes the event base; before the sandbox. */
void loop_init(void);
/* Turns until loop_stop has run its course; then returns. */
void loop_run(void);
/* The time of this turn, ms: read at most once for each. */
uint64_t loop_now(void);
/* Takes no more questions, answers what is in flight, then ends the loop. */
void loop_stop(void);
/* Sends a reply to the client it is for. */
void loop_send(const struct query_reply *reply);

#endif
