/*
 * dotproxy-socks: asks SOCKS5 proxies for connections, over sockets that the
 * parent connected to them, and says what came of it; the socket itself stays
 * the parent's. It must never read a byte behind the proxy's last reply.
 *
 *	dotproxy-socks -u uid -g gid -r chroot -n nofile
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/counter.h"
#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/start.h"

#include "socks.h"

/* Before the TLS process gives up (3 s), so that the log says who is slow. */
#define DEADLINE_MS 2500
#define EVENTS	    16

/* One for each that the parent may have under way. */
struct exchange {
	int fd; /* -1: free */
	uint64_t until; /* ms */
	bool connected;
	struct socks socks;
};

static void loop(void) __attribute__((noreturn));
static int patience(uint64_t);
static void give_up(uint64_t);
static void from_parent(uint64_t);
static void take(const struct ipc_message *, uint64_t);
static void take_proxy(const struct ipc_proxy *, int, uint64_t);
static void go_on(struct exchange *);
static bool connected(struct exchange *);
static bool send_some(struct exchange *);
static bool receive_some(struct exchange *);
static void wait_for(struct exchange *, int, uint32_t);
static void finish(struct exchange *, uint32_t);
static void tell(enum ipc_type, const void *, size_t);

static struct ipc parent;
static struct exchange all[IPC_PROXY_MAX];
static int poller;

int
main(int argc, char *argv[])
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.u32 = IPC_PROXY_MAX };
	struct sandbox_params params;
	size_t i;

	start_child(&parent, IPC_SOCKS, argc, argv, &params);
	for (i = 0; i < IPC_PROXY_MAX; i++)
		all[i].fd = -1;
	if ((poller = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, parent.fd, &event) == -1)
		fatal("epoll");
	start_confined(&parent, &params);
	loop();
}

/* The parent's messages last: an event may be of a socket closed by then, and
 * its place taken by another. */
static void
loop(void)
{
	struct epoll_event event[EVENTS];
	struct exchange *e;
	bool spoke;
	int i, n;

	for (;;) {
		n = epoll_wait(poller, event, EVENTS, patience(clock_ms()));
		if (n == -1 && errno != EINTR)
			fatal("epoll_wait");
		for (spoke = false, i = 0; i < n; i++)
			if (event[i].data.u32 < IPC_PROXY_MAX) {
				e = &all[event[i].data.u32];
				if (e->fd != -1)
					go_on(e);
			} else
				spoke = true;
		give_up(clock_ms());
		if (spoke)
			from_parent(clock_ms());
	}
}

/* Milliseconds until the next deadline, -1 without one. */
static int
patience(uint64_t now)
{
	uint64_t wait = UINT64_MAX;
	size_t i;

	for (i = 0; i < IPC_PROXY_MAX; i++)
		if (all[i].fd != -1 && all[i].until <= now)
			return 0;
		else if (all[i].fd != -1 && all[i].until - now < wait)
			wait = all[i].until - now;
	return wait == UINT64_MAX ? -1 : (int)wait;
}

static void
give_up(uint64_t now)
{
	size_t i;

	for (i = 0; i < IPC_PROXY_MAX; i++)
		if (all[i].fd != -1 && all[i].until <= now)
			finish(&all[i],
			    all[i].connected
				? (uint32_t)IPC_PROXY_SILENT
				: (uint32_t)IPC_PROXY_ERRNO + ETIMEDOUT);
}

static void
from_parent(uint64_t now)
{
	static struct ipc_buffer buffer;
	struct ipc_message m;
	const char *wrong;
	int n;

	while ((n = ipc_recv(&parent, &buffer, &m, &wrong)) == 1)
		take(&m, now);
	if (n == -1)
		exit(0); /* dotproxy stops, or its parent is dead */
	if (n == -2)
		fatalx("the parent broke a rule: %s", wrong);
}

static void
take(const struct ipc_message *m, uint64_t now)
{
	switch (m->type) {
	case IPC_COMMIT: /* there is nothing to configure: be ready */
		parent.state = IPC_RUN;
		tell(IPC_READY, m->payload, m->len);
		break;
	case IPC_PROXY:
		take_proxy(m->payload, m->fd, now);
		break;
	case IPC_COUNT:
		/* It asks again; a figure missed does not matter. */
		(void)ipc_send(&parent, IPC_COUNTERS, counter_value,
		    sizeof(struct ipc_counters), -1);
		break;
	default:
		fatalx("the parent broke a rule: what is message %u?", m->type);
	}
}

static void
take_proxy(const struct ipc_proxy *want, int fd, uint64_t now)
{
	const char *wrong = socks_wrong(want);
	size_t i;

	for (i = 0; i < IPC_PROXY_MAX && all[i].fd != -1; i++)
		;
	if (wrong != NULL)
		fatalx("the parent broke a rule: %s", wrong);
	if (i == IPC_PROXY_MAX)
		fatalx("the parent broke a rule: more at once than may be");
	all[i].fd = fd;
	all[i].until = now + DEADLINE_MS;
	all[i].connected = false;
	socks_begin(&all[i].socks, want);
	wait_for(&all[i], EPOLL_CTL_ADD, EPOLLOUT);
}

/* As far as it goes without waiting. */
static void
go_on(struct exchange *e)
{
	if (!e->connected && !connected(e))
		return;
	while (e->fd != -1)
		if (e->socks.out_len > 0 ? !send_some(e) : !receive_some(e))
			return;
}

/* False: not yet, or it failed. */
static bool
connected(struct exchange *e)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0)
		finish(e, (uint32_t)IPC_PROXY_ERRNO + (uint32_t)error);
	e->connected = error == 0;
	return e->connected;
}

/* False: wait for an event, or it is over. */
static bool
send_some(struct exchange *e)
{
	ssize_t n = write(e->fd, e->socks.out, e->socks.out_len);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n == -1) {
		finish(e, IPC_PROXY_CLOSED);
		return false;
	}
	socks_sent(&e->socks, (size_t)n);
	if (e->socks.out_len == 0)
		wait_for(e, EPOLL_CTL_MOD, EPOLLIN);
	return true;
}

static bool
receive_some(struct exchange *e)
{
	size_t room;
	uint8_t *to = socks_room(&e->socks, &room);
	ssize_t n = read(e->fd, to, room);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		finish(e, IPC_PROXY_CLOSED);
		return false;
	}
	socks_received(&e->socks, (size_t)n);
	if (e->socks.state == SOCKS_DONE)
		finish(e, 0);
	else if (e->socks.state == SOCKS_FAILED)
		finish(e, e->socks.error);
	else if (e->socks.out_len > 0)
		wait_for(e, EPOLL_CTL_MOD, EPOLLOUT);
	return true;
}

static void
wait_for(struct exchange *e, int how, uint32_t what)
{
	struct epoll_event event = { .events = what,
		.data.u32 = (uint32_t)(e - all) };

	if (epoll_ctl(poller, how, e->fd, &event) == -1)
		fatal("epoll_ctl");
}

/*
 * Our descriptor is closed before the parent hears of it: from then on the
 * connection is another's. The kernel would watch it on, as it is open there.
 */
static void
finish(struct exchange *e, uint32_t error)
{
	struct ipc_proxied proxied = { e->socks.want.serial, error };

	if (epoll_ctl(poller, EPOLL_CTL_DEL, e->fd, NULL) == -1)
		fatal("epoll_ctl");
	(void)close(e->fd);
	explicit_bzero(&e->socks, sizeof(e->socks));
	e->fd = -1;
	if (error == 0)
		counter_inc(proxy_connected);
	else
		counter_inc(proxy_failed);
	tell(IPC_PROXIED, &proxied, sizeof(proxied));
}

static void
tell(enum ipc_type type, const void *payload, size_t len)
{
	if (ipc_send(&parent, type, payload, len, -1) == -1)
		fatal("sending to the parent");
}
