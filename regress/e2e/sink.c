/*
 * Small servers for the tests: a free port, a datagram socket for
 * sd_notify(3), a TCP server that is no TLS server, a DNS server that loses
 * what it is asked first. It must never outlive a test: an alarm ends it.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SECONDS	  120
#define TRIES	  200
#define PORT_MIN  12000 /* below what the kernel gives to clients */
#define PORT_SPAN 20000
#define CONNS	  64

static void usage(void) __attribute__((noreturn));
static int port(void);
static int try_port(int, int, in_port_t);
static int notify(const char *);
static int tcp(const char *, const char *);
static int lossy(const char *);

int
main(int argc, char *argv[])
{
	(void)alarm(SECONDS);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && strcmp(argv[1], "port") == 0)
		return port();
	if (argc == 3 && strcmp(argv[1], "unix") == 0)
		return notify(argv[2]);
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "tcp") == 0)
		return tcp(argv[2], argc == 4 ? argv[3] : NULL);
	if (argc == 3 && strcmp(argv[1], "lossy") == 0)
		return lossy(argv[2]);
	usage();
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: sink port | unix path | tcp port [greeting] | lossy port\n");
	exit(2);
}

/* One that is free for UDP and TCP, IPv4 and IPv6. */
static int
port(void)
{
	struct timespec ts;
	in_port_t p;
	int i;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	srandom((unsigned int)(ts.tv_nsec ^ (getpid() << 12)));
	for (i = 0; i < TRIES; i++) {
		p = (in_port_t)(PORT_MIN + random() % PORT_SPAN);
		if (try_port(AF_INET, SOCK_STREAM, p) == 0 &&
		    try_port(AF_INET, SOCK_DGRAM, p) == 0 &&
		    try_port(AF_INET6, SOCK_STREAM, p) == 0 &&
		    try_port(AF_INET6, SOCK_DGRAM, p) == 0) {
			(void)printf("%u\n", p);
			return 0;
		}
	}
	errx(1, "no free port");
}

static int
try_port(int family, int type, in_port_t p)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons(p) };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons(p) };
	int fd, on = 1, r;

	/* A machine without IPv6 has nothing on it, either. */
	if ((fd = socket(family, type, 0)) == -1)
		return family == AF_INET6 ? 0 : -1;
	if (family == AF_INET6) {
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		r = bind(fd, (struct sockaddr *)&six, sizeof(six));
	} else
		r = bind(fd, (struct sockaddr *)&four, sizeof(four));
	(void)close(fd);
	return r;
}

/* Prints each datagram as a line. */
static int
notify(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char buf[1024];
	ssize_t n;
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		errx(1, "%s: too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	(void)printf("listening\n");
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		(void)printf("%.*s\n", (int)n, buf);
	err(1, "recv");
}

/* Takes connections and whatever they send; says greeting, or nothing. */
static int
tcp(const char *text, const char *greeting)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct pollfd pfd[1 + CONNS];
	char buf[4096];
	int i, on = 1;
	nfds_t n = 1;
	ssize_t got;

	sin.sin_port = htons((in_port_t)atoi(text));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pfd[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	pfd[0].events = POLLIN;
	(void)setsockopt(pfd[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(pfd[0].fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(pfd[0].fd, CONNS) == -1)
		err(1, "port %s", text);
	(void)printf("listening\n");
	while (poll(pfd, n, -1) > 0) {
		for (i = (int)n - 1; i > 0; i--) {
			if (pfd[i].revents == 0)
				continue;
			got = read(pfd[i].fd, buf, sizeof(buf));
			if (got > 0) {
				/* RFC 8446 5.1: a record. */
				(void)printf("received %zd bytes of %s\n", got,
				    buf[0] >= 20 && buf[0] <= 23 && buf[1] == 3
					? "TLS"
					: "something else");
				continue;
			}
			(void)close(pfd[i].fd);
			pfd[i] = pfd[--n];
		}
		if (pfd[0].revents == 0 || n == 1 + CONNS)
			continue;
		pfd[n].fd = accept(pfd[0].fd, NULL, NULL);
		if (pfd[n].fd == -1)
			continue;
		(void)printf("connected\n");
		if (greeting != NULL &&
		    write(pfd[n].fd, greeting, strlen(greeting)) == -1)
			warn("write");
		pfd[n].events = POLLIN;
		pfd[n++].revents = 0;
	}
	err(1, "poll");
}

/* Over UDP: every other question has an answer, NOERROR and empty. */
static int
lossy(const char *text)
{
	struct sockaddr_in sin = { .sin_family = AF_INET }, from;
	socklen_t len;
	uint8_t buf[4096];
	unsigned int asked;
	ssize_t n;
	int fd;

	sin.sin_port = htons((in_port_t)atoi(text));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "port %s", text);
	(void)printf("listening\n");
	for (asked = 1;; asked++) {
		len = sizeof(from);
		n = recvfrom(
		    fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 12)
			err(1, "recvfrom");
		(void)printf("asked %u\n", asked);
		buf[2] |= 0x80; /* QR */
		if (asked % 2 == 0 &&
		    sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from,
			len) == -1)
			warn("sendto");
	}
}
