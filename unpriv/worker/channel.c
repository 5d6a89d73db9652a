/*
 * The channel to the TLS process, which reads strangers' bytes as this one
 * does: whatever it says that the rules do not foresee ends the channel, never
 * the worker.
 */
#include <errno.h>

#include "dotproxy/ipc.h"
#include "dotproxy/log.h"

#include "channel.h"
#include "loop.h"
#include "parent.h"

#define TURN 32 /* datagrams, before others have their turn */

static void readable(evutil_socket_t, short, void *);
static void writable(evutil_socket_t, short, void *);
static const char *take_answers(const struct ipc_message *);
static void gone(void);
static void broken(const char *);

static struct ipc tls = { .fd = -1 };
static struct event reading, writing;
static struct ipc_buffer buffer;
static bool blocked; /* waits for writing */

void
channel_set(int fd)
{
	if (tls.fd != -1)
		gone();
	ipc_init(&tls, fd, IPC_WORKER, IPC_TLS, IPC_RUN);
	(void)event_assign(
	    &reading, loop_base, fd, EV_READ | EV_PERSIST, readable, NULL);
	(void)event_assign(&writing, loop_base, fd, EV_WRITE, writable, NULL);
	if (event_add(&reading, NULL) == -1)
		fatal("event_add");
	query_present(&loop_queries);
}

void
channel_flush(void)
{
	enum query_filled filled;
	uint32_t n;

	if (tls.fd == -1 || blocked)
		return;
	do {
		filled = query_fill(
		    &loop_queries, &loop_settings, loop_now(), &loop_reply);
		if (filled == QUERY_GIVEN_UP) {
			loop_send(&loop_reply);
			continue;
		}
		n = loop_queries.batch.entries;
		if (ipc_batch_flush(&tls, &loop_queries.batch) == 0) {
			counter_add(queries_forwarded, n);
			continue;
		}
		query_unsend(&loop_queries);
		if (errno != EAGAIN) {
			/* Reading says what became of it. */
			gone();
			return;
		}
		blocked = true;
		if (event_add(&writing, NULL) == -1)
			fatal("event_add");
		return;
	} while (filled != QUERY_ALL);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_message m;
	const char *wrong;
	int i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < TURN; i++) {
		switch (ipc_recv(&tls, &buffer, &m, &wrong)) {
		case 1:
			if ((wrong = take_answers(&m)) != NULL) {
				broken(wrong);
				return;
			}
			break;
		case 0:
			return;
		case -1:
			log_debug("the TLS process is gone");
			gone();
			return;
		default:
			broken(wrong);
			return;
		}
	}
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	/* The end of this turn sends. */
	blocked = false;
}

/* NULL, or the rule that was broken. */
static const char *
take_answers(const struct ipc_message *m)
{
	struct ipc_answer answer;
	const uint8_t *body;
	size_t offset = 0;
	int r;

	while ((r = ipc_answer_next(m, &offset, &answer, &body)) == 1) {
		switch (query_answer(&loop_queries, &loop_settings, &answer,
		    body, loop_now(), &loop_reply)) {
		case 1:
			loop_send(&loop_reply);
			break;
		case 0:
			break;
		default:
			return "an answer to what was never asked";
		}
	}
	return r == 0 ? NULL : "a malformed batch";
}

static void
gone(void)
{
	(void)event_del(&reading);
	(void)event_del(&writing);
	blocked = false;
	ipc_close(&tls);
	query_absent(&loop_queries, loop_now());
}

static void
broken(const char *wrong)
{
	log_warnx("the TLS process broke a rule: %s", wrong);
	gone();
	parent_tell_broken();
}
