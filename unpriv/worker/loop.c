/*
 * The worker's loop. It must never wait for anything but the next event, nor
 * run a timer while nothing is pending.
 */
#include "dotproxy/clock.h"
#include "dotproxy/log.h"

#include "channel.h"
#include "listener.h"
#include "loop.h"
#include "tcp.h"
#include "udp.h"

static void turn(void);
static void tick(evutil_socket_t, short, void *);
static void tell_blocks(void);
static bool is_pending(void);
static bool is_finished(void);

struct event_base *loop_base;
struct settings loop_settings;
struct query_table loop_queries;
struct blocker loop_blocker;
struct query_reply loop_reply;

static struct event timer;
static bool timer_armed;
static uint64_t now; /* 0: not read yet in this turn */
static uint64_t stop_at; /* 0: not stopping */

void
loop_init(void)
{
	struct event_config *config = event_config_new();

	if (config == NULL)
		fatalx("no memory for the event loop");
	/* One thread; and no signal or environment may change the method. */
	(void)event_config_set_flag(
	    config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
	loop_base = event_base_new_with_config(config);
	event_config_free(config);
	if (loop_base == NULL)
		fatalx("no event loop");
	(void)evtimer_assign(&timer, loop_base, tick, NULL);
	query_init(&loop_queries, loop_now());
	block_init(&loop_blocker);
}

void
loop_run(void)
{
	while (!is_finished()) {
		now = 0;
		/* While there is certainly something to read, it is only
		 * asked for what else there is. */
		if (event_base_loop(loop_base,
			listener_is_busy() ? EVLOOP_NONBLOCK : EVLOOP_ONCE) ==
		    -1)
			fatal("event loop");
		listener_read_busy();
		turn();
	}
}

uint64_t
loop_now(void)
{
	if (now == 0)
		now = clock_ms();
	return now;
}

void
loop_stop(void)
{
	if (stop_at != 0)
		return;
	stop_at = loop_now() + LOOP_STOP_MS;
	listener_stop();
	tcp_stop();
}

void
loop_send(const struct query_reply *reply)
{
	if (reply->client.proto == IPC_UDP)
		udp_reply(reply);
	else
		tcp_reply(reply);
}

/* TCP first: what it finds in its buffers is asked in the same turn. */
static void
turn(void)
{
	static const struct timeval resolution = { 0, LOOP_TICK_MS * 1000 };

	if (stop_at != 0 && loop_now() >= stop_at)
		/* Out of time: every one left is told so. */
		while (query_stop(
		    &loop_queries, &loop_settings, loop_now(), &loop_reply))
			loop_send(&loop_reply);
	do {
		tcp_flush();
		channel_flush();
	} while (tcp_is_dirty());
	udp_flush();
	listener_reap();
	if (!timer_armed && is_pending()) {
		if (event_add(&timer, &resolution) == -1)
			fatal("event_add");
		timer_armed = true;
	}
}

static void
tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	timer_armed = false;
	while (query_expire(
	    &loop_queries, &loop_settings, loop_now(), &loop_reply))
		loop_send(&loop_reply);
	tcp_tick();
	tell_blocks();
}

static void
tell_blocks(void)
{
	char text[NETADDR_TEXT];
	struct block b;

	while (block_ended(&loop_blocker, loop_now(), &b))
		log_info("%s is blocked no more: %llu questions turned away",
		    netaddr_prefix_text(&b.client, text),
		    (unsigned long long)b.dropped);
}

static bool
is_pending(void)
{
	return loop_blocker.unsaid || loop_queries.nused != 0 ||
	    tcp_is_pending() || stop_at != 0;
}

static bool
is_finished(void)
{
	if (stop_at == 0)
		return false;
	if (loop_queries.nclients == 0 && !tcp_is_unsent())
		return true;
	return loop_now() >= stop_at + LOOP_TICK_MS;
}
