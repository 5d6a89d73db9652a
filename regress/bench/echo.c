/*
 * The limit of any UDP server here: receives in batches as a worker does,
 * says "this is an answer" of each datagram and sends it back. Whatever a
 * server takes more than this, it takes for DNS.
 */
#include <sys/socket.h>
#include <netinet/in.h>

#include <err.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH	 32
#define LEN	 4096
#define BUFFER	 (4 * 1024 * 1024)
#define LIFETIME 900 /* seconds, whoever forgets it */

static int bind_to(uint16_t);
static void echo(int);

int
main(int argc, char *argv[])
{
	if (argc != 2) {
		fprintf(stderr, "usage: echo port\n");
		return 2;
	}
	alarm(LIFETIME);
	echo(bind_to((uint16_t)atoi(argv[1])));
	return 0;
}

static int
bind_to(uint16_t port)
{
	struct sockaddr_in sin;
	int size = BUFFER, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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
echo(int fd)
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
		for (i = 0; i < n; i++) {
			bytes[i][2] |= 0x80;
			iov[i].iov_len = msg[i].msg_len;
		}
		if (sendmmsg(fd, msg, (unsigned int)n, 0) == -1)
			err(1, "sendmmsg");
	}
}
