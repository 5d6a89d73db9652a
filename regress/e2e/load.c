/*
 * Asks many questions at a steady rate and counts what becomes of each. It
 * must never ask more, nor longer, than told.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUESTIONS_MAX 60000
#define SOCKETS_MAX   64
#define STREAM	      (1 << 17)
#define BUFFER	      (4 << 20)
#define NAME_MAX_TEXT 200
#define UNOPENED      (-2)

enum fate { UNSENT, WAITING, ANSWERED, LOST };

struct question {
	uint64_t first, last; /* us: when it was asked */
	uint64_t took;
	enum fate fate;
	uint8_t rcode;
};

struct sock {
	int fd;
	uint8_t *in; /* TCP: what is not yet a whole message */
	size_t used;
};

static struct {
	const char *server, *source, *name, *log;
	in_port_t port;
	uint16_t type;
	unsigned int count, rate, sockets, wait, again; /* ms */
	bool tcp;
} o = { .server = "127.0.0.1",
	.type = 1,
	.count = 300,
	.rate = 300,
	.sockets = 1,
	.wait = 6000 };

static struct question question[QUESTIONS_MAX];
static struct sock sock[SOCKETS_MAX];
static struct {
	unsigned int sent, answered, noerror, servfail, nxdomain, other, empty,
	    truncated, wrong, twice, lost, unreachable, again, closed;
	uint64_t max, sum; /* us */
} total;

static void options(int, char *[]);
static void usage(void) __attribute__((noreturn));
static void open_socket(struct sock *);
static socklen_t address(struct sockaddr_storage *, const char *, in_port_t);
static void run(void);
static void rest(struct pollfd *, uint64_t);
static unsigned int look_after(uint64_t, unsigned int);
static void ask(unsigned int, uint64_t);
static size_t write_question(uint8_t *, unsigned int);
static void receive(unsigned int, uint64_t);
static void receive_stream(unsigned int, uint64_t);
static void take(unsigned int, const uint8_t *, size_t, uint64_t);
static void write_log(void);
static uint64_t now(void);

int
main(int argc, char *argv[])
{
	unsigned int i;

	options(argc, argv);
	/* By TCP with the first question: a silent connection may be let go. */
	for (i = 0; i < o.sockets; i++)
		if (o.tcp)
			sock[i].fd = UNOPENED;
		else
			open_socket(&sock[i]);
	run();
	(void)printf("sent=%u answered=%u noerror=%u servfail=%u nxdomain=%u "
		     "other=%u empty=%u truncated=%u wrong=%u twice=%u "
		     "lost=%u unreachable=%u again=%u closed=%u max_ms=%.1f "
		     "mean_ms=%.1f\n",
	    total.sent, total.answered, total.noerror, total.servfail,
	    total.nxdomain, total.other, total.empty, total.truncated,
	    total.wrong, total.twice, total.lost, total.unreachable,
	    total.again, total.closed, (double)total.max / 1e3,
	    total.answered == 0 ? 0.0
				: (double)total.sum / total.answered / 1e3);
	if (o.log != NULL)
		write_log();
	return total.answered < total.sent;
}

static void
options(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "b:c:n:o:p:q:r:s:T:tw:")) != -1)
		switch (ch) {
		case 'b':
			o.source = optarg;
			break;
		case 'c':
			o.sockets = (unsigned int)atoi(optarg);
			break;
		case 'n':
			o.count = (unsigned int)atoi(optarg);
			break;
		case 'o':
			o.log = optarg;
			break;
		case 'p':
			o.port = (in_port_t)atoi(optarg);
			break;
		case 'q':
			o.rate = (unsigned int)atoi(optarg);
			break;
		case 'r':
			o.again = (unsigned int)atoi(optarg);
			break;
		case 's':
			o.server = optarg;
			break;
		case 'T':
			o.type = (uint16_t)atoi(optarg);
			break;
		case 't':
			o.tcp = true;
			break;
		case 'w':
			o.wait = (unsigned int)atoi(optarg);
			break;
		default:
			usage();
		}
	if (argc != optind + 1 || o.port == 0 || o.rate == 0 ||
	    o.count > QUESTIONS_MAX || o.sockets == 0 ||
	    o.sockets > SOCKETS_MAX || strlen(argv[optind]) > NAME_MAX_TEXT)
		usage();
	o.name = argv[optind];
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: load [-t] [-b source] [-c sockets] [-n count] "
	    "[-o log]\n            [-q rate] [-r again-ms] [-s server] [-T type] "
	    "[-w ms] -p port name-with-%%\n");
	exit(2);
}

static void
open_socket(struct sock *s)
{
	struct sockaddr_storage to, from;
	socklen_t len = address(&to, o.server, o.port), n;
	int room = BUFFER;

	s->fd = socket(to.ss_family, o.tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (s->fd == -1)
		err(2, "socket");
	/* What the kernel drops for want of it would look like a loss. */
	if (setsockopt(
		s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == -1)
		(void)setsockopt(
		    s->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (o.source != NULL) {
		n = address(&from, o.source, 0);
		if (bind(s->fd, (struct sockaddr *)&from, n) == -1)
			err(2, "%s", o.source);
	}
	if (connect(s->fd, (struct sockaddr *)&to, len) == -1)
		err(2, "%s", o.server);
	if (fcntl(s->fd, F_SETFL, O_NONBLOCK) == -1)
		err(2, "fcntl");
	if (o.tcp && (s->in = malloc(STREAM)) == NULL)
		err(2, "malloc");
}

static socklen_t
address(struct sockaddr_storage *ss, const char *text, in_port_t port)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
		errx(2, "%s: not an address", text);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof(*six);
}

static void
run(void)
{
	struct pollfd pfd[SOCKETS_MAX];
	uint64_t start = now(), t = start;
	unsigned int due, i, next = 0, open = 0;

	do {
		due = (unsigned int)((t - start) * o.rate / 1000000 + 1);
		for (; next < o.count && next < due; next++) {
			question[next].first = now();
			ask(next, question[next].first);
			total.sent++;
		}
		for (i = 0; i < o.sockets; i++) {
			pfd[i].fd = sock[i].fd;
			pfd[i].events = POLLIN;
		}
		rest(pfd,
		    next < o.count ? start + (uint64_t)next * 1000000 / o.rate
				   : t + 20000);
		t = now();
		for (i = 0; i < o.sockets; i++)
			if (pfd[i].revents != 0)
				o.tcp ? receive_stream(i, t) : receive(i, t);
		open = look_after(t, next);
	} while (next < o.count || open > 0);
}

static void
rest(struct pollfd *pfd, uint64_t until)
{
	struct timespec ts = { 0, 0 };
	uint64_t t = now();

	if (until > t)
		ts.tv_nsec =
		    (long)(until - t > 20000 ? 20000 : until - t) * 1000;
	(void)ppoll(pfd, o.sockets, &ts, NULL);
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
		if (o.again != 0 && t - q->last >= (uint64_t)o.again * 1000) {
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
	size_t len = write_question(buf + 2, n);
	struct sock *s = &sock[n % o.sockets];
	ssize_t r;

	question[n].fate = WAITING;
	question[n].last = t;
	if (s->fd == UNOPENED)
		open_socket(s);
	if (s->fd == -1)
		return;
	buf[0] = (uint8_t)(len >> 8);
	buf[1] = (uint8_t)len;
	r = o.tcp ? send(s->fd, buf, len + 2, MSG_NOSIGNAL)
		  : send(s->fd, buf + 2, len, MSG_NOSIGNAL);
	if (r == -1 && errno == ECONNREFUSED) {
		total.unreachable++;
		(void)send(s->fd, buf + 2, len, MSG_NOSIGNAL);
	}
}

/* RD, one question, an OPT of 1232 bytes. */
static size_t
write_question(uint8_t *p, unsigned int n)
{
	static const uint8_t opt[] = { 0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0,
		0, 0, 0, 0 };
	char text[NAME_MAX_TEXT + 16], *label, *rest = text;
	size_t len = 12, k;
	const char *s;
	unsigned int id = n / o.sockets;

	for (s = o.name, k = 0; *s != '\0' && k < NAME_MAX_TEXT; s++)
		if (*s == '%')
			k += (size_t)snprintf(
			    text + k, sizeof(text) - k, "%u", n);
		else
			text[k++] = *s;
	text[k] = '\0';
	memset(p, 0, 12);
	p[0] = (uint8_t)(id >> 8);
	p[1] = (uint8_t)id;
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
	p[len++] = 0;
	p[len++] = (uint8_t)(o.type >> 8);
	p[len++] = (uint8_t)o.type;
	p[len++] = 0;
	p[len++] = 1;
	memcpy(p + len, opt, sizeof(opt));
	return len + sizeof(opt);
}

static void
receive(unsigned int s, uint64_t t)
{
	static uint8_t buf[65536];
	ssize_t n;

	while ((n = recv(sock[s].fd, buf, sizeof(buf), 0)) > 0)
		take(s, buf, (size_t)n, t);
	if (n == -1 && errno == ECONNREFUSED)
		total.unreachable++;
}

static void
receive_stream(unsigned int s, uint64_t t)
{
	struct sock *k = &sock[s];
	size_t len, off;
	ssize_t n;

	while ((n = recv(k->fd, k->in + k->used, STREAM - k->used, 0)) > 0) {
		k->used += (size_t)n;
		for (off = 0; k->used - off >= 2; off += 2 + len) {
			len = (size_t)(k->in[off] << 8 | k->in[off + 1]);
			if (k->used - off - 2 < len)
				break;
			take(s, k->in + off + 2, len, t);
		}
		k->used -= off;
		memmove(k->in, k->in + off, k->used);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		total.closed++;
		(void)close(k->fd);
		k->fd = -1;
	}
}

static void
take(unsigned int s, const uint8_t *msg, size_t len, uint64_t t)
{
	uint8_t asked[512];
	struct question *q;
	unsigned int n;
	size_t k;

	n = len < 12 ? QUESTIONS_MAX
		     : (unsigned int)(msg[0] << 8 | msg[1]) * o.sockets + s;
	if (n >= o.count || question[n].fate == UNSENT) {
		total.wrong++;
		return;
	}
	q = &question[n];
	/* The question comes back as it was sent, but for the OPT. */
	k = write_question(asked, n) - 11;
	if (len < k || memcmp(msg + 12, asked + 12, k - 12) != 0 ||
	    (msg[2] & 0x80) == 0) {
		total.wrong++;
		return;
	}
	if (q->fate != WAITING) {
		total.twice++;
		return;
	}
	q->fate = ANSWERED;
	total.answered++;
	q->took = t - q->first;
	q->rcode = msg[3] & 0xf;
	total.sum += q->took;
	if (q->took > total.max)
		total.max = q->took;
	switch (msg[3] & 0xf) {
	case 0:
		total.noerror++;
		if ((msg[2] & 0x02) != 0)
			total.truncated++;
		else if (msg[6] == 0 && msg[7] == 0)
			total.empty++;
		break;
	case 2:
		total.servfail++;
		break;
	case 3:
		total.nxdomain++;
		break;
	default:
		total.other++;
	}
}

/* A line for each: when it was asked and what it took, in ms, and the rcode;
 * "-" for what never came. */
static void
write_log(void)
{
	const struct question *q;
	FILE *f;

	if ((f = fopen(o.log, "w")) == NULL)
		err(2, "%s", o.log);
	for (q = question; q < question + total.sent; q++) {
		(void)fprintf(
		    f, "%.3f ", (double)(q->first - question[0].first) / 1e3);
		if (q->fate == ANSWERED)
			(void)fprintf(
			    f, "%.3f %u\n", (double)q->took / 1e3, q->rcode);
		else
			(void)fprintf(f, "- -\n");
	}
	if (fclose(f) == EOF)
		err(2, "%s", o.log);
}

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
