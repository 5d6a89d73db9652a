/*
 * libFuzzer: any bytes as what an upstream sends on a verified connection,
 * in pieces of any size. The first byte chooses the pieces.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dotproxy/siphash.h"
#include "unpriv/dns/answer.h"
#include "unpriv/tls/pool.h"
#include "unpriv/tls/stream.h"

#define QUESTIONS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const uint8_t *, size_t, size_t);
static void ask_all(void);
static void must(bool, const char *);

static struct pool *pool;
static uint64_t now = 1000;
static uint8_t buf[STREAM_BUFFER];
static bool open_, waiting[QUESTIONS];
static struct dns_question asked[QUESTIONS];
static uint16_t next_id;

static bool
op_open(void *ctx, uint32_t conn, uint32_t upstream, uint32_t address)
{
	(void)ctx;
	(void)upstream;
	(void)address;
	must(conn == 0, "a connection too many");
	return true;
}

static void
op_close(void *ctx, uint32_t conn)
{
	(void)ctx;
	(void)conn;
	open_ = false;
}

static bool
op_write(void *ctx, uint32_t conn, uint16_t id, const struct dns_question *q,
    uint8_t ask)
{
	(void)ctx;
	(void)conn;
	(void)ask;
	must(id < QUESTIONS, "more IDs than questions");
	asked[id] = *q;
	return true;
}

/* An answer must still be one when its padding is off, and to what was asked,
 * and come once. */
static void
op_answer(
    void *ctx, uint32_t worker, uint64_t id, const uint8_t *msg, size_t len)
{
	struct dns_answer answer;

	(void)ctx;
	(void)worker;
	must(id < QUESTIONS && waiting[id], "answered twice, or unasked");
	waiting[id] = false;
	must(dns_answer_read(&answer, msg, len), "not an answer any more");
	must(answer.id < QUESTIONS, "an ID that was not given");
	must(dns_question_equal(&answer.question, &asked[answer.id]),
	    "an answer to another question");
}

static void
op_fail(void *ctx, uint32_t worker, uint64_t id, uint16_t ede, const char *text)
{
	(void)ctx;
	(void)worker;
	(void)ede;
	(void)text;
	must(id < QUESTIONS && waiting[id], "failed twice, or unasked");
	waiting[id] = false;
}

static void
op_report(void *ctx, uint32_t upstream, uint32_t address, enum reason reason)
{
	(void)ctx;
	(void)upstream;
	(void)address;
	(void)reason;
}

static void
op_health(void *ctx, uint32_t upstream, uint32_t address, bool suspect,
    enum reason reason)
{
	(void)ctx;
	(void)upstream;
	(void)address;
	(void)suspect;
	(void)reason;
}

static uint16_t
op_random(void *ctx)
{
	(void)ctx;
	return next_id++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pool_ops ops = { .open = op_open,
		.close = op_close,
		.write = op_write,
		.answer = op_answer,
		.fail = op_fail,
		.report = op_report,
		.health = op_health,
		.random = op_random };
	static const struct siphash_key key = { 1, 2 };
	static struct pool_upstream upstream = { .name = "fuzz",
		.naddress = 1 };
	static const struct conf_zone all = { .name_len = 1, .nupstream = 1 };

	if (size == 0)
		return 0;
	if (pool == NULL) {
		must((pool = pool_new(&ops, NULL, &key, 1)) != NULL, "memory");
		upstream.was_upstream[0] = UINT32_MAX;
		pool_configure(pool, &upstream, 1, &all, 1, now);
	}
	now += 60000; /* whatever was before is over */
	ask_all();
	feed(&data[1], size - 1, data[0] + 1U);
	if (open_)
		pool_conn_ended(pool, 0, REASON_CLOSED, now);
	pool_forget(pool, 0);
	must(pool_waiting(pool) == 0, "somebody waits for ever");
	return 0;
}

static void
ask_all(void)
{
	struct dns_question q = { .name = { 1, 'a', 0 },
		.name_len = 3,
		.type = DNS_TYPE_A,
		.class = DNS_CLASS_IN };
	uint32_t i;

	next_id = 0;
	for (i = 0; i < QUESTIONS; i++) {
		q.name[1] = (uint8_t)('a' + i);
		waiting[i] = true;
		pool_ask(pool, 0, i, &q, 0, now);
	}
	open_ = true;
	pool_conn_connected(pool, 0, now);
	pool_conn_up(pool, 0, now);
	(void)pool_turn(pool, now);
	/* One that closed before it answered is not asked many at once. */
	must(next_id > 0, "no question was written");
}

static void
feed(const uint8_t *data, size_t size, size_t piece)
{
	struct stream s;
	uint8_t *to, *msg;
	size_t at, n, room, len;

	stream_init(&s, buf);
	for (at = 0; at < size && open_; at += n) {
		to = stream_room(&s, &room);
		must(room >= STREAM_ROOM_MIN, "no room");
		n = size - at < piece ? size - at : piece;
		memcpy(to, &data[at], n);
		stream_added(&s, n);
		while (open_ && stream_next(&s, &msg, &len)) {
			must(msg >= buf && msg + len <= buf + sizeof(buf),
			    "a message outside the buffer");
			(void)pool_conn_message(pool, 0, msg, len, now);
		}
	}
}

static void
must(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}
