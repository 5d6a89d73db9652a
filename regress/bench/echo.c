/*
 * The limit of any UDP server here: receives in batches as a worker does,
 * says "this is an answer" of each datagram and sends it back. Whatever a
 * server takes more than this, it takes for DNS. With -d it sends nothing back:
 * what dropping costs, at least.
 */
#include <sys/socket.h>
#include <netinet/in.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH	 32
#define LEN	 4096
#define BUFFER	 (4 * 1024 * 1024)
#define LIFETIME 900 /* seconds, whoever forgets it */

static int bind_to(uint32_t, uint16_t);
static void echo(int, bool);

int
main(int argc, char *argv[])
{
	const bool drop = argc == 3 && strcmp(argv[1], "-d") == 0;

	if (argc != 2 && !drop) {
		fprintf(stderr, "usage: echo [-d] port\n");
		return 2;
	}
	alarm(LIFETIME);
	echo(bind_to(drop ? INADDR_ANY : INADDR_LOOPBACK,
		 (uint16_t)atoi(argv[argc - 1])),
	    drop);
	return 0;
}

static int
bind_to(uint32_t address, uint16_t port)
{
	struct sockaddr_in sin;
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(address);
	sin.sin_port = htons(port);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "port %u", port);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ==
	    -1)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static void
echo(int fd, bool drop)
{
	static uint8_t bytes[BATCH][LEN];
	static struct sockaddr_in from[BATCH];
	static struct mmsghdr msg[BATCH];
	static struct iovec iov[BATCH];
	int i, n;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = bytes[i];
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
		msg[i].msg_hdr.msg_name = &from[i];
	}
	for (;;) {
		for (i = 0; i < BATCH; i++) {
			iov[i].iov_len = LEN;
			msg[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
		n = recvmmsg(fd, msg, BATCH, MSG_WAITFORONE, NULL);
		if (n == -1)
			err(1, "recvmmsg");
		if (drop)
			continue;
		for (i = 0; i < n; i++) {
			bytes[i][2] |= 0x80;
			iov[i].iov_len = msg[i].msg_len;
		}
		if (sendmmsg(fd, msg, (unsigned int)n, 0) == -1)
			err(1, "sendmmsg");
	}
}
