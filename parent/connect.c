/*
 * Makes the sockets that the TLS process asks for. Not a byte that a network
 * sent is ever looked at here.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "connect.h"

/* How long unacknowledged bytes may lie before the kernel gives up. */
#define USER_TIMEOUT_MS 5000

int
connect_start(const struct netaddr *address)
{
	static const int on = 1, timeout = USER_TIMEOUT_MS;
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(address, &ss);
	int fd;

	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout,
		sizeof(timeout)) == -1 ||
	    (connect(fd, (struct sockaddr *)&ss, len) == -1 &&
		errno != EINPROGRESS)) {
		(void)close(fd); /* which, as it succeeds, leaves errno */
		return -1;
	}
	return fd;
}
