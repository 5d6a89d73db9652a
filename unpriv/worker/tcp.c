/*
 * TCP: accepts, reads, writes and closes. It must never wait for one client,
 * nor take memory for one more than the config allows.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"

#include "loop.h"
#include "parent.h"
#include "tcp.h"
#include "tcp_place.h"

#define ACCEPT_TURN  64 /* connections, before others have their turn */
#define ACCEPT_DRAIN 4096
#define PAUSE_MS     100 /* without descriptors */
#define WARN_MS	     60000
#define CHUNKS	     4096 /* 16 MiB for all that is not read by its client */
#define EARLY	     (64 * 1024) /* bytes queued: written at once */
#define PIECES	     64 /* of one write */

static bool accept_one(struct listener *);
static uint32_t make_room(const struct netaddr *);
static void pause_accepting(void);
static void conn_open(int, const struct netaddr *, uint32_t);
static void conn_close(struct conn *, enum stream_end);
static void conn_dirty(struct conn *);
static void conn_go_on(struct conn *);
static void conn_ask(struct conn *);
static void conn_answer(struct conn *, const struct query_reply *);
static void conn_write(struct conn *);
static void conn_await(struct conn *);
static void readable(evutil_socket_t, short, void *);
static void writable(evutil_socket_t, short, void *);

static struct conn *conns; /* capacity of them */
static uint8_t *rooms; /* STREAM_ROOM for each */
static uint32_t capacity;
static uint32_t limit, each; /* of the config */
static uint32_t nopen, fresh, serials;
static struct conns unused = TAILQ_HEAD_INITIALIZER(unused);
static struct places places;
static struct conns dirty = TAILQ_HEAD_INITIALIZER(dirty);
static struct chunk_pool pool;
static struct source_table sources;
static uint64_t paused_until; /* 0: not paused */
static uint64_t warned_at;
static bool stopped;

void
tcp_init(void)
{
	siphash_key_random(&sources.key);
	places_init(&places);
}

void
tcp_set_limits(uint32_t max, uint32_t each_client)
{
	uint32_t *next;
	uint8_t *bytes;

	if (capacity == 0) {
		/* All there ever is; the kernel gives pages as they fill. */
		conns = calloc(max, sizeof(*conns));
		rooms = malloc((size_t)max * STREAM_ROOM);
		bytes = malloc((size_t)CHUNKS * CHUNK_LEN);
		next = malloc(CHUNKS * sizeof(*next));
		if (conns == NULL || rooms == NULL || bytes == NULL ||
		    next == NULL)
			fatalx("no memory for %u TCP connections", max);
		chunk_pool_init(&pool, bytes, next, CHUNKS);
		capacity = max;
	}
	if (max > capacity)
		log_info("TCP connections stay at %u until the next start",
		    capacity);
	limit = max < capacity ? max : capacity;
	each = each_client;
	sources.bits4 = loop_settings.limit.prefix;
	sources.bits6 = loop_settings.limit.prefix6;
}

void
tcp_accept(struct listener *listener)
{
	int i;

	for (i = 0; i < ACCEPT_TURN; i++)
		if (!accept_one(listener))
			break;
}

void
tcp_drain(struct listener *listener)
{
	int i;

	for (i = 0; i < ACCEPT_DRAIN; i++)
		if (!accept_one(listener))
			break;
}

void
tcp_reply(const struct query_reply *reply)
{
	struct conn *c;

	if (reply->client.object >= fresh ||
	    conns[reply->client.object].serial != reply->client.serial) {
		counter_inc(tcp_lost);
		return;
	}
	c = &conns[reply->client.object];
	if (reply->was_in_flight)
		c->stream.in_flight--;
	conn_answer(c, reply);
	if (c->stream.out.len > EARLY)
		conn_write(c);
	conn_dirty(c);
}

void
tcp_flush(void)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&dirty)) != NULL) {
		TAILQ_REMOVE(&dirty, c, dirty_entry);
		c->dirty = false;
		conn_go_on(c);
	}
}

bool
tcp_is_dirty(void)
{
	return !TAILQ_EMPTY(&dirty);
}

void
tcp_tick(void)
{
	struct conn *c, *next;
	enum stream_end end;
	int at;

	for (at = 0; at < PLACES; at++)
		for (c = TAILQ_FIRST(&places.list[at]); c != NULL; c = next) {
			next = TAILQ_NEXT(c, entry);
			end = stream_check(&c->stream, loop_now());
			if (end != STREAM_OPEN)
				conn_close(c, end);
			else if (at != PLACE_BUSY)
				break; /* the others came later */
		}
	if (paused_until != 0 && loop_now() >= paused_until) {
		paused_until = 0;
		listener_pause_tcp(false);
	}
}

bool
tcp_is_pending(void)
{
	return nopen != 0 || paused_until != 0;
}

void
tcp_stop(void)
{
	uint32_t i;

	for (i = 0; i < fresh; i++)
		if (conns[i].serial != 0 && stream_may_read(&conns[i].stream))
			readable(conns[i].fd, EV_READ, &conns[i]);
	stopped = true;
}

bool
tcp_is_unsent(void)
{
	struct conn *c;

	TAILQ_FOREACH(c, &places.list[PLACE_BUSY], entry)
		if (c->stream.out.len != 0)
			return true;
	return false;
}

/* False: no more for now. */
static bool
accept_one(struct listener *listener)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct netaddr address;
	uint32_t source = SOURCE_NONE;
	int fd;

	fd = accept4(listener->fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			pause_accepting();
			return false;
		}
		/* Others are the end of one connection before it began. */
		return errno != EAGAIN;
	}
	counter_inc(tcp_accepted);
	if (netaddr_from_sockaddr(&address, (struct sockaddr *)&ss)) {
		if (block_look(&loop_blocker, &address, loop_now()) ==
		    BLOCK_ALL) {
			counter_inc(tcp_blocked);
			(void)close(fd);
			return true;
		}
		source = make_room(&address);
	}
	if (source == SOURCE_NONE) {
		counter_inc(tcp_refused);
		(void)close(fd);
	} else
		conn_open(fd, &address, source);
	return true;
}

/* A place for one more of this address, or SOURCE_NONE: then nobody had to go
 * for it. */
static uint32_t
make_room(const struct netaddr *address)
{
	uint32_t source = source_add(&sources, address, each);
	struct conn *c;

	if (source == SOURCE_NONE || nopen < limit)
		return source;
	c = places_least_missed(
	    &places, &sources, sources.entry[source].count, loop_now());
	if (c != NULL) {
		counter_inc(tcp_displaced);
		conn_close(c, STREAM_DONE);
		return source;
	}
	source_drop(&sources, source);
	return SOURCE_NONE;
}

static void
pause_accepting(void)
{
	if (warned_at == 0 || loop_now() - warned_at >= WARN_MS) {
		log_warn("cannot accept TCP connections");
		warned_at = loop_now();
	}
	/* Of all that listen, one may be new since the pause began. */
	listener_pause_tcp(true);
	paused_until = loop_now() + PAUSE_MS;
}

static void
conn_open(int fd, const struct netaddr *address, uint32_t source)
{
	struct conn *c = TAILQ_FIRST(&unused);

	if (c != NULL)
		TAILQ_REMOVE(&unused, c, entry);
	else
		c = &conns[fresh++];
	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->address = *address;
	c->source = source;
	if (++serials == 0)
		serials = 1;
	c->serial = serials;
	stream_init(
	    &c->stream, rooms + (size_t)(c - conns) * STREAM_ROOM, loop_now());
	(void)event_assign(
	    &c->reading, loop_base, fd, EV_READ | EV_PERSIST, readable, c);
	(void)event_assign(&c->writing, loop_base, fd, EV_WRITE, writable, c);
	places_add(&places, c);
	nopen++;
	/* The end of this turn begins to read. */
	conn_dirty(c);
}

static void
conn_close(struct conn *c, enum stream_end end)
{
	switch (end) {
	case STREAM_IDLE:
		counter_inc(tcp_idle);
		break;
	case STREAM_HALF:
		counter_inc(tcp_half);
		break;
	case STREAM_SLOW:
		counter_inc(tcp_slow);
		break;
	default:
		break;
	}
	(void)event_del(&c->reading);
	(void)event_del(&c->writing);
	(void)close(c->fd);
	chunk_take_off(&pool, &c->stream.out, c->stream.out.len);
	source_drop(&sources, c->source);
	if (c->dirty)
		TAILQ_REMOVE(&dirty, c, dirty_entry);
	places_remove(&places, c);
	TAILQ_INSERT_HEAD(&unused, c, entry);
	c->serial = 0;
	nopen--;
}

static void
conn_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	TAILQ_INSERT_TAIL(&dirty, c, dirty_entry);
}

static void
conn_go_on(struct conn *c)
{
	enum stream_end end;

	conn_ask(c);
	conn_write(c);
	end = stream_check(&c->stream, loop_now());
	if (c->broken || end != STREAM_OPEN) {
		conn_close(c, end);
		return;
	}
	places_move(&places, c, loop_now());
	conn_await(c);
}

static void
conn_ask(struct conn *c)
{
	struct query_client client;
	struct ipc_block ask;
	const uint8_t *msg;
	size_t len;
	bool cut;

	memset(&client, 0, sizeof(client));
	client.address = c->address;
	client.proto = IPC_TCP;
	client.object = (uint32_t)(c - conns);
	client.serial = c->serial;
	guard_find(&loop_queries.guard, &client.address, true, &client.limit);
	while (!c->stranger && stream_next(&c->stream, &msg, &len, &cut)) {
		counter_inc(queries_tcp);
		c->asked = true;
		client.over = guard_tcp(&loop_queries.guard, &client.limit,
				  loop_now()) != GUARD_TAKE;
		if (client.over &&
		    block_over(&loop_blocker, &c->address, true,
			loop_queries.guard.over, loop_now(), &ask))
			parent_tell_block(&ask);
		switch (query_take(&loop_queries, &loop_settings, &client, msg,
		    len, cut, loop_now(), &loop_reply)) {
		case QUERY_DROPPED:
			break;
		case QUERY_ANSWERED:
			conn_answer(c, &loop_reply);
			/* A stranger is told once, and then has no place. */
			c->stranger = client.over ||
			    !settings_allow(&loop_settings, &c->address);
			c->stream.eof |= c->stranger;
			break;
		case QUERY_IN_FLIGHT:
			c->stream.in_flight++;
			break;
		}
	}
	stream_settle(&c->stream, loop_now());
}

/* Where the pool is full, the client goes that leaves most unread: it may be
 * this one. */
static void
conn_answer(struct conn *c, const struct query_reply *reply)
{
	struct conn *other, *most;

	while (!chunk_fits(&pool, &c->stream.out, 2 + reply->len)) {
		most = c;
		TAILQ_FOREACH(other, &places.list[PLACE_BUSY], entry)
			if (other->blocked &&
			    other->stream.out.len > most->stream.out.len)
				most = other;
		if (most == c)
			break;
		conn_close(most, STREAM_SLOW);
	}
	stream_answer(&c->stream, &pool, reply->bytes, reply->len, loop_now());
}

/* Many answers, lengths and all, in one call. */
static void
conn_write(struct conn *c)
{
	struct iovec iov[PIECES];
	struct msghdr msg;
	ssize_t n;

	while (c->stream.out.len != 0 && !c->blocked && !c->broken) {
		memset(&msg, 0, sizeof(msg));
		msg.msg_iov = iov;
		msg.msg_iovlen =
		    chunk_pieces(&pool, &c->stream.out, iov, PIECES);
		n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0)
			stream_wrote(&c->stream, &pool, (size_t)n, loop_now());
		else if (errno == EAGAIN)
			c->blocked = true;
		else if (errno != EINTR)
			c->broken = true;
	}
}

static void
conn_await(struct conn *c)
{
	bool read = !stopped && !c->stream.eof && stream_may_read(&c->stream);

	if (!read)
		(void)event_del(&c->reading);
	else if (!event_pending(&c->reading, EV_READ, NULL) &&
	    event_add(&c->reading, NULL) == -1)
		fatal("event_add");
	if (c->blocked && !event_pending(&c->writing, EV_WRITE, NULL) &&
	    event_add(&c->writing, NULL) == -1)
		fatal("event_add");
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct msghdr msg;
	struct iovec iov;
	ssize_t n;

	(void)fd;
	(void)what;
	conn_dirty(c);
	iov.iov_base = stream_space(&c->stream, &iov.iov_len);
	if (iov.iov_len == 0 || c->stream.eof)
		return;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
	if (n >= 0)
		stream_received(&c->stream, (size_t)n, loop_now());
	else if (errno != EAGAIN && errno != EINTR)
		c->broken = true;
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->blocked = false;
	conn_dirty(c);
}
