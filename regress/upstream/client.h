/*
 * A client of the upstream that asks it to misbehave: what came is told apart
 * as a client sees it on the wire.
 */
#ifndef REGRESS_UPSTREAM_CLIENT_H
#define REGRESS_UPSTREAM_CLIENT_H

#include <sys/types.h>

#include <atf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tls.h>

#define PATIENCE_MS 5000 /* for what must come */

struct client {
	struct tls *tls;
	int fd;
	size_t largest; /* of all that tls_read gave at once */
	ssize_t ended; /* what it gave at the end: 0 is close_notify */
};

/* What came: a whole frame, nothing (yet), the end, or the end within one. */
enum came { CAME_FRAME, CAME_NOTHING, CAME_END, CAME_TORN };

extern pid_t upstream;
extern uint8_t frame[65535]; /* the last that came */
extern size_t frame_len;

/* Runs the upstream beside this test program with these faults. */
void start(const atf_tc_t *tc, const char *const faults[]);
/* Ends it; its totals must have this in them. */
void stop(const char *totals);
/* A socket, or -1 with errno. */
int connected(void);
struct client dial(void);
/* ... before its handshake. */
struct client connected_tls(void);
void hang_up(struct client *c);
/* All of them in one record. */
void ask(struct client *c, const uint16_t *ids, const char *const *names);
enum came receive(struct client *c, int ms);
enum came receive_bytes(struct client *c, uint8_t *buf, size_t len, int ms);
/* The next frame has this ID. */
void expect_id(struct client *c, uint16_t id);

#endif
