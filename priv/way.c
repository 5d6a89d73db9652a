/*
 * Makes the sockets that the TLS process asks for. Not a byte that a network
 * sent is ever looked at here.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "way.h"

/* An option and its value, of a TCP connection. */
static const struct option {
	int level, name, value;
} options[] = {
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	/* How long unacknowledged bytes, or probes, may stay without an answer
	 * before the kernel gives up. */
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 5000 }, /* ms */
	/* What is dead without a sign is known before a question goes into it:
	 * an idle connection is kept for 8 s. */
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 2 }, /* seconds */
	{ IPPROTO_TCP, TCP_KEEPINTVL, 1 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
};

static bool go_out(int, const struct conf_upstream *, const struct netaddr *);
static bool start(int, const struct netaddr *);

int
way_open(const struct conf_upstream *u, const struct netaddr *to,
    enum ipc_proto transport)
{
	int type = transport == IPC_UDP ? SOCK_DGRAM : SOCK_STREAM;
	size_t i, n = sizeof(options) / sizeof(options[0]);
	int fd, error;

	fd = socket(to->family == 4 ? AF_INET : AF_INET6,
	    type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	for (i = 0; type == SOCK_STREAM && i < n; i++)
		if (setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value)) == -1)
			break;
	if ((type == SOCK_STREAM && i < n) || !go_out(fd, u, to) ||
	    !start(fd, to)) {
		error = errno;
		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* As an ordinary user too: one may bind to a device what is bound to none
 * (Linux 5.7). The port is chosen when the other end is known. */
static bool
go_out(int fd, const struct conf_upstream *u, const struct netaddr *to)
{
	const struct netaddr *source =
	    to->family == 4 ? &u->source4 : &u->source6;
	static const int on = 1;
	struct sockaddr_storage ss;
	socklen_t len;

	if (u->interface[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, u->interface,
		(socklen_t)strlen(u->interface) + 1) == -1)
		return false;
	if (source->family == 0)
		return true;
	len = netaddr_to_sockaddr(source, &ss);
	return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		   sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&ss, len) == 0;
}

static bool
start(int fd, const struct netaddr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(to, &ss);

	if (connect(fd, (struct sockaddr *)&ss, len) == 0 ||
	    errno == EINPROGRESS)
		return true;
	/* Nothing to send from, which is not the config's source. */
	if (errno == EADDRNOTAVAIL)
		errno = ENETUNREACH;
	return false;
}

bool
way_source(const struct conf_upstream *u, const struct netaddr *to,
    struct netaddr *source)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = way_open(u, to, IPC_UDP);
	bool found;

	memset(source, 0, sizeof(*source));
	found = fd != -1 &&
	    getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    netaddr_from_sockaddr(source, (struct sockaddr *)&ss);
	source->port = 0;
	if (fd != -1)
		(void)close(fd);
	return found;
}
