/*
 * The upstream of the bench: DNS over TLS on loopback, made to be cheaper than
 * whoever asks it, so that it is never what is measured. Every name has one A
 * record. Answers to padded questions are padded, as RFC 7830 4 has it. It
 * never outlives its time, and must see no network but loopback.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#define LIFETIME   900 /* seconds */
#define IN_MAX	   65537 /* a frame */
#define OUT_MAX	   (1024 * 1024)
#define ANSWER_MAX 1024 /* questions here are short */
#define PAD_BLOCK  468 /* RFC 8467 4.1 */
#define EVENTS	   64

struct conn {
	struct tls *tls;
	int fd;
	size_t in_len, out_len, out_at;
	uint8_t in[IN_MAX + 16384], out[OUT_MAX];
};

static int listen_on(uint16_t);
static void accept_one(struct tls *, int, int);
static bool turn(struct conn *);
static bool flush(struct conn *);
static void take(struct conn *);
static size_t answer(uint8_t *, const uint8_t *, size_t);
static size_t question_end(const uint8_t *, size_t);
static bool is_padded(const uint8_t *, size_t);
static size_t put_opt(uint8_t *, size_t, bool);
static unsigned get16(const uint8_t *);
static void set16(uint8_t *, size_t);

int
main(int argc, char *argv[])
{
	struct epoll_event event[EVENTS], listening = { .events = EPOLLIN };
	struct tls_config *config = tls_config_new();
	struct tls *server = tls_server();
	struct conn *c;
	int i, n, fd, ep;

	if (argc != 4) {
		fprintf(stderr, "usage: dot port cert key\n");
		return 2;
	}
	alarm(LIFETIME);
	signal(SIGPIPE, SIG_IGN);
	if (config == NULL || server == NULL ||
	    tls_config_set_keypair_file(config, argv[2], argv[3]) == -1 ||
	    tls_configure(server, config) == -1)
		errx(1, "TLS: %s %s", argv[2], argv[3]);
	fd = listen_on((uint16_t)atoi(argv[1]));
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &listening) == -1)
		err(1, "epoll");
	for (;;) {
		n = epoll_wait(ep, event, EVENTS, -1);
		for (i = 0; i < n; i++) {
			c = event[i].data.ptr;
			if (c == NULL)
				accept_one(server, fd, ep);
			else if (!turn(c)) {
				tls_free(c->tls);
				close(c->fd);
				free(c);
			}
		}
	}
}

static int
listen_on(uint16_t port)
{
	struct sockaddr_in sin;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 128) == -1)
		err(1, "port %u", port);
	return fd;
}

static void
accept_one(struct tls *server, int listening, int ep)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	struct conn *c;
	int one = 1, fd;

	fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(1, "calloc");
	c->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event.data.ptr = c;
	if (tls_accept_socket(server, &c->tls, fd) == -1 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == -1)
		err(1, "accept");
}

/* Edges are what is waited for: so on until both ways would block. */
static bool
turn(struct conn *c)
{
	ssize_t n;

	for (;;) {
		if (!flush(c))
			return false;
		if (c->out_len != 0)
			return true;
		n = tls_read(
		    c->tls, c->in + c->in_len, sizeof(c->in) - c->in_len);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			return true;
		if (n <= 0)
			return false;
		c->in_len += (size_t)n;
		take(c);
	}
}

static bool
flush(struct conn *c)
{
	ssize_t n;

	while (c->out_at < c->out_len) {
		n = tls_write(
		    c->tls, c->out + c->out_at, c->out_len - c->out_at);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			return true;
		if (n <= 0)
			return false;
		c->out_at += (size_t)n;
	}
	c->out_at = c->out_len = 0;
	return true;
}

/* Every whole frame that was read; there is room for all their answers. */
static void
take(struct conn *c)
{
	size_t at = 0, len, n;

	while (c->in_len - at >= 2) {
		len = get16(c->in + at);
		if (c->in_len - at - 2 < len)
			break;
		if (OUT_MAX - c->out_len < ANSWER_MAX)
			errx(1, "more questions at once than was thought of");
		n = answer(c->out + c->out_len + 2, c->in + at + 2, len);
		set16(c->out + c->out_len, n);
		if (n != 0)
			c->out_len += n + 2;
		at += len + 2;
	}
	c->in_len -= at;
	memmove(c->in, c->in + at, c->in_len);
}

/* 0: not a question, so no answer. */
static size_t
answer(uint8_t *out, const uint8_t *msg, size_t len)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0,
		4, 192, 0, 2, 1 };
	size_t end = question_end(msg, len);
	bool is_a;

	if (end == 0)
		return 0;
	is_a = get16(msg + end - 4) == 1;
	memcpy(out, msg, end);
	set16(out + 2, 0x8080 | (get16(msg + 2) & 0x0110));
	set16(out + 6, is_a);
	set16(out + 8, 0);
	set16(out + 10, get16(msg + 10) != 0);
	if (is_a) {
		memcpy(out + end, record, sizeof(record));
		end += sizeof(record);
	}
	if (get16(msg + 10) != 0)
		end = put_opt(out, end, is_padded(msg, len));
	return end;
}

static size_t
question_end(const uint8_t *msg, size_t len)
{
	size_t at = 12;

	if (len < 12 || (msg[2] & 0x80) != 0 || get16(msg + 4) != 1)
		return 0;
	while (at < len && msg[at] != 0)
		at += msg[at] + 1u;
	return at + 5 <= len && at < 12 + 255 ? at + 5 : 0;
}

/* Of options, padding comes last, and OPT is all that follows a question. */
static bool
is_padded(const uint8_t *msg, size_t len)
{
	size_t at = question_end(msg, len) + 11, n;

	while (at + 4 <= len) {
		n = get16(msg + at + 2);
		if (get16(msg + at) == 12)
			return true;
		at += n + 4;
	}
	return false;
}

static size_t
put_opt(uint8_t *out, size_t at, bool padded)
{
	static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	size_t pad;

	memcpy(out + at, opt, sizeof(opt));
	at += sizeof(opt);
	if (!padded)
		return at;
	pad = (2 * PAD_BLOCK - (at + 4)) % PAD_BLOCK;
	set16(out + at - 2, pad + 4);
	set16(out + at, 12);
	set16(out + at + 2, pad);
	memset(out + at + 4, 0, pad);
	return at + 4 + pad;
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
set16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
