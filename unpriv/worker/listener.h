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
	bool resting; /* read by the clock, and not waited for */
	uint64_t seen_at; /* ms; of what came then: */
	uint32_t seen, shed;
};

/* Makes the clock of those that rest; before the sandbox. */
void listener_init(void);

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

/*
 * So many came through it, and so many of them were not read: of LISTENER_SHED
 * in a millisecond that are half of all, the socket rests. Then it is read each
 * LISTENER_REST_US, since to be woken for a few at a time is most of what it
 * costs to drop them; who asks as well waits that much longer, at most.
 */
#define LISTENER_SHED	 8
#define LISTENER_REST_US 500
void listener_seen(struct listener *listener, uint32_t n, uint32_t shed);

/* How many bytes wait to be read from it, with what each message costs the
 * kernel; 0 if that is not known. */
uint32_t listener_queued(const struct listener *listener);

/* Closes the retired ones that nobody needs; once each turn. */
void listener_reap(void);
/* Adds what the kernel dropped since the last look to the counters. */
void listener_count_drops(void);

#endif
