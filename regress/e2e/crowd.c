/*
 * Clients with an address each, that ask fresh names at a steady rate and do
 * what a stub does: come again by TCP when an answer is truncated, ask again in
 * time, and with -k show the cookie they were given (RFC 7873 5.3). What they
 * waited counts to when the kernel had the answer, so that it is not their own
 * slowness that is told. It must never ask more, nor longer, than told.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dotproxy/netaddr.h"

#define QUESTIONS_MAX 60000
#define CLIENTS_MAX   64
#define TCP_MAX	      256 /* connections at once */
#define BUFFER	      (1 << 20)
#define MESSAGE	      4096
#define COOKIE_MAX    40
#define CLIENT_COOKIE 8
#define BADCOOKIE     23
#define SECONDS_MAX   120

enum fate { UNSENT, WAITING, ANSWERED, LOST };

struct question {
	uint64_t first, last; /* us */
	uint64_t took;
	enum fate fate;
	bool on_tcp, told; /* told: asked again for its cookie */
};

struct client {
	int fd;
	struct sockaddr_storage from;
	uint8_t cookie[COOKIE_MAX];
	size_t cookie_len;
};

struct stream {
	unsigned int n; /* its question */
	int fd;
	bool asked;
	size_t used;
	uint8_t in[MESSAGE];
};

static struct {
	const char *name;
	struct netaddr server, first;
	struct sockaddr_storage to; /* the server */
	socklen_t address_len;
	unsigned int bits; /* the clients' addresses count up behind so many */
	unsigned int clients, count, rate, wait, again; /* ms */
	bool cookies, udp_only, tcp_only;
} o = { .clients = 1, .count = 300, .rate = 300, .wait = 3000 };

static struct question question[QUESTIONS_MAX];
static struct client client[CLIENTS_MAX];
static struct stream stream[TCP_MAX];
static struct {
	unsigned int sent, answered, noerror, truncated, tcp, cookie, again,
	    badcookie, refused, lost;
} total;

static void options(int, char *[]);
static void address(struct netaddr *, const char *);
static void usage(void) __attribute__((noreturn));
static struct netaddr client_address(unsigned int);
static void open_client(unsigned int);
static void run(void);
static void wait_until(uint64_t);
static unsigned int look_after(uint64_t, unsigned int);
static void ask(unsigned int, uint64_t);
static size_t write_question(uint8_t *, unsigned int);
static size_t write_name(uint8_t *, unsigned int);
static void receive(struct client *);
static uint64_t stamp_of(struct msghdr *);
static void take(struct client *, const uint8_t *, size_t, uint64_t, bool);
static unsigned int
read_opt(struct client *, const uint8_t *, size_t, unsigned int);
static size_t skip_name(const uint8_t *, size_t, size_t);
static void open_stream(unsigned int);
static void turn_stream(struct stream *);
static void end_stream(struct stream *);
static int later(const void *, const void *);
static void tell(void);
static uint64_t now(void);

int
main(int argc, char *argv[])
{
	unsigned int i;

	options(argc, argv);
	(void)alarm(SECONDS_MAX);
	for (i = 0; i < TCP_MAX; i++)
		stream[i].fd = -1;
	for (i = 0; i < o.clients; i++)
		open_client(i);
	run();
	tell();
	return total.answered < total.sent;
}

static void
options(int argc, char *argv[])
{
	in_port_t port = 0;
	int ch;

	address(&o.server, "127.0.0.1");
	o.first = o.server;
	while ((ch = getopt(argc, argv, "b:c:d:kn:p:q:r:s:tuw:")) != -1)
		switch (ch) {
		case 'b':
			address(&o.first, optarg);
			break;
		case 'c':
			o.clients = (unsigned int)atoi(optarg);
			break;
		case 'd':
			o.bits = (unsigned int)atoi(optarg);
			break;
		case 'k':
			o.cookies = true;
			break;
		case 'n':
			o.count = (unsigned int)atoi(optarg);
			break;
		case 'p':
			port = (in_port_t)atoi(optarg);
			break;
		case 'q':
			o.rate = (unsigned int)atoi(optarg);
			break;
		case 'r':
			o.again = (unsigned int)atoi(optarg);
			break;
		case 's':
			address(&o.server, optarg);
			break;
		case 't':
			o.tcp_only = true;
			break;
		case 'u':
			o.udp_only = true;
			break;
		case 'w':
			o.wait = (unsigned int)atoi(optarg);
			break;
		default:
			usage();
		}
	if (o.bits == 0)
		o.bits = o.first.bits;
	if (argc != optind + 1 || port == 0 || o.rate == 0 ||
	    o.first.family != o.server.family || o.bits > o.first.bits ||
	    o.count > QUESTIONS_MAX || o.clients == 0 ||
	    o.clients > CLIENTS_MAX || strlen(argv[optind]) > 200 ||
	    o.count / o.rate + o.wait / 1000 > SECONDS_MAX)
		usage();
	o.name = argv[optind];
	o.server.port = port;
	o.address_len = netaddr_to_sockaddr(&o.server, &o.to);
}

static void
address(struct netaddr *a, const char *text)
{
	if (!netaddr_parse(a, text))
		errx(2, "%s: not an address", text);
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: crowd [-ktu] [-b first-address] [-c clients] [-d bits]\n"
	    "             [-n count] [-q rate] [-r again-ms] [-s server] [-w "
	    "ms]\n             -p port name-with-%%\n");
	exit(2);
}

static struct netaddr
client_address(unsigned int i)
{
	struct netaddr a = o.first;
	unsigned int sum = i << (-o.bits & 7), k;

	for (k = (o.bits + 7) / 8; k-- > 0; sum >>= 8) {
		sum += a.bytes[k];
		a.bytes[k] = (uint8_t)sum;
	}
	return a;
}

static void
open_client(unsigned int i)
{
	struct client *c = &client[i];
	const struct netaddr from = client_address(i);
	int on = 1, room = BUFFER;
	unsigned int k;

	(void)netaddr_to_sockaddr(&from, &c->from);
	c->fd = socket(c->from.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&c->from, o.address_len) == -1 ||
	    connect(c->fd, (struct sockaddr *)&o.to, o.address_len) == -1)
		err(2, "a client");
	if (setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ==
	    -1)
		err(2, "SO_TIMESTAMPNS");
	(void)setsockopt(
	    c->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	for (k = 0; k < CLIENT_COOKIE; k++)
		c->cookie[k] = (uint8_t)(i * 31 + k * 7 + now() % 251);
	c->cookie_len = CLIENT_COOKIE;
}

static void
run(void)
{
	uint64_t start = now(), t = start;
	unsigned int due, next = 0, open = 0;

	do {
		due = (unsigned int)((t - start) * o.rate / 1000000 + 1);
		for (; next < o.count && next < due; next++) {
			question[next].first = now();
			question[next].fate = WAITING;
			total.sent++;
			ask(next, question[next].first);
		}
		wait_until(next < o.count
			? start + (uint64_t)next * 1000000 / o.rate
			: t + 20000);
		t = now();
		open = look_after(t, next);
	} while (next < o.count || open > 0);
}

static void
wait_until(uint64_t until)
{
	static struct pollfd pfd[CLIENTS_MAX + TCP_MAX];
	static struct stream *of[TCP_MAX];
	struct timespec ts = { 0, 0 };
	unsigned int i, n = 0;
	uint64_t t = now();

	for (i = 0; i < o.clients; i++)
		pfd[i] = (struct pollfd){ client[i].fd, POLLIN, 0 };
	for (i = 0; i < TCP_MAX; i++)
		if (stream[i].fd != -1) {
			of[n] = &stream[i];
			pfd[o.clients + n++] = (struct pollfd){ stream[i].fd,
				stream[i].asked ? POLLIN : POLLOUT, 0 };
		}
	if (until > t)
		ts.tv_nsec =
		    (long)(until - t > 20000 ? 20000 : until - t) * 1000;
	if (ppoll(pfd, o.clients + n, &ts, NULL) <= 0)
		return;
	for (i = 0; i < o.clients; i++)
		if (pfd[i].revents != 0)
			receive(&client[i]);
	for (i = 0; i < n; i++)
		if (pfd[o.clients + i].revents != 0)
			turn_stream(of[i]);
}

/* Asks again, gives up; how many still wait. */
static unsigned int
look_after(uint64_t t, unsigned int n)
{
	static unsigned int oldest;
	unsigned int i, open = 0;

	while (oldest < n && question[oldest].fate != WAITING)
		oldest++;
	for (i = oldest; i < n; i++) {
		struct question *q = &question[i];

		if (q->fate != WAITING)
			continue;
		if (t - q->first >= (uint64_t)o.wait * 1000) {
			q->fate = LOST;
			total.lost++;
			continue;
		}
		open++;
		if (o.again != 0 && !q->on_tcp &&
		    t - q->last >= (uint64_t)o.again * 1000) {
			total.again++;
			ask(i, t);
		}
	}
	return open;
}

static void
ask(unsigned int n, uint64_t t)
{
	uint8_t buf[512];
	size_t len = write_question(buf, n);

	question[n].last = t;
	if (o.tcp_only) {
		open_stream(n);
		return;
	}
	(void)send(client[n % o.clients].fd, buf, len, MSG_NOSIGNAL);
}

/* RD, one question, an OPT of 1232 bytes, and in it the cookie. */
static size_t
write_question(uint8_t *p, unsigned int n)
{
	static const uint8_t opt[] = { 0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0,
		0, 0, 0, 0 };
	const struct client *c = &client[n % o.clients];
	size_t len = write_name(p, n);

	memcpy(p + len, opt, sizeof(opt));
	len += sizeof(opt);
	if (!o.cookies)
		return len;
	p[len - 1] = (uint8_t)(4 + c->cookie_len);
	p[len++] = 0;
	p[len++] = 10;
	p[len++] = 0;
	p[len++] = (uint8_t)c->cookie_len;
	memcpy(p + len, c->cookie, c->cookie_len);
	return len + c->cookie_len;
}

/* Up to the OPT. */
static size_t
write_name(uint8_t *p, unsigned int n)
{
	char text[256], *label, *rest = text;
	const char *mark = strchr(o.name, '%');
	size_t len = 12, k;

	if (mark == NULL)
		usage();
	(void)snprintf(text, sizeof(text), "%.*s%u%s", (int)(mark - o.name),
	    o.name, n, mark + 1);
	memset(p, 0, 12);
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	p[2] = 1;
	p[5] = 1;
	p[11] = 1;
	while ((label = strsep(&rest, ".")) != NULL) {
		if ((k = strlen(label)) == 0)
			continue;
		p[len++] = (uint8_t)k;
		memcpy(p + len, label, k);
		len += k;
	}
	memcpy(p + len, "\0\0\1\0\1", 5);
	return len + 5;
}

static void
receive(struct client *c)
{
	static uint8_t buf[MESSAGE];
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m;
	ssize_t n;

	for (;;) {
		memset(&m, 0, sizeof(m));
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		n = recvmsg(c->fd, &m, 0);
		if (n <= 0)
			break;
		take(c, buf, (size_t)n, stamp_of(&m), false);
	}
}

static uint64_t
stamp_of(struct msghdr *m)
{
	struct timespec ts;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			return (uint64_t)ts.tv_sec * 1000000 +
			    (uint64_t)ts.tv_nsec / 1000;
		}
	return now();
}

static void
take(struct client *c, const uint8_t *msg, size_t len, uint64_t t, bool tcp)
{
	uint8_t asked[512];
	struct question *q;
	unsigned int n, rcode;
	size_t k;

	n = len < 12 ? QUESTIONS_MAX : (unsigned int)(msg[0] << 8 | msg[1]);
	if (n >= o.count || question[n].fate != WAITING ||
	    &client[n % o.clients] != c)
		return;
	q = &question[n];
	k = write_name(asked, n);
	if (len < k || memcmp(msg + 12, asked + 12, k - 12) != 0 ||
	    (msg[2] & 0x80) == 0)
		return;
	rcode = read_opt(c, msg, len, (unsigned int)k);
	if (rcode == BADCOOKIE) {
		total.badcookie++;
		if (!q->told) {
			q->told = true;
			ask(n, now());
		} else if (!o.udp_only)
			open_stream(n);
		return;
	}
	if ((msg[2] & 2) != 0) {
		total.truncated++;
		if (!o.udp_only)
			open_stream(n);
		return;
	}
	q->fate = ANSWERED;
	total.answered++;
	total.tcp += tcp;
	total.cookie += !tcp && o.cookies && c->cookie_len > CLIENT_COOKIE;
	q->took = t > q->first ? t - q->first : 0;
	if (rcode == 0 && msg[7] != 0)
		total.noerror++;
	else if (rcode == 5)
		total.refused++;
}

/* The rcode; keeps the cookie, if it is for what this client sent. */
static unsigned int
read_opt(struct client *c, const uint8_t *msg, size_t len, unsigned int at)
{
	unsigned int records = (unsigned int)(msg[7] + msg[9] + msg[11]);
	unsigned int rcode = msg[3] & 15u;
	size_t p = at, end, size;

	for (; records > 0; records--, p = end) {
		p = skip_name(msg, len, p);
		if (p + 10 > len)
			break;
		end = p + 10 + (size_t)(msg[p + 8] << 8 | msg[p + 9]);
		if (end > len)
			break;
		if (msg[p] != 0 || msg[p + 1] != 41)
			continue;
		rcode |= (unsigned int)msg[p + 4] << 4;
		for (p += 10; p + 4 <= end; p += 4 + size) {
			size = (size_t)(msg[p + 2] << 8 | msg[p + 3]);
			if (p + 4 + size > end)
				break;
			if (msg[p + 1] != 10 || size <= CLIENT_COOKIE ||
			    size > COOKIE_MAX ||
			    memcmp(msg + p + 4, c->cookie, CLIENT_COOKIE) != 0)
				continue;
			memcpy(c->cookie, msg + p + 4, size);
			c->cookie_len = size;
		}
	}
	return rcode;
}

static size_t
skip_name(const uint8_t *msg, size_t len, size_t p)
{
	while (p < len && msg[p] != 0 && msg[p] < 0xc0)
		p += msg[p] + 1u;
	return p < len && msg[p] >= 0xc0 ? p + 2 : p + 1;
}

static void
open_stream(unsigned int n)
{
	const struct client *c = &client[n % o.clients];
	struct question *q = &question[n];
	struct stream *s = NULL;
	unsigned int i;
	int on = 1;

	for (i = 0; i < TCP_MAX && s == NULL; i++)
		if (stream[i].fd == -1)
			s = &stream[i];
	if (s == NULL || q->on_tcp)
		return;
	s->fd = socket(o.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd == -1)
		err(2, "socket");
	(void)setsockopt(
	    s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(s->fd, (const struct sockaddr *)&c->from, o.address_len) ==
		-1 ||
	    (connect(s->fd, (struct sockaddr *)&o.to, o.address_len) == -1 &&
		errno != EINPROGRESS)) {
		(void)close(s->fd);
		s->fd = -1;
		return;
	}
	q->on_tcp = true;
	s->n = n;
	s->asked = false;
	s->used = 0;
}

static void
turn_stream(struct stream *s)
{
	uint8_t buf[514];
	size_t len;
	ssize_t n;

	if (!s->asked) {
		len = write_question(buf + 2, s->n);
		buf[0] = (uint8_t)(len >> 8);
		buf[1] = (uint8_t)len;
		if (send(s->fd, buf, len + 2, MSG_NOSIGNAL) == -1)
			end_stream(s);
		else
			s->asked = true;
		return;
	}
	n = recv(s->fd, s->in + s->used, sizeof(s->in) - s->used, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n > 0)
		s->used += (size_t)n;
	len = s->used < 2 ? MESSAGE : (size_t)(s->in[0] << 8 | s->in[1]);
	if (n > 0 && s->used < len + 2)
		return;
	if (n > 0)
		take(&client[s->n % o.clients], s->in + 2, len, now(), true);
	end_stream(s);
}

/* What it was not told there, it may ask over UDP again. */
static void
end_stream(struct stream *s)
{
	(void)close(s->fd);
	s->fd = -1;
	question[s->n].on_tcp = false;
}

static int
later(const void *a, const void *b)
{
	const struct question *p = a, *q = b;

	return (p->took > q->took) - (p->took < q->took);
}

/* What never came is not in the times. */
static void
tell(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < total.sent; i++)
		if (question[i].fate == ANSWERED)
			question[n++] = question[i];
	qsort(question, n, sizeof(question[0]), later);
	(void)printf("sent=%u answered=%u noerror=%u tcp=%u cookie=%u "
		     "truncated=%u badcookie=%u refused=%u again=%u lost=%u",
	    total.sent, total.answered, total.noerror, total.tcp, total.cookie,
	    total.truncated, total.badcookie, total.refused, total.again,
	    total.lost);
	if (n > 0)
		(void)printf(" p50_ms=%.2f p99_ms=%.2f max_ms=%.2f",
		    (double)question[n / 2].took / 1e3,
		    (double)question[n * 99 / 100].took / 1e3,
		    (double)question[n - 1].took / 1e3);
	(void)printf("\n");
}

/* The kernel's stamps are of this clock. */
static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
