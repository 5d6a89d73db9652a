/*
 * What each connection is at, and which of them goes when there is room for no
 * more. Shared by the files of TCP.
 */
#ifndef UNPRIV_WORKER_TCP_PLACE_H
#define UNPRIV_WORKER_TCP_PLACE_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "source.h"
#include "stream.h"

/* What has to come at once of who means it, ms: a first question, or the rest
 * of one. Less is no reason to go. */
#define PLACE_GRACE_MS 200

enum place {
	PLACE_SLOW, /* half a question has come; since when, in order */
	PLACE_NEW, /* nothing has; in order */
	PLACE_IDLE, /* it has asked before; in order */
	PLACE_BUSY, /* it waits for answers */
	PLACES
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	TAILQ_ENTRY(conn) dirty_entry;
	struct event reading, writing;
	struct stream stream;
	struct netaddr address;
	int fd;
	uint32_t serial; /* 0: free */
	uint32_t source;
	enum place place;
	bool dirty;
	bool asked; /* a whole question, at least */
	bool blocked; /* waits for writing */
	bool broken; /* the socket is of no use any more */
	bool stranger; /* was told REFUSED: not read any more */
};
TAILQ_HEAD(conns, conn);

struct places {
	struct conns list[PLACES];
};

void places_init(struct places *p);
void places_add(struct places *p, struct conn *c);
/* After a turn in which something happened to it. */
void places_move(struct places *p, struct conn *c, uint64_t now);
void places_remove(struct places *p, struct conn *c);

/*
 * Who is missed least, for one whose client has that many connections, this one
 * included: who is slow with a question, then who has not asked, then who is
 * idle, longest first; then one of the client that has most, if that is more
 * than one above the newcomer's. None of this turn but of those, as it may have
 * just asked. NULL: nobody.
 */
struct conn *places_least_missed(const struct places *p,
    const struct source_table *sources, uint32_t count, uint64_t now);

#endif
