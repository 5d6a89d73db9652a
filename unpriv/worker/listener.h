/*
 * The sockets that the parent gave: which are read, and which are only kept
 * because a question of theirs is in flight. A worker makes none itself.
 */
#ifndef UNPRIV_WORKER_LISTENER_H
#define UNPRIV_WORKER_LISTENER_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "dotproxy/ipc.h"

#include "settings.h"

/* Those in force, and as many of the configs before. */
#define LISTENERS_MAX (2 * SETTINGS_SOCKETS)

struct listener {
	struct ipc_listen listen;
	struct event event;
	int fd; /* -1: free */
	uint32_t serial; /* never the same twice */
	uint32_t in_flight; /* questions to be answered through it */
	uint32_t dropped; /* by the kernel, as of the last look */
	bool retired; /* of an earlier config: not read any more */
	bool wildcard;
	bool busy; /* read in each turn, and not waited for */
};

/*
 * Takes the sockets of a config: one that is listened on already stays as it
 * is, new ones are read from now on, the others are read until empty and
 * retired.
 */
void listener_apply(struct staged *staged);

/* NULL: it is gone. */
struct listener *listener_get(uint32_t object, uint32_t serial);
uint32_t listener_object(const struct listener *listener);

/* Reads what is there once more, then nothing, for ever. */
void listener_stop(void);
/* Stops accepting for a while (no descriptors left), and begins again. */
void listener_pause_tcp(bool pause);
/*
 * A UDP socket with so much to read that nobody need wait for it: until it is
 * found empty it is out of the event loop, which the kernel would else wake
 * for each packet that comes, and for each that is sent.
 */
void listener_busy(struct listener *listener);
bool listener_is_busy(void); /* any of them */
/* Reads from those; once each turn. */
void listener_read_busy(void);

/* Closes the retired ones that nobody needs; once each turn. */
void listener_reap(void);
/* Adds what the kernel dropped since the last look to the counters. */
void listener_count_drops(void);

#endif
