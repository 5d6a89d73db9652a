/*
 * Makes and binds sockets, with the options that answers to clients need. Not a
 * byte is ever read here.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bound.h"
#include "dotproxy/ipc.h"
#include "dotproxy/log.h"

#define BACKLOG	 1024
#define DEFER	 2 /* s; then a connection without a byte is one, too */
#define UDP_ROOM (4 << 20) /* bytes asked of the kernel; it may give less */

static int set_options(int, const struct netaddr *, uint32_t, bool);
static int set_int(int, int, int, int);

int
bound_open(const struct netaddr *address, uint32_t proto, bool group)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(address, &ss);
	int fd, type = proto == IPC_UDP ? SOCK_DGRAM : SOCK_STREAM;

	fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (set_options(fd, address, proto, group) == -1 ||
	    bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    (proto == IPC_TCP && group && listen(fd, BACKLOG) == -1)) {
		(void)close(fd); /* which, as it succeeds, leaves errno */
		return -1;
	}
	return fd;
}

static int
set_options(int fd, const struct netaddr *address, uint32_t proto, bool group)
{
	bool v4 = address->family == 4;

	if (!v4 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1)
		return -1;
	if (group && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) == -1)
		return -1;
	if (proto == IPC_TCP) {
		/* Answers of another start that wait for their last ACK. */
		if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == -1)
			return -1;
		/* A wish: who sends nothing is the kernel's to wait for. */
		(void)set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER);
		/* Accepted connections inherit it. */
		return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	}
	/* Only wishes: the kernel's own bounds hold. */
	(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_ROOM);
	(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, UDP_ROOM);
	/* A forged "fragmentation needed" must not make us fragment answers:
	 * that is how their second halves are replaced (RFC 9715). */
	if (v4)
		(void)set_int(
		    fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	else
		(void)set_int(
		    fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
	if (!netaddr_is_wildcard(address))
		return 0;
	return v4 ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
		  : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int
set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

void
bound_explain(const struct netaddr *address, uint32_t proto)
{
	const char *hint = "";
	char text[NETADDR_TEXT];

	if (errno == EADDRINUSE)
		hint = " (another server has it: `ss -lnptu` shows which)";
	else if (errno == EACCES)
		hint = " (ports below 1024 need root, or another port)";
	else if (errno == EADDRNOTAVAIL)
		hint = " (no interface of this machine has the address)";
	log_warn("listen on %s, %s%s", netaddr_port_text(address, text),
	    proto == IPC_UDP ? "UDP" : "TCP", hint);
}
