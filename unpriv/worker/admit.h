/*
 * Who goes first when more comes than can be served: who has proved its
 * address, then who has been coming back, and of strangers only some get an
 * answer, that sends them to TCP. Pure: no socket and no clock.
 */
#ifndef UNPRIV_WORKER_ADMIT_H
#define UNPRIV_WORKER_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "dotproxy/bucket.h"

/* It begins with one of: */
#define ADMIT_FULL_TURNS 8 /* of the socket, none of which emptied it */
#define ADMIT_ON	 2 /* a half of what can wait does wait */
#define ADMIT_FLIGHT	 1024 /* so many of those that wait are strangers' */
#define ADMIT_QUEUE	 (1 << 20) /* bytes that a full turn left unread */
/* and ends when for so long all of these were true: */
#define ADMIT_CALM_MS	1000
#define ADMIT_OFF	4 /* less than a quarter waits */
#define ADMIT_STRANGERS 4000 /* so many strangers came, at most */

/* While it lasts: */
#define ADMIT_TC_RATE  1000 /* strangers told TC=1, a second */
#define ADMIT_TC_BURST 100 /* and at once */
/* An eighth of what can wait is for who is proven, and for nobody else. */
#define ADMIT_RESERVE 8

enum admit_class { ADMIT_PROVEN, ADMIT_REGULAR, ADMIT_STRANGER };
enum admit_verdict { ADMIT_TAKE, ADMIT_TC, ADMIT_DROP };

/* What waits for an answer, or to be asked, and how much of it may; and how
 * much waits for answers of those that were strangers when they asked. */
struct admit_load {
	uint32_t waiting, most;
	uint32_t strangers;
	/* Bytes in the socket that a full turn left most in, as the kernel
	 * counts them. */
	uint32_t queued;
};

struct admit {
	bool on;
	bool reserved; /* only what is left for the proven is left */
	uint32_t full_turns;
	uint64_t calm_since; /* ms */
	uint32_t strangers; /* since then */
	struct bucket tc;
};

/*
 * Once for each turn of the loop, before its questions, with the fullest of
 * what may fill up; full: the turn before read as much as a turn may, and left
 * more. True: it has just begun, or ended (admit->on).
 */
bool admit_turn(
    struct admit *a, const struct admit_load *load, bool full, uint64_t now);

/* What becomes of a question of that class: TC and DROP are for UDP; over TCP
 * all are proven. */
enum admit_verdict
admit_look(struct admit *a, enum admit_class class, uint64_t now);
/* One of whom it said TC is told nothing: another may be. */
void admit_untold(struct admit *a);

#endif
