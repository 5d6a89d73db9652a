/*
 * Keeps the table of listening sockets. It must never close one that a
 * question in flight is to be answered through, short of running out of room.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <linux/sock_diag.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"

#include "listener.h"
#include "loop.h"
#include "tcp.h"
#include "udp.h"

static struct listener *find(const struct ipc_listen *);
static void add(struct staged_socket *);
static void retire(struct listener *);
static void drop(struct listener *);
static struct listener *room(void);
static void readable(evutil_socket_t, short, void *);
static void await(struct listener *);
static bool is_flooded(const struct listener *);
static void run_clock(bool);
static void clocked(evutil_socket_t, short, void *);
static void count_drops(struct listener *, bool);
static bool read_meminfo(const struct listener *, uint32_t[SK_MEMINFO_VARS]);

static struct listener listeners[LISTENERS_MAX];
static uint32_t used; /* how many of them ever were */
static uint32_t serials;
static uint32_t retired;
static uint32_t busy;
static uint32_t resting;
/* libevent's own timers have the grain of the kernel's tick, 4 ms and more. */
static struct event clock_event;
static int clock_fd;
static bool stopped;

void
listener_init(void)
{
	clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (clock_fd == -1)
		fatal("timerfd_create");
	(void)event_assign(&clock_event, loop_base, clock_fd,
	    EV_READ | EV_ET | EV_PERSIST, clocked, NULL);
	if (event_add(&clock_event, NULL) == -1)
		fatal("event_add");
}

void
listener_apply(struct staged *staged)
{
	bool keep[LISTENERS_MAX] = { false };
	struct listener *l;
	uint32_t i;

	for (i = 0; i < staged->nsockets; i++) {
		l = find(&staged->socket[i].listen);
		if (l == NULL)
			continue;
		keep[listener_object(l)] = true;
		(void)close(staged->socket[i].fd);
		staged->socket[i].fd = -1;
	}
	for (i = 0; i < used; i++)
		if (listeners[i].fd != -1 && !keep[i] && !listeners[i].retired)
			retire(&listeners[i]);
	for (i = 0; i < staged->nsockets; i++)
		if (staged->socket[i].fd != -1)
			add(&staged->socket[i]);
	staged->nsockets = 0;
}

struct listener *
listener_get(uint32_t object, uint32_t serial)
{
	struct listener *l;

	if (object >= used)
		return NULL;
	l = &listeners[object];
	return l->fd != -1 && l->serial == serial ? l : NULL;
}

uint32_t
listener_object(const struct listener *listener)
{
	return (uint32_t)(listener - listeners);
}

void
listener_stop(void)
{
	uint32_t i;

	stopped = true;
	for (i = 0; i < used; i++)
		if (listeners[i].fd != -1 && !listeners[i].retired)
			retire(&listeners[i]);
}

void
listener_pause_tcp(bool pause)
{
	struct listener *l;
	uint32_t i;

	for (i = 0; i < used; i++) {
		l = &listeners[i];
		if (l->fd == -1 || l->retired || l->listen.proto != IPC_TCP)
			continue;
		if (pause)
			(void)event_del(&l->event);
		else if (event_add(&l->event, NULL) == -1)
			fatal("event_add");
	}
}

void
listener_busy(struct listener *l)
{
	if (l->busy || l->retired)
		return;
	(void)event_del(&l->event);
	l->busy = true;
	busy++;
}

bool
listener_is_busy(void)
{
	return busy != 0;
}

void
listener_read_busy(void)
{
	struct listener *l;
	uint32_t i;

	for (i = 0; i < used && busy != 0; i++) {
		l = &listeners[i];
		if (l->fd == -1 || !l->busy || !udp_read(l))
			continue;
		l->busy = false;
		busy--;
		await(l);
	}
}

void
listener_seen(struct listener *l, uint32_t n, uint32_t shed)
{
	const uint64_t now = loop_now();

	if (l->seen_at != now) {
		l->seen_at = now;
		l->seen = l->shed = 0;
	}
	l->seen += n;
	l->shed += shed;
}

uint32_t
listener_queued(const struct listener *l)
{
	uint32_t info[SK_MEMINFO_VARS];

	return read_meminfo(l, info) ? info[SK_MEMINFO_RMEM_ALLOC] : 0;
}

void
listener_reap(void)
{
	uint32_t i;

	for (i = 0; i < used && retired != 0; i++)
		if (listeners[i].fd != -1 && listeners[i].retired &&
		    listeners[i].in_flight == 0)
			drop(&listeners[i]);
}

void
listener_count_drops(void)
{
	uint32_t i;

	for (i = 0; i < used; i++)
		if (listeners[i].fd != -1)
			count_drops(&listeners[i], true);
}

static struct listener *
find(const struct ipc_listen *listen)
{
	struct listener *l;
	uint32_t i;

	for (i = 0; i < used; i++) {
		l = &listeners[i];
		if (l->fd != -1 && !l->retired &&
		    l->listen.proto == listen->proto &&
		    netaddr_equal(&l->listen.address, &listen->address))
			return l;
	}
	return NULL;
}

static void
add(struct staged_socket *staged)
{
	struct listener *l = room();

	memset(l, 0, sizeof(*l));
	l->listen = staged->listen;
	l->fd = staged->fd;
	l->serial = ++serials;
	l->wildcard = netaddr_is_wildcard(&l->listen.address);
	staged->fd = -1;
	/* What an earlier worker has counted is not counted again. */
	count_drops(l, false);
	(void)event_assign(
	    &l->event, loop_base, l->fd, EV_READ | EV_PERSIST, readable, l);
	if (stopped)
		retire(l);
	else if (event_add(&l->event, NULL) == -1)
		fatal("event_add");
}

static void
retire(struct listener *l)
{
	(void)event_del(&l->event);
	if (l->busy)
		busy--;
	l->busy = false;
	if (l->resting)
		resting--;
	l->resting = false;
	l->retired = true;
	retired++;
	if (l->listen.proto == IPC_UDP)
		udp_drain(l);
	else
		tcp_drain(l);
}

static void
drop(struct listener *l)
{
	count_drops(l, true);
	(void)close(l->fd);
	l->fd = -1;
	retired--;
}

/* A free place; else that of the one retired first. */
static struct listener *
room(void)
{
	struct listener *oldest = NULL;
	uint32_t i;

	for (i = 0; i < used; i++) {
		if (listeners[i].fd == -1)
			return &listeners[i];
		if (listeners[i].retired &&
		    (oldest == NULL || listeners[i].serial < oldest->serial))
			oldest = &listeners[i];
	}
	if (used < LISTENERS_MAX)
		return &listeners[used++];
	/* Half of the table is in force at most, so the others are retired. */
	drop(oldest);
	return oldest;
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (l->listen.proto != IPC_UDP) {
		tcp_accept(l);
		return;
	}
	(void)udp_read(l);
	if (!l->busy && is_flooded(l)) {
		(void)event_del(&l->event);
		await(l);
	}
}

/* One that is not in the event loop. */
static void
await(struct listener *l)
{
	if (!is_flooded(l)) {
		if (event_add(&l->event, NULL) == -1)
			fatal("event_add");
		return;
	}
	l->resting = true;
	counter_inc(udp_rests);
	if (resting++ == 0)
		run_clock(true);
}

static bool
is_flooded(const struct listener *l)
{
	return l->shed >= LISTENER_SHED && l->shed >= l->seen / 2 &&
	    loop_now() - l->seen_at <= 1;
}

static void
run_clock(bool on)
{
	struct itimerspec every;

	memset(&every, 0, sizeof(every));
	if (on)
		every.it_value.tv_nsec = every.it_interval.tv_nsec =
		    LISTENER_REST_US * 1000;
	if (timerfd_settime(clock_fd, 0, &every, NULL) == -1)
		fatal("timerfd_settime");
}

/* Edge-triggered: how often it struck is nobody's business. */
static void
clocked(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l;
	uint32_t i;

	(void)fd;
	(void)what;
	(void)arg;
	for (i = 0; i < used; i++) {
		l = &listeners[i];
		if (l->fd == -1 || !l->resting)
			continue;
		l->resting = false;
		resting--;
		(void)udp_read(l);
		if (!l->busy)
			await(l);
	}
	if (resting == 0)
		run_clock(false);
}

static void
count_drops(struct listener *l, bool count)
{
	uint32_t info[SK_MEMINFO_VARS];

	if (l->listen.proto != IPC_UDP || !read_meminfo(l, info))
		return;
	if (count)
		/* It wraps, and so does the difference. */
		counter_add(
		    udp_receive_dropped, info[SK_MEMINFO_DROPS] - l->dropped);
	l->dropped = info[SK_MEMINFO_DROPS];
}

static bool
read_meminfo(const struct listener *l, uint32_t info[SK_MEMINFO_VARS])
{
	socklen_t len = SK_MEMINFO_VARS * sizeof(info[0]);

	return getsockopt(l->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    len > SK_MEMINFO_DROPS * sizeof(info[0]);
}
