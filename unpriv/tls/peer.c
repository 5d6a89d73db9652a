/*
 * The channels to the workers. A worker may be broken into: what it sends is
 * held against the table and read field by field, and the first thing wrong
 * ends its channel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"
#include "unpriv/dns/query.h"

#include "peer.h"
#include "turn.h"

/* Messages taken from one worker in a turn, so that none waits for another. */
#define PEER_TURN 32

/* A datagram that the worker had no room for. */
struct pending {
	STAILQ_ENTRY(pending) next;
	uint32_t entries;
	size_t len;
	uint8_t bytes[];
};
STAILQ_HEAD(pending_list, pending);

struct peer {
	struct ipc ipc;
	uint32_t worker;
	struct event *readable, *writable;
	struct ipc_batch batch;
	struct pending_list pending;
	size_t pending_len;
};

static void on_readable(evutil_socket_t, short, void *);
static void on_writable(evutil_socket_t, short, void *);
static const char *take_queries(struct peer *, const struct ipc_message *);
static void add(uint32_t, const struct ipc_answer *, const uint8_t *, size_t);
static void flush(struct peer *);
static void stash(struct peer *);
static void shrink(struct ipc_batch *);
static void send_pending(struct peer *);
static void drop(struct peer *);

static struct event_base *base;
static struct pool *pool;
static void (*tell_broken)(uint32_t, const char *);
static struct peer *peers[CONF_WORKERS_MAX];
static struct ipc_buffer buffer;

void
peers_init(struct event_base *b, struct pool *p,
    void (*broken)(uint32_t, const char *))
{
	base = b;
	pool = p;
	tell_broken = broken;
}

void
peers_set(uint32_t worker, int fd)
{
	struct peer *peer;

	if (peers[worker] != NULL)
		drop(peers[worker]);
	if ((peer = calloc(1, sizeof(*peer))) == NULL)
		fatal("calloc");
	peer->worker = worker;
	ipc_init(&peer->ipc, fd, IPC_TLS, IPC_WORKER, IPC_RUN);
	ipc_batch_init(&peer->batch, IPC_ANSWERS);
	STAILQ_INIT(&peer->pending);
	peer->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, peer);
	peer->writable = event_new(base, fd, EV_WRITE, on_writable, peer);
	if (peer->readable == NULL || peer->writable == NULL ||
	    event_add(peer->readable, NULL) == -1)
		fatalx("libevent: cannot watch a worker");
	peers[worker] = peer;
}

void
peers_answer(uint32_t worker, uint64_t id, const uint8_t *msg, size_t len)
{
	struct ipc_answer head = {
		.id = id, .len = (uint16_t)len, .kind = IPC_ANSWERED
	};

	add(worker, &head, msg, len);
}

void
peers_fail(uint32_t worker, uint64_t id, uint16_t ede, const char *text)
{
	struct ipc_answer head = { .id = id, .ede = ede, .kind = IPC_FAILED };
	size_t len = strlen(text);

	if (len > IPC_FAILURE_TEXT_MAX)
		len = IPC_FAILURE_TEXT_MAX;
	head.len = (uint16_t)len;
	add(worker, &head, (const uint8_t *)text, len);
}

void
peers_flush(void)
{
	uint32_t i;

	for (i = 0; i < CONF_WORKERS_MAX; i++)
		if (peers[i] != NULL)
			flush(peers[i]);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	struct ipc_message m;
	const char *wrong = NULL;
	uint32_t worker = peer->worker;
	int i, n;

	(void)fd;
	(void)what;
	for (i = 0; i < PEER_TURN; i++) {
		n = ipc_recv(&peer->ipc, &buffer, &m, &wrong);
		if (n == 0)
			return;
		if (n == 1)
			wrong = take_queries(peer, &m);
		if (n == 1 && wrong == NULL)
			continue;
		drop(peer);
		if (wrong != NULL)
			tell_broken(worker, wrong);
		return;
	}
}

static const char *
take_queries(struct peer *peer, const struct ipc_message *m)
{
	struct dns_question question;
	struct ipc_query q;
	const uint8_t *name;
	size_t offset = 0;
	int n;

	while ((n = ipc_query_next(m, &offset, &q, &name)) == 1) {
		memset(&question, 0, sizeof(question));
		memcpy(question.name, name, q.name_len);
		question.name_len = q.name_len;
		question.type = q.type;
		question.class = q.class;
		if (!dns_question_is_valid(&question))
			return "a question that is malformed";
		pool_ask(
		    pool, peer->worker, q.id, &question, q.ask, turn_now());
	}
	return n == 0 ? NULL : "a batch that is malformed";
}

static void
add(uint32_t worker, const struct ipc_answer *head, const uint8_t *body,
    size_t len)
{
	struct peer *peer = peers[worker];

	if (peer == NULL)
		return;
	if (ipc_batch_add(&peer->batch, head, sizeof(*head), body, len))
		return;
	flush(peer);
	/* An empty batch takes any. If flush found the worker gone, its end
	 * is read in time. */
	(void)ipc_batch_add(&peer->batch, head, sizeof(*head), body, len);
}

/* Afterwards the batch is empty, one way or the other. */
static void
flush(struct peer *peer)
{
	if (peer->batch.len == 0)
		return;
	if (peer->pending_len > 0)
		send_pending(peer);
	if (peer->pending_len > 0) {
		stash(peer);
		return;
	}
	if (ipc_batch_flush(&peer->ipc, &peer->batch) == 0)
		return;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
		stash(peer);
	else
		ipc_batch_init(&peer->batch, IPC_ANSWERS);
}

static void
stash(struct peer *peer)
{
	struct pending *p = NULL;

	if (peer->pending_len + peer->batch.len > PEER_PENDING_MAX) {
		counter_add(ipc_stalled, peer->batch.entries);
		shrink(&peer->batch);
	}
	if (peer->pending_len + peer->batch.len <=
	    PEER_PENDING_MAX + PEER_SPARE)
		p = malloc(sizeof(*p) + peer->batch.len);
	if (p != NULL) {
		p->entries = peer->batch.entries;
		p->len = peer->batch.len;
		memcpy(p->bytes,
		    &peer->batch.buffer.bytes[sizeof(struct ipc_header)],
		    p->len);
		STAILQ_INSERT_TAIL(&peer->pending, p, next);
		peer->pending_len += p->len;
		(void)event_add(peer->writable, NULL);
	}
	ipc_batch_init(&peer->batch, IPC_ANSWERS);
}

/* Answers become failures, without a text: so none is larger than it was. */
static void
shrink(struct ipc_batch *batch)
{
	static struct ipc_batch small;
	const struct ipc_message m = { .type = IPC_ANSWERS,
		.payload = &batch->buffer.bytes[sizeof(struct ipc_header)],
		.len = batch->len };
	struct ipc_answer head;
	const uint8_t *body;
	size_t offset = 0;

	ipc_batch_init(&small, IPC_ANSWERS);
	while (ipc_answer_next(&m, &offset, &head, &body) == 1) {
		head.kind = IPC_FAILED;
		head.ede = DNS_EDE_OTHER;
		head.len = 0;
		(void)ipc_batch_add(&small, &head, sizeof(head), NULL, 0);
	}
	*batch = small;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;

	(void)fd;
	(void)what;
	send_pending(peer);
	if (peer->pending_len > 0)
		(void)event_add(peer->writable, NULL);
}

static void
send_pending(struct peer *peer)
{
	struct pending *p;

	while ((p = STAILQ_FIRST(&peer->pending)) != NULL) {
		if (ipc_send(&peer->ipc, IPC_ANSWERS, p->bytes, p->len, -1) ==
			-1 &&
		    (errno == EAGAIN || errno == EWOULDBLOCK ||
			errno == ENOBUFS))
			return;
		STAILQ_REMOVE_HEAD(&peer->pending, next);
		peer->pending_len -= p->len;
		free(p);
	}
}

static void
drop(struct peer *peer)
{
	struct pending *p;

	pool_forget(pool, peer->worker);
	peers[peer->worker] = NULL;
	event_free(peer->readable);
	event_free(peer->writable);
	ipc_close(&peer->ipc);
	while ((p = STAILQ_FIRST(&peer->pending)) != NULL) {
		STAILQ_REMOVE_HEAD(&peer->pending, next);
		free(p);
	}
	free(peer);
}
