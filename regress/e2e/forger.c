/*
 * A plain upstream on 127.0.0.1 that answers every question with one address,
 * over UDP and TCP, and misbehaves as told. It must never outlive a test: an
 * alarm ends it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS 120
#define CONNS	16
#define HEADER	12

static void usage(void) __attribute__((noreturn));
static int listener(int, in_port_t);
static void datagram(int);
static int stream(int);
static size_t answer(uint8_t *, const uint8_t *, size_t);
static void record(const uint8_t *, size_t, const char *, in_port_t);

static uint8_t address[4];
static long drop, forge;
static int lower, wrong, cut;
static FILE *questions;

int
main(int argc, char *argv[])
{
	struct pollfd fd[2 + CONNS];
	in_port_t port = 0;
	nfds_t n = 2, i;
	int c, tcp = 1;

	(void)alarm(SECONDS);
	(void)inet_pton(AF_INET, "192.0.2.99", address);
	while ((c = getopt(argc, argv, "a:cd:f:l:np:tw")) != -1)
		switch (c) {
		case 'a': /* what it answers */
			if (inet_pton(AF_INET, optarg, address) != 1)
				usage();
			break;
		case 'c': /* in small letters */
			lower = 1;
			break;
		case 'd': /* one in so many is lost, by chance */
			drop = atol(optarg);
			break;
		case 'f': /* so many forged answers go before each */
			forge = atol(optarg);
			break;
		case 'l':
			if ((questions = fopen(optarg, "w")) == NULL)
				err(1, "%s", optarg);
			(void)setvbuf(questions, NULL, _IOLBF, 0);
			break;
		case 'n':
			tcp = 0;
			break;
		case 'p':
			port = (in_port_t)atoi(optarg);
			break;
		case 't': /* all is cut over UDP */
			cut = 1;
			break;
		case 'w': /* a wrong ID and a wrong question go before each */
			wrong = 1;
			break;
		default:
			usage();
		}
	if (port == 0 || optind != argc)
		usage();
	fd[0].fd = listener(SOCK_DGRAM, port);
	fd[1].fd = tcp ? listener(SOCK_STREAM, port) : -1;
	(void)printf("ready\n");
	(void)fflush(stdout);
	for (;;) {
		for (i = 0; i < n; i++)
			fd[i].events = POLLIN;
		if (poll(fd, n, -1) == -1)
			err(1, "poll");
		if (fd[0].revents != 0)
			datagram(fd[0].fd);
		if (tcp && fd[1].revents != 0 && n < 2 + CONNS) {
			fd[n].fd = accept(fd[1].fd, NULL, NULL);
			fd[n].revents = 0;
			n += fd[n].fd != -1;
		}
		for (i = 2; i < n; i++)
			if (fd[i].revents != 0 && !stream(fd[i].fd)) {
				(void)close(fd[i].fd);
				fd[i] = fd[--n];
			}
	}
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: forger [-cntw] [-a address] [-d count] "
	    "[-f count] [-l log] -p port\n");
	exit(2);
}

static int
listener(int type, in_port_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	static const int on = 1;
	int fd;

	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, type, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    (type == SOCK_STREAM && listen(fd, CONNS) == -1))
		err(1, "port %u", port);
	return fd;
}

static void
datagram(int fd)
{
	struct sockaddr_in from = { 0 };
	socklen_t size = sizeof(from);
	uint8_t in[512], out[600], bad[600];
	ssize_t n;
	size_t len;
	long i;

	n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size);
	if (n <= 0 || (len = answer(out, in, (size_t)n)) == 0)
		return;
	record(in, (size_t)n, "udp", ntohs(from.sin_port));
	if (drop != 0 && random() % drop == 0)
		return;
	memcpy(bad, out, len);
	for (i = 0; i < forge + wrong; i++) {
		bad[1] = (uint8_t)(out[1] + 1 + i);
		bad[len - 1] = 66;
		(void)sendto(
		    fd, bad, len, 0, (struct sockaddr *)&from, sizeof(from));
	}
	if (wrong) {
		bad[1] = out[1];
		bad[HEADER + 1] ^= 1;
		(void)sendto(
		    fd, bad, len, 0, (struct sockaddr *)&from, sizeof(from));
	}
	if (cut) {
		out[2] |= 2;
		out[7] = 0;
		len -= 16;
	}
	(void)sendto(fd, out, len, 0, (struct sockaddr *)&from, sizeof(from));
}

/* One question; 0: the client closes, or asks nothing that is one. */
static int
stream(int fd)
{
	struct timeval wait = { .tv_sec = 3 };
	uint8_t in[512], out[602], head[2];
	size_t n, len;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (recv(fd, head, 2, MSG_WAITALL) != 2)
		return 0;
	n = (size_t)head[0] << 8 | head[1];
	if (n > sizeof(in) || recv(fd, in, n, MSG_WAITALL) != (ssize_t)n ||
	    (len = answer(&out[2], in, n)) == 0)
		return 0;
	record(in, n, "tcp", 0);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	return send(fd, out, len + 2, MSG_NOSIGNAL) != -1;
}

/* The question, and its address. */
static size_t
answer(uint8_t *out, const uint8_t *in, size_t len)
{
	static const uint8_t a[12] = { 0xc0, HEADER, 0, 1, 0, 1, 0, 0, 0, 60, 0,
		4 };
	size_t at = HEADER, i;

	if (len < HEADER)
		return 0;
	while (at < len && in[at] != 0)
		at += 1 + (size_t)in[at];
	at += 5;
	if (at > len)
		return 0;
	memcpy(out, in, at);
	memcpy(&out[2], "\x84\x00\0\1\0\1\0\0\0\0", 10);
	for (i = HEADER; lower && i < at; i++)
		out[i] = (uint8_t)tolower(out[i]);
	memcpy(&out[at], a, sizeof(a));
	memcpy(&out[at + sizeof(a)], address, 4);
	return at + sizeof(a) + 4;
}

static void
record(const uint8_t *in, size_t len, const char *proto, in_port_t port)
{
	size_t at = HEADER, i;

	if (questions == NULL)
		return;
	(void)fprintf(questions, "proto=%s port=%u name=", proto, port);
	for (; at < len && in[at] != 0; at += 1 + (size_t)in[at]) {
		for (i = at + 1; i <= at + in[at] && i < len; i++)
			(void)fputc(tolower(in[i]), questions);
		(void)fputc('.', questions);
	}
	(void)fputc('\n', questions);
}
