/*
 * In which order, when and in what shape the questions of a connection are
 * answered, or not: where the faults are made. Does no I/O.
 */
#include <err.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn.h"

/* Of one connection; what comes beyond is lost and counted. */
#define PENDING_MAX 8192

#define BATCH	    4 /* of --out-of-order */
#define BATCH_MS    20 /* ... when no more come */

struct pending {
	TAILQ_ENTRY(pending) entry;
	struct conn *conn;
	struct event *timer; /* NULL: due at once */
	uint64_t number; /* among the questions of all connections */
	uint8_t *question; /* as it was asked, ID included */
	size_t len; /* up to the end of the question */
	size_t answer_len;
	uint8_t answer[];
};

static void pause_all(unsigned);
static bool in_flight(const struct pendings *, const uint8_t *, size_t);
static void hold(struct conn *, struct asked *, const uint8_t *);
static unsigned delay_of(const struct server *, const struct asked *);
static void timed(evutil_socket_t, short, void *);
static void due(struct pending *);
static void answer(struct conn *, const struct pending *);
static bool put_faulty(struct conn *, const struct pending *);
static void put_frame(struct conn *, const uint8_t *, size_t, size_t);
static void put_random(struct conn *);
static void judge_ending(struct conn *);
static void pending_free(struct conn *, struct pendings *, struct pending *);
static void log_query(const struct conn *, const struct asked *, size_t);
static bool nth(uint64_t, unsigned);

void
reply_take(struct conn *c, const uint8_t *msg, size_t len)
{
	struct server *s = c->server;
	struct asked asked;

	if (!zone_read(&asked, msg, len)) {
		s->totals.malformed++;
		return;
	}
	s->totals.queries++;
	log_query(c, &asked, len);
	if (nth(s->totals.queries, s->faults.pause_every))
		pause_all(s->faults.pause_for);
	if (in_flight(&c->pending, msg, asked.question_end) ||
	    in_flight(&c->held, msg, asked.question_end)) {
		s->totals.duplicates++;
		if (s->faults.reuse_loss)
			return;
	}
	if (c->npending >= PENDING_MAX)
		s->totals.dropped++;
	else
		hold(c, &asked, msg);
}

void
reply_due(struct conn *c)
{
	struct pending *p, *next;

	for (p = TAILQ_FIRST(&c->pending); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->timer == NULL)
			due(p);
	}
}

void
reply_batch(int fd, short what, void *arg)
{
	struct conn *c = arg;
	struct pending *p, *next;

	(void)fd;
	(void)what;
	event_del(c->batch);
	/* Each was put at the head: the last one is first. */
	for (p = TAILQ_FIRST(&c->held); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		answer(c, p);
		pending_free(c, &c->held, p);
	}
	conn_kick(c);
}

void
reply_forget(struct conn *c)
{
	struct pending *p, *next;

	for (p = TAILQ_FIRST(&c->pending); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		pending_free(c, &c->pending, p);
	}
	for (p = TAILQ_FIRST(&c->held); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		pending_free(c, &c->held, p);
	}
}

/* All connections at once, and new ones: as a machine does that hangs. */
static void
pause_all(unsigned ms)
{
	struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

/* The same name, type and class; whatever the ID and the flags. */
static bool
in_flight(const struct pendings *list, const uint8_t *msg, size_t len)
{
	const struct pending *p = TAILQ_FIRST(list);

	for (; p != NULL; p = TAILQ_NEXT(p, entry)) {
		if (p->len == len &&
		    memcmp(p->question + 12, msg + 12, len - 12) == 0)
			return true;
	}
	return false;
}

/* Makes the answer and lets it wait until it is due. */
static void
hold(struct conn *c, struct asked *asked, const uint8_t *msg)
{
	static uint8_t out[MESSAGE_MAX];
	struct server *s = c->server;
	struct pending *p;
	size_t len;
	unsigned ms;

	len = zone_answer(
	    asked, msg, out, nth(s->totals.queries, s->faults.servfail_every));
	if ((p = calloc(1, sizeof(*p) + len)) == NULL ||
	    (p->question = malloc(asked->question_end)) == NULL)
		err(1, "malloc");
	memcpy(p->answer, out, len);
	memcpy(p->question, msg, asked->question_end);
	p->answer_len = len;
	p->len = asked->question_end;
	p->conn = c;
	p->number = s->totals.queries;
	TAILQ_INSERT_TAIL(&c->pending, p, entry);
	c->npending++;
	if ((ms = delay_of(s, asked)) == 0)
		return;
	if ((p->timer = evtimer_new(s->base, timed, p)) == NULL)
		errx(1, "evtimer_new");
	conn_after(p->timer, ms);
}

static unsigned
delay_of(const struct server *s, const struct asked *asked)
{
	unsigned ms = s->faults.delay + asked->slow;

	if (nth(s->totals.queries, s->faults.late_every))
		ms += s->faults.late_by;
	return ms;
}

static void
timed(evutil_socket_t fd, short what, void *arg)
{
	struct pending *p = arg;
	struct conn *c = p->conn;

	(void)fd;
	(void)what;
	due(p);
	conn_kick(c);
}

/* Frees p unless it stays in flight. */
static void
due(struct pending *p)
{
	struct conn *c = p->conn;
	const struct faults *f = &c->server->faults;

	if (c->stalled || f->stall_all)
		return;
	if (!f->out_of_order) {
		answer(c, p);
		pending_free(c, &c->pending, p);
		return;
	}
	TAILQ_REMOVE(&c->pending, p, entry);
	c->npending--;
	TAILQ_INSERT_HEAD(&c->held, p, entry);
	if (++c->nheld >= BATCH)
		reply_batch(-1, 0, c);
	else
		conn_after(c->batch, BATCH_MS);
}

static void
answer(struct conn *c, const struct pending *p)
{
	const struct faults *f = &c->server->faults;

	if (c->ending != ENDING_NOT || c->stalled)
		return;
	if (put_faulty(c, p) && f->instead)
		return;
	if ((f->half_after != 0 && c->answers >= f->half_after) ||
	    (f->half_stall_after != 0 && c->answers >= f->half_stall_after)) {
		put_frame(c, p->answer, p->answer_len, p->answer_len / 2);
		if (f->half_after != 0)
			c->ending = ENDING_CLOSE;
		else
			c->stalled = true;
		return;
	}
	put_frame(c, p->answer, p->answer_len, p->answer_len);
	c->answers++;
	c->server->totals.answers++;
	judge_ending(c);
}

/* What goes before the right answer, and must not be taken for it; false:
 * nothing. */
static bool
put_faulty(struct conn *c, const struct pending *p)
{
	const struct faults *f = &c->server->faults;
	static uint8_t wrong[MESSAGE_MAX];
	bool put = false;

	memcpy(wrong, p->answer, p->answer_len);
	if (nth(p->number, f->wrong_id_every)) {
		wrong[0] ^= 0xff;
		put_frame(c, wrong, p->answer_len, p->answer_len);
		wrong[0] ^= 0xff;
		put = true;
	}
	/* Another letter in the name, or another type of the root. */
	if (nth(p->number, f->wrong_question_every)) {
		wrong[p->len > 17 ? 13 : 14] ^= 1;
		put_frame(c, wrong, p->answer_len, p->answer_len);
		put = true;
	}
	/* With the right ID, too short for a header, and empty. */
	if (nth(p->number, f->garbage_every)) {
		arc4random_buf(wrong + 2, 254);
		put_frame(c, wrong, 256, 256);
		put_frame(c, wrong, 7, 7);
		put_frame(c, wrong, 0, 0);
		put = true;
	}
	return put;
}

/* The first part bytes of a message of len. */
static void
put_frame(struct conn *c, const uint8_t *msg, size_t len, size_t part)
{
	const uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };

	if (evbuffer_add(c->out, head, sizeof(head)) == -1 ||
	    evbuffer_add(c->out, msg, part) == -1)
		errx(1, "evbuffer_add");
}

static void
put_random(struct conn *c)
{
	uint8_t bytes[4096];

	arc4random_buf(bytes, sizeof(bytes));
	if (evbuffer_add(c->out, bytes, sizeof(bytes)) == -1)
		errx(1, "evbuffer_add");
}

static void
judge_ending(struct conn *c)
{
	const struct faults *f = &c->server->faults;

	if (f->garbage_stream != 0 && c->answers >= f->garbage_stream) {
		put_random(c);
		c->ending = ENDING_CLOSE;
	} else if (f->close_after != 0 && c->answers >= f->close_after)
		c->ending = ENDING_CLOSE;
	else if (f->reset_after != 0 && c->answers >= f->reset_after)
		c->ending = ENDING_RESET;
	else if (f->stall_after != 0 && c->answers >= f->stall_after)
		c->stalled = true;
}

static void
pending_free(struct conn *c, struct pendings *list, struct pending *p)
{
	TAILQ_REMOVE(list, p, entry);
	if (list == &c->pending)
		c->npending--;
	else
		c->nheld--;
	if (p->timer != NULL)
		event_free(p->timer);
	free(p->question);
	free(p);
}

static void
log_query(const struct conn *c, const struct asked *asked, size_t len)
{
	if (c->server->log == NULL)
		return;
	fprintf(c->server->log,
	    "query conn=%ju name=%s type=%u id=%u len=%zu padded=%d opt=%d "
	    "do=%d cd=%d ad=%d rd=%d ecs=%d\n",
	    (uintmax_t)c->id, asked->name, asked->type, asked->id, len,
	    len % 128 == 0, asked->opt, asked->do_bit,
	    (asked->flags & 0x10) != 0, (asked->flags & 0x20) != 0,
	    (asked->flags & 0x100) != 0, asked->ecs);
}

static bool
nth(uint64_t number, unsigned every)
{
	return every != 0 && number % every == 0;
}
