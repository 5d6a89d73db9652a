/*
 * Slow TCP clients, many of them: each has a connection, from one of many
 * addresses (of 127.0.0.0/8, unless told otherwise), that asks for nothing, or
 * for half a question and then a byte each second; whoever is let go comes
 * again. It ends when its time is over, and says how many there were at once,
 * at most.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 12000
#define TURN	  400 /* that come again in one turn */
#define SECOND	  1000

static void usage(void) __attribute__((noreturn));
static struct in_addr address(const char *);
static uint64_t now_ms(void);
static void come(int);
static void trickle(uint64_t);

static struct pollfd pfd[CONNS_MAX];
static uint64_t next_byte[CONNS_MAX];
static struct sockaddr_in to;
static uint32_t first = 0x7f010001u; /* address, in host order */
static int nconns, nopen, most;
static int each = 40; /* connections of an address */
static bool silent;
static unsigned long long came, went;

int
main(int argc, char *argv[])
{
	struct rlimit limit = { CONNS_MAX + 64, CONNS_MAX + 64 };
	uint64_t end, now, told = 0;
	int ch, i, n, seconds = 5;

	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((ch = getopt(argc, argv, "a:b:e:n:p:st:")) != -1)
		switch (ch) {
		case 'a':
			to.sin_addr = address(optarg);
			break;
		case 'b':
			first = ntohl(address(optarg).s_addr);
			break;
		case 'e':
			each = atoi(optarg);
			break;
		case 'n':
			nconns = atoi(optarg);
			break;
		case 'p':
			to.sin_port = htons((in_port_t)atoi(optarg));
			break;
		case 's':
			silent = true;
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		default:
			usage();
		}
	if (nconns < 1 || nconns > CONNS_MAX || each < 1 || seconds < 1 ||
	    seconds > 60)
		usage();
	(void)alarm((unsigned int)seconds + 10);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		err(1, "RLIMIT_NOFILE");
	for (i = 0; i < nconns; i++)
		pfd[i].fd = -1;
	end = now_ms() + (uint64_t)seconds * SECOND;
	while ((now = now_ms()) < end) {
		for (i = n = 0; i < nconns && n < TURN; i++)
			if (pfd[i].fd == -1) {
				come(i);
				n++;
			}
		trickle(now);
		if (came >= (unsigned long long)nconns && told == 0) {
			told = now;
			(void)printf("all %d came\n", nconns);
		}
		if (poll(pfd, (nfds_t)nconns, 20) == -1 && errno != EINTR)
			err(1, "poll");
		for (i = 0; i < nconns; i++) {
			if (pfd[i].fd == -1 ||
			    (pfd[i].revents & (POLLIN | POLLHUP | POLLERR)) ==
				0)
				continue;
			/* There is no answer: it can only be the end. */
			(void)close(pfd[i].fd);
			pfd[i].fd = -1;
			nopen--;
			went++;
		}
	}
	(void)printf("most=%d came=%llu went=%llu\n", most, came, went);
	return 0;
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: loris [-s] [-a server] [-b first-address] [-e each]\n"
	    "             -n connections -p port -t seconds\n");
	exit(2);
}

static struct in_addr
address(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		errx(2, "%s: not an address", text);
	return in;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec / 1000000;
}

/* From its address, and if that is not there any more, next turn. */
static void
come(int i)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int on = 1, fd;

	from.sin_addr.s_addr = htonl(first + (uint32_t)(i / each / 200) * 256 +
	    (uint32_t)(i / each % 200));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd == -1)
		err(1, "socket");
	(void)setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
		errno != EINPROGRESS)) {
		(void)close(fd);
		return;
	}
	pfd[i].fd = fd;
	pfd[i].events = POLLIN;
	pfd[i].revents = 0;
	next_byte[i] = 0;
	came++;
	if (++nopen > most)
		most = nopen;
}

/* The length of a question, and of that a byte each second. */
static void
trickle(uint64_t now)
{
	static const uint8_t length[] = { 0, 40 };
	ssize_t n;
	int i;

	if (silent)
		return;
	for (i = 0; i < nconns; i++) {
		if (pfd[i].fd == -1 || now < next_byte[i])
			continue;
		n = next_byte[i] == 0
		    ? send(pfd[i].fd, length, sizeof(length), MSG_NOSIGNAL)
		    : send(pfd[i].fd, "", 1, MSG_NOSIGNAL);
		if (n > 0)
			next_byte[i] = now + SECOND;
	}
}
