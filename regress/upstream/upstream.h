/*
 * A DNS-over-TLS upstream for tests and benches, which misbehaves as it is
 * told. It shares no code with what it tests.
 */
#ifndef REGRESS_UPSTREAM_UPSTREAM_H
#define REGRESS_UPSTREAM_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct event_base;
struct tls;

#define MESSAGE_MAX 65535

/* How it is to misbehave; 0 is "not at all" in each. */
struct faults {
	unsigned close_idle; /* ms */
	unsigned close_after, reset_after, half_after, stall_after;
	unsigned half_stall_after;
	unsigned garbage_stream; /* after that many answers */
	unsigned late_every, late_by; /* late_by: ms */
	unsigned pause_every, pause_for; /* questions; ms, the whole of it */
	unsigned wrong_id_every, wrong_question_every;
	unsigned servfail_every, garbage_every;
	unsigned refuse_after; /* connections */
	unsigned delay; /* ms, of every answer */
	bool no_notify; /* closes without close_notify */
	bool instead; /* wrong answers, in place of the right ones */
	bool stall_all;
	bool out_of_order;
	bool drip;
	bool reuse_loss;
	bool handshake_stall;
};

struct totals {
	uint64_t connections, handshakes, queries, answers;
	uint64_t duplicates; /* of a question in flight on its connection */
	uint64_t records; /* TLS records that held a whole question */
	uint64_t malformed; /* frames that no question could be read from */
	uint64_t dropped; /* too many in flight on a connection */
};

struct server {
	struct event_base *base;
	struct tls *tls;
	struct faults faults;
	struct totals totals;
	FILE *log; /* a line for each query and record, NULL: none */
	unsigned open; /* connections, at most CONNS_MAX */
};

#define CONNS_MAX 1024

/* Takes the descriptor of an accepted connection. */
void conn_new(struct server *server, int fd);

/* What was asked, for the log and for what steers the answer. */
struct asked {
	char name[1025]; /* escaped, with its last dot */
	uint16_t id, flags, type, class;
	size_t question_end;
	bool opt, do_bit, ecs, padding;
	unsigned slow; /* ms that the name asks for */
};

/* False if msg is no question. */
bool zone_read(struct asked *asked, const uint8_t *msg, size_t len);

/*
 * Writes the answer to msg, which asked was read from, into out (of
 * MESSAGE_MAX bytes) and returns its length.
 */
size_t zone_answer(
    const struct asked *asked, const uint8_t *msg, uint8_t *out, bool servfail);

#endif
