/*
 * Asks over UDP on loopback, at a given rate whatever the server does (open
 * loop) or as fast as it answers (a fixed number in flight), and says what
 * came back and how long it took. Latency counts from when a question was
 * due, so that a server which stalls cannot hide it. Bounded in time and
 * count; it must never ask anyone but 127.0.0.1.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "names.h"

#define BATCH	    32
#define IDS	    65536
#define LEN	    512
#define CLIENTS_MAX 16
#define SECONDS_MAX 300
#define RATE_MAX    2000000
#define STRAGGLE_NS (1000 * 1000 * 1000ull) /* the last answers' time */
#define LOST_NS	    (2000 * 1000 * 1000ull) /* given up after */
#define BUFFER	    (4 * 1024 * 1024)
#define SUB	    5 /* bits: a histogram's steps are of 3 % */
#define BUCKETS	    (64 << SUB)

struct client {
	int fd;
	uint16_t next;
	uint64_t due[IDS]; /* ns; 0: nothing in flight under that ID */
};

struct options {
	uint64_t max; /* questions */
	uint64_t ns; /* to ask for */
	uint64_t rate; /* a second; 0: as many as window allows */
	unsigned int window, clients;
	uint16_t port;
	bool edns;
};

static void parse(struct options *, int, char **);
static uint64_t number(const char *, uint64_t);
static void connect_client(struct client *, uint16_t);
static void ask_all(const struct options *);
static uint64_t is_due(const struct options *, uint64_t);
static void ask(const struct options *, struct client *, unsigned int);
static unsigned int take_all(unsigned int);
static void take(struct client *, const uint8_t *, size_t, uint64_t);
static void rest(const struct options *, uint64_t);
static unsigned int bucket_of(uint64_t);
static double percentile(double);
static void report(uint64_t);
static uint64_t now_ns(void);

static struct client *client;
static uint64_t start, sent, answered, odd, unsent, in_flight;
static uint64_t rcodes[16], histogram[BUCKETS];

int
main(int argc, char *argv[])
{
	struct options o = { .max = UINT64_MAX,
		.ns = 5000000000ull,
		.window = 100,
		.clients = 1 };
	uint64_t end;
	unsigned int i;

	parse(&o, argc, argv);
	if ((client = calloc(o.clients, sizeof(*client))) == NULL)
		err(1, "calloc");
	for (i = 0; i < o.clients; i++)
		connect_client(&client[i], o.port);
	prctl(PR_SET_TIMERSLACK, 1);
	ask_all(&o);
	end = now_ns();
	while (in_flight != 0 && now_ns() - end < STRAGGLE_NS)
		if (take_all(o.clients) == 0)
			rest(&o, now_ns() + 1000000);
	report(end - start);
	return 0;
}

static void
parse(struct options *o, int argc, char **argv)
{
	uint64_t first = 0, modulo = UINT64_MAX;
	int c;

	while ((c = getopt(argc, argv, "c:ef:l:m:n:p:q:r:")) != -1)
		switch (c) {
		case 'c':
			o->clients = (unsigned int)number(optarg, CLIENTS_MAX);
			break;
		case 'e':
			o->edns = true;
			break;
		case 'f':
			first = number(optarg, UINT32_MAX);
			break;
		case 'l':
			o->ns = number(optarg, SECONDS_MAX) * 1000000000ull;
			break;
		case 'm':
			modulo = number(optarg, UINT32_MAX);
			break;
		case 'n':
			o->max = number(optarg, UINT32_MAX);
			break;
		case 'p':
			o->port = (uint16_t)number(optarg, UINT16_MAX);
			break;
		case 'q':
			o->window = (unsigned int)number(optarg, IDS / 2);
			break;
		case 'r':
			o->rate = number(optarg, RATE_MAX);
			break;
		default:
			argc = 0;
		}
	if (argc != optind + 1 || o->port == 0)
		errx(2,
		    "usage: pace -p port [-e] [-c clients] [-l seconds] "
		    "[-n questions] [-q in-flight | -r rate] "
		    "[-f first] [-m modulo] file|pattern%%u");
	names_open(argv[optind], first, modulo);
}

static uint64_t
number(const char *s, uint64_t max)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	if (*s == '\0' || *end != '\0' || n > max)
		errx(2, "%s: not a number up to %llu", s,
		    (unsigned long long)max);
	return n;
}

static void
connect_client(struct client *c, uint16_t port)
{
	struct sockaddr_in sin;
	int size = BUFFER;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "port %u", port);
	if (setsockopt(
		c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == -1)
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void
ask_all(const struct options *o)
{
	uint64_t n, now, quiet;
	unsigned int who = 0;

	start = quiet = now_ns();
	while (sent < o->max && (now = now_ns()) - start < o->ns) {
		n = is_due(o, now);
		if (n > BATCH)
			n = BATCH;
		if (n > o->max - sent)
			n = o->max - sent;
		if (n != 0) {
			ask(o, &client[who], (unsigned int)n);
			who = (who + 1) % o->clients;
		}
		if (take_all(o->clients) != 0)
			quiet = now;
		else if (n == 0)
			rest(o, now + 1000000);
		/* All of a window that never came back holds up no more. */
		if (o->rate == 0 && now - quiet > LOST_NS) {
			in_flight = 0;
			quiet = now;
		}
	}
}

/* How many questions should be out by now and are not. */
static uint64_t
is_due(const struct options *o, uint64_t now)
{
	uint64_t due;

	if (o->rate == 0)
		return in_flight < o->window ? o->window - in_flight : 0;
	due = (uint64_t)((double)(now - start) * (double)o->rate / 1e9);
	return due > sent ? due - sent : 0;
}

static void
ask(const struct options *o, struct client *c, unsigned int n)
{
	static uint8_t bytes[BATCH][LEN];
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	uint64_t now = now_ns();
	unsigned int i;
	uint16_t id;
	int r;

	for (i = 0; i < n; i++) {
		id = c->next++;
		if (c->due[id] == 0)
			in_flight++;
		c->due[id] = now;
		if (o->rate != 0)
			c->due[id] = start +
			    (uint64_t)((double)(sent + i) * 1e9 /
				(double)o->rate);
		iov[i].iov_base = bytes[i];
		iov[i].iov_len = names_next(bytes[i], id, o->edns);
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	sent += n;
	for (i = 0; i < n; i += (unsigned int)r)
		if ((r = sendmmsg(c->fd, msg + i, n - i, 0)) == -1) {
			if (errno == ECONNREFUSED)
				errx(1, "nobody listens there");
			unsent += n - i;
			break;
		}
}

static unsigned int
take_all(unsigned int clients)
{
	static uint8_t bytes[BATCH][LEN];
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	unsigned int i, all = 0;
	uint64_t now;
	int j, n;

	for (i = 0; i < clients; i++) {
		for (j = 0; j < BATCH; j++) {
			iov[j].iov_base = bytes[j];
			iov[j].iov_len = LEN;
			msg[j].msg_hdr.msg_iov = &iov[j];
			msg[j].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(client[i].fd, msg, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			continue;
		now = now_ns();
		for (j = 0; j < n; j++)
			take(&client[i], bytes[j], msg[j].msg_len, now);
		all += (unsigned int)n;
	}
	return all;
}

static void
take(struct client *c, const uint8_t *msg, size_t len, uint64_t now)
{
	uint16_t id;

	if (len < 12 || (msg[2] & 0x80) == 0) {
		odd++;
		return;
	}
	id = (uint16_t)(msg[0] << 8 | msg[1]);
	if (c->due[id] == 0) {
		odd++; /* or so late that its ID is another's */
		return;
	}
	histogram[bucket_of(now - c->due[id])]++;
	c->due[id] = 0;
	if (in_flight != 0)
		in_flight--;
	answered++;
	rcodes[msg[3] & 15]++;
}

/* Until an answer comes or the next question is due. */
static void
rest(const struct options *o, uint64_t until)
{
	struct pollfd fds[CLIENTS_MAX];
	struct timespec ts = { 0, 0 };
	uint64_t now = now_ns(), due;
	unsigned int i;

	if (o->rate != 0) {
		due = start + (uint64_t)((double)sent * 1e9 / (double)o->rate);
		if (due < until)
			until = due;
	}
	if (until <= now)
		return;
	ts.tv_nsec = (long)(until - now);
	for (i = 0; i < o->clients; i++) {
		fds[i].fd = client[i].fd;
		fds[i].events = POLLIN;
	}
	(void)ppoll(fds, o->clients, &ts, NULL);
}

/* Logarithmic, with 2^SUB steps to each power of two. */
static unsigned int
bucket_of(uint64_t ns)
{
	unsigned int log;

	if (ns < 1u << SUB)
		return (unsigned int)ns;
	log = 63u - (unsigned int)__builtin_clzll(ns);
	return ((log - SUB + 1) << SUB) +
	    (unsigned int)((ns >> (log - SUB)) & ((1u << SUB) - 1));
}

/* In microseconds, as the upper end of the bucket that it lies in. */
static double
percentile(double p)
{
	uint64_t want = (uint64_t)((double)answered * p / 100), seen = 0;
	unsigned int i, log;

	for (i = 0; i < BUCKETS - 1; i++)
		if ((seen += histogram[i]) > want)
			break;
	if (i < 1u << SUB)
		return i / 1e3;
	log = (i >> SUB) + SUB - 1;
	return (double)((((uint64_t)1 << SUB) + (i & ((1u << SUB) - 1)) + 1)
		   << (log - SUB)) /
	    1e3;
}

static void
report(uint64_t ns)
{
	printf("sent=%llu answered=%llu noerror=%llu servfail=%llu odd=%llu "
	       "unsent=%llu seconds=%.3f qps=%.0f p50=%.0f p99=%.0f "
	       "p999=%.0f\n",
	    (unsigned long long)sent, (unsigned long long)answered,
	    (unsigned long long)rcodes[0], (unsigned long long)rcodes[2],
	    (unsigned long long)odd, (unsigned long long)unsent,
	    (double)ns / 1e9, (double)answered * 1e9 / (double)ns,
	    percentile(50), percentile(99), percentile(99.9));
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}
