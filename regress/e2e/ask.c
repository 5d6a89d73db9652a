/*
 * Sends messages as they are given, byte for byte, and says what returns: for
 * what no well-behaved client can be made to send. It must never wait longer
 * than told.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 65535
#define OPT	    41
#define EDE	    15
#define KEEPALIVE   11

static struct {
	const char *server, *source;
	in_port_t port;
	int wait; /* ms */
	int lazy; /* ms before the first answer is read */
	bool tcp, raw, hex;
} o = { .server = "127.0.0.1", .wait = 2000 };

static void usage(void) __attribute__((noreturn));
static int open_socket(void);
static socklen_t address(struct sockaddr_storage *, const char *, in_port_t);
static size_t unhex(uint8_t *, size_t, const char *);
static void send_all(int, char *[], int);
static int receive_udp(int, int);
static int receive_tcp(int, int);
static bool readable(int, uint64_t);
static void tell(const uint8_t *, size_t);
static size_t tell_name(const uint8_t *, size_t, size_t);
static size_t skip_name(const uint8_t *, size_t, size_t);
static void tell_options(const uint8_t *, size_t);
static uint16_t get16(const uint8_t *);
static uint64_t now(void);

int
main(int argc, char *argv[])
{
	int ch, fd, got;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while ((ch = getopt(argc, argv, "b:hl:p:rs:tw:")) != -1)
		switch (ch) {
		case 'b':
			o.source = optarg;
			break;
		case 'h':
			o.hex = true;
			break;
		case 'l':
			o.lazy = atoi(optarg);
			break;
		case 'p':
			o.port = (in_port_t)atoi(optarg);
			break;
		case 'r':
			o.raw = true;
			break;
		case 's':
			o.server = optarg;
			break;
		case 't':
			o.tcp = true;
			break;
		case 'w':
			o.wait = atoi(optarg);
			break;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if (argc == 0 || o.port == 0)
		usage();
	fd = open_socket();
	send_all(fd, argv, argc);
	(void)poll(NULL, 0, o.lazy);
	got = o.tcp ? receive_tcp(fd, argc) : receive_udp(fd, argc);
	if (got < argc)
		(void)printf("unanswered=%d\n", argc - got);
	return got < argc;
}

static void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: ask [-hrt] [-b source] [-l lazy-ms] [-s server] "
	    "[-w ms] -p port hex ...\n");
	exit(2);
}

static int
open_socket(void)
{
	struct sockaddr_storage to, from;
	socklen_t len = address(&to, o.server, o.port), n;
	int fd, small = 4096;

	fd = socket(to.ss_family, o.tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd == -1)
		err(2, "socket");
	if (o.source != NULL) {
		n = address(&from, o.source, 0);
		if (bind(fd, (struct sockaddr *)&from, n) == -1)
			err(2, "%s", o.source);
	}
	/* Who is lazy leaves its answers with the one who sends them. */
	if (o.lazy != 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	/* Connected: an answer from another address does not count. */
	if (connect(fd, (struct sockaddr *)&to, len) == -1)
		err(2, "%s", o.server);
	return fd;
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

static size_t
unhex(uint8_t *buf, size_t cap, const char *text)
{
	unsigned int byte;
	size_t n = 0;

	for (; text[0] != '\0' && text[1] != '\0'; text += 2) {
		if (n == cap || sscanf(text, "%2x", &byte) != 1)
			errx(2, "%s: not hexadecimal, or too long", text);
		buf[n++] = (uint8_t)byte;
	}
	return n;
}

/* Over TCP all of them in one go: they are pipelined. */
static void
send_all(int fd, char *message[], int n)
{
	static uint8_t buf[8 * (MESSAGE_MAX + 2)];
	size_t len, used = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (used + MESSAGE_MAX + 2 > sizeof(buf))
			errx(2, "too much");
		if (!o.tcp) {
			len = unhex(buf, MESSAGE_MAX, message[i]);
			if (send(fd, buf, len, 0) == -1)
				err(2, "send");
			continue;
		}
		len = unhex(
		    buf + used + (o.raw ? 0 : 2), MESSAGE_MAX, message[i]);
		if (!o.raw) {
			buf[used++] = (uint8_t)(len >> 8);
			buf[used++] = (uint8_t)len;
		}
		used += len;
	}
	if (used > 0 && send(fd, buf, used, MSG_NOSIGNAL) != (ssize_t)used)
		err(2, "send");
}

static int
receive_udp(int fd, int want)
{
	static uint8_t buf[MESSAGE_MAX];
	uint64_t end = now() + (uint64_t)o.wait;
	ssize_t len;
	int got = 0;

	while (got < want && readable(fd, end)) {
		if ((len = recv(fd, buf, sizeof(buf), 0)) == -1) {
			(void)printf("error: port unreachable\n");
			break;
		}
		tell(buf, (size_t)len);
		got++;
	}
	return got;
}

static int
receive_tcp(int fd, int want)
{
	static uint8_t buf[MESSAGE_MAX + 2];
	uint64_t end = now() + (uint64_t)o.wait, begin = now();
	size_t used = 0, len;
	ssize_t n;
	int got = 0;

	while (got < want && readable(fd, end)) {
		if ((n = recv(fd, buf + used, sizeof(buf) - used, 0)) <= 0) {
			(void)printf("closed after %llu ms\n",
			    (unsigned long long)(now() - begin));
			break;
		}
		used += (size_t)n;
		while (used >= 2 && used - 2 >= (len = get16(buf))) {
			tell(buf + 2, len);
			used -= 2 + len;
			memmove(buf, buf + 2 + len, used);
			got++;
		}
	}
	return got;
}

static bool
readable(int fd, uint64_t end)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	uint64_t t = now();

	return t < end && poll(&pfd, 1, (int)(end - t)) == 1;
}

/* One line: the header, the question, and what the OPT says. */
static void
tell(const uint8_t *msg, size_t len)
{
	static const char *const flag[] = { "cd", "ad", "z", "ra", "rd", "tc",
		"aa" };
	size_t i, off, opt = 0, rdlen = 0, records;
	uint16_t flags, rcode;
	int bit;

	if (len < 12) {
		(void)printf("len=%zu short\n", len);
		return;
	}
	flags = get16(msg + 2);
	rcode = flags & 0xf;
	off = 12;
	(void)printf("id=%04x question=", get16(msg));
	for (i = 0; i < get16(msg + 4) && off != 0; i++) {
		off = tell_name(msg, len, off);
		off = off == 0 || off + 4 > len ? 0 : off + 4;
	}
	records = (size_t)get16(msg + 6) + get16(msg + 8) + get16(msg + 10);
	for (i = 0; i < records && off != 0; i++) {
		off = skip_name(msg, len, off);
		if (off == 0 || off + 10 > len)
			break;
		rdlen = get16(msg + off + 8);
		if (off + 10 + rdlen > len)
			break;
		if (get16(msg + off) == OPT) {
			opt = off;
			rcode |= (uint16_t)(msg[off + 4] << 4);
			break;
		}
		off += 10 + rdlen;
	}
	(void)printf(" opcode=%d rcode=%d flags=%s", (flags >> 11) & 0xf, rcode,
	    (flags & 0x8000) != 0 ? "qr" : "");
	for (bit = 6; bit >= 0; bit--)
		if ((flags >> (4 + bit) & 1) != 0)
			(void)printf(",%s", flag[bit]);
	(void)printf(" counts=%d/%d/%d/%d len=%zu", get16(msg + 4),
	    get16(msg + 6), get16(msg + 8), get16(msg + 10), len);
	if (opt != 0) {
		(void)printf(" edns=%d size=%d%s", msg[opt + 5],
		    get16(msg + opt + 2),
		    (msg[opt + 6] & 0x80) != 0 ? " do" : "");
		tell_options(msg + opt + 10, rdlen);
	}
	if (o.hex) {
		(void)printf(" ");
		for (i = 0; i < len; i++)
			(void)printf("%02x", msg[i]);
	}
	(void)printf("\n");
}

static size_t
tell_name(const uint8_t *msg, size_t len, size_t off)
{
	size_t n;

	while (off < len && (n = msg[off++]) != 0) {
		if (n > 63 || off + n > len)
			return 0;
		for (; n > 0; n--, off++)
			(void)putchar(msg[off]);
		(void)putchar('.');
	}
	return off;
}

static size_t
skip_name(const uint8_t *msg, size_t len, size_t off)
{
	size_t n;

	while (off < len && (n = msg[off++]) != 0) {
		if (n >= 0xc0)
			return off + 1;
		off += n;
	}
	return off < len ? off : 0;
}

static void
tell_options(const uint8_t *p, size_t len)
{
	uint16_t code, n;

	while (len >= 4) {
		code = get16(p);
		n = get16(p + 2);
		p += 4;
		len -= 4;
		if (n > len)
			return;
		if (code == EDE && n >= 2)
			(void)printf(" ede=%d \"%.*s\"", get16(p), n - 2,
			    (const char *)p + 2);
		else if (code == KEEPALIVE && n == 2)
			(void)printf(" keepalive=%d", get16(p));
		else
			(void)printf(" option=%d", code);
		p += n;
		len -= n;
	}
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
