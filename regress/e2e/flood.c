/*
 * Floods a server with questions, each for a name that nobody has asked for,
 * from one address or from many that are forged: within a network namespace of
 * a test's own. It must never send more, nor longer, than told.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define COUNT_MAX   2000000
#define RATE_MAX    1000000
#define SECONDS_MAX 10
#define BATCH	    64
#define ROOM	    256 /* of a packet */
#define DIGITS	    8 /* of a name's first label */
#define NAP_NS	    100000
#define HEADS	    (sizeof(struct iphdr) + sizeof(struct udphdr))
#define COOKIE	    24

static struct {
	const char *server, *zone;
	uint32_t first, victim; /* addresses, host order; 0: none */
	uint32_t sources, victim_every;
	uint32_t count, rate, seconds;
	in_port_t port;
	bool cookie;
} o = { .server = "127.0.0.1",
	.zone = "flood.example",
	.sources = 1,
	.count = 1000000,
	.rate = 200000,
	.seconds = 5 };

static void options(int, char *[]);
static uint32_t number(const char *, uint32_t);
static uint32_t address(const char *);
static void usage(void) __attribute__((noreturn));
static void prepare(void);
static size_t write_question(uint8_t *);
static void send_all(int);
static void fill(unsigned int, uint32_t);
static uint32_t source_of(uint32_t);
static uint64_t now(void);

static uint8_t packet[BATCH][ROOM];
static struct sockaddr_in to;
static struct mmsghdr msg[BATCH];
static struct iovec iov[BATCH];
static uint32_t seed;

int
main(int argc, char *argv[])
{
	int fd, room = 1 << 20;

	options(argc, argv);
	(void)alarm(o.seconds + 5);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd == -1)
		err(2, "a raw socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	prepare();
	send_all(fd);
	return 0;
}

static void
options(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "b:e:km:n:p:q:s:t:v:z:")) != -1)
		switch (ch) {
		case 'b':
			o.first = address(optarg);
			break;
		case 'e':
			o.victim_every = number(optarg, COUNT_MAX);
			break;
		case 'k':
			o.cookie = true;
			break;
		case 'm':
			o.sources = number(optarg, 1u << 24);
			break;
		case 'n':
			o.count = number(optarg, COUNT_MAX);
			break;
		case 'p':
			o.port = (in_port_t)number(optarg, 65535);
			break;
		case 'q':
			o.rate = number(optarg, RATE_MAX);
			break;
		case 's':
			o.server = optarg;
			break;
		case 't':
			o.seconds = number(optarg, SECONDS_MAX);
			break;
		case 'v':
			o.victim = address(optarg);
			break;
		case 'z':
			o.zone = optarg;
			break;
		default:
			usage();
		}
	if (argc != optind || o.port == 0 || strlen(o.zone) > 100 ||
	    (o.victim != 0) != (o.victim_every != 0))
		usage();
}

static uint32_t
number(const char *text, uint32_t most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end != '\0' || n < 1 || n > most)
		usage();
	return (uint32_t)n;
}

static uint32_t
address(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		errx(2, "%s: not an address", text);
	return ntohl(in.s_addr);
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: flood [-k] [-b first-address] [-m sources] [-n count]\n"
	    "             [-q rate] [-s server] [-t seconds] [-v victim -e "
	    "every]\n             [-z zone] -p port\n");
	exit(2);
}

/* All of a packet that is the same in each: what the kernel does not write is
 * its address, port, ID and name. A checksum of 0 is none (RFC 768). */
static void
prepare(void)
{
	unsigned int i;

	seed = (uint32_t)now();
	to.sin_family = AF_INET;
	to.sin_addr.s_addr = htonl(address(o.server));
	for (i = 0; i < BATCH; i++) {
		size_t len = HEADS + write_question(packet[i] + HEADS);
		struct iphdr *ip = (struct iphdr *)packet[i];
		struct udphdr *udp = (struct udphdr *)(ip + 1);

		ip->version = 4;
		ip->ihl = sizeof(*ip) / 4;
		ip->ttl = 64;
		ip->protocol = IPPROTO_UDP;
		ip->daddr = to.sin_addr.s_addr;
		udp->dest = htons(o.port);
		udp->len = htons((uint16_t)(len - sizeof(*ip)));
		iov[i].iov_base = packet[i];
		iov[i].iov_len = len;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		msg[i].msg_hdr.msg_name = &to;
		msg[i].msg_hdr.msg_namelen = sizeof(to);
	}
}

/* RD, one question; with -k an OPT whose cookie nobody gave. */
static size_t
write_question(uint8_t *p)
{
	static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0,
		4 + COOKIE, 0, 10, 0, COOKIE };
	size_t len = 12, k;
	const char *s;

	memset(p, 0, 12);
	p[2] = 1;
	p[5] = 1;
	p[11] = o.cookie;
	p[len++] = DIGITS;
	len += DIGITS;
	for (s = o.zone; *s != '\0'; s += k + (s[k] == '.')) {
		k = strcspn(s, ".");
		if (k < 1 || k > 63)
			errx(2, "%s: not a name", o.zone);
		p[len++] = (uint8_t)k;
		memcpy(p + len, s, k);
		len += k;
	}
	memcpy(p + len, "\0\0\1\0\1", 5);
	len += 5;
	if (!o.cookie)
		return len;
	memcpy(p + len, opt, sizeof(opt));
	len += sizeof(opt);
	memset(p + len, 1, COOKIE);
	return len + COOKIE;
}

static void
send_all(int fd)
{
	const uint64_t start = now(), end = start + o.seconds * 1000000000ull;
	struct timespec nap = { 0, NAP_NS };
	uint32_t sent = 0, failed = 0, due, n, i;
	uint64_t t;
	int r;

	while (sent < o.count && (t = now()) < end) {
		due = (uint32_t)((t - start) * o.rate / 1000000000) + 1;
		if (due > o.count)
			due = o.count;
		if (due <= sent) {
			(void)nanosleep(&nap, NULL);
			continue;
		}
		n = due - sent < BATCH ? due - sent : BATCH;
		for (i = 0; i < n; i++)
			fill(i, sent + i);
		r = sendmmsg(fd, msg, n, 0);
		if (r == -1 && errno != ENOBUFS && errno != EINTR &&
		    errno != EAGAIN)
			err(2, "sendmmsg");
		if (r == -1)
			failed++;
		else
			sent += (uint32_t)r;
	}
	t = now() - start;
	(void)printf("sent=%u ms=%u rate=%u stopped=%u\n", sent,
	    (uint32_t)(t / 1000000),
	    (uint32_t)((uint64_t)sent * 1000000000 / (t == 0 ? 1 : t)), failed);
}

static void
fill(unsigned int i, uint32_t n)
{
	static const char digits[] = "0123456789abcdef";
	struct iphdr *ip = (struct iphdr *)packet[i];
	struct udphdr *udp = (struct udphdr *)(ip + 1);
	uint8_t *dns = packet[i] + HEADS;
	uint32_t k, name = (seed + n) * 2654435761u;

	ip->saddr = htonl(o.victim_every != 0 && n % o.victim_every == 0
		? o.victim
		: source_of(n));
	ip->check = 0;
	udp->source = htons((uint16_t)(1024 + n * 7919 % 60000));
	dns[0] = (uint8_t)(name >> 24);
	dns[1] = (uint8_t)(name >> 16);
	for (k = 0; k < DIGITS; k++)
		dns[13 + k] = (uint8_t)digits[name >> 4 * k & 15];
}

/* In a row from the first, or anywhere that is unicast and not private. */
static uint32_t
source_of(uint32_t n)
{
	uint32_t a, i = n % o.sources;

	if (o.first != 0)
		return o.first + i;
	for (a = i * 2654435761u;; a += 0x3d000000u)
		if (a >> 24 != 0 && a >> 24 != 10 && a >> 24 != 127 &&
		    a >> 24 < 224)
			return a;
}

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}
