/*
 * Binds the addresses of the config. The sockets are only made here, never
 * read: that is the workers' part.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/steer.h"

#include "listen.h"

#define BACKLOG	 1024
#define UDP_ROOM (4 << 20) /* bytes asked of the kernel; it may give less */

static const struct listener *
find(const struct listeners *, const struct netaddr *, uint32_t);
static bool is_permitted(const struct netaddr *);
static int
open_group(struct listener *, const struct netaddr *, uint32_t, uint32_t);
static int open_socket(const struct netaddr *, uint32_t, bool);
static int set_options(int, const struct netaddr *, uint32_t, bool);
static int set_int(int, int, int, int);
static void explain(const struct netaddr *, uint32_t);

int
listeners_open(struct listeners *out, const struct conf *conf, uint32_t workers,
    const struct listeners *old)
{
	static const uint32_t protos[] = { IPC_UDP, IPC_TCP };
	const struct listener *known;
	struct netaddr address;
	uint32_t i, p;

	out->n = 0;
	for (i = 0; i < conf->nlisten; i++) {
		address = conf->listen[i];
		if (conf->listen_or[i] != 0 && !is_permitted(&address))
			address.port = conf->listen_or[i];
		for (p = 0; p < 2; p++) {
			known =
			    old == NULL ? NULL : find(old, &address, protos[p]);
			if (known != NULL)
				out->one[out->n++] = *known;
			else if (open_group(&out->one[out->n++], &address,
				     protos[p], workers) == -1) {
				listeners_close(out, old);
				return -1;
			}
		}
	}
	return 0;
}

void
listeners_close(struct listeners *l, const struct listeners *keep)
{
	uint32_t i, w;

	for (i = 0; i < l->n; i++) {
		if (keep != NULL &&
		    find(keep, &l->one[i].address, l->one[i].proto) != NULL)
			continue;
		for (w = 0; w < CONF_WORKERS_MAX; w++)
			if (l->one[i].fd[w] != -1)
				(void)close(l->one[i].fd[w]);
	}
	l->n = 0;
}

static const struct listener *
find(const struct listeners *l, const struct netaddr *address, uint32_t proto)
{
	uint32_t i;

	for (i = 0; i < l->n; i++)
		if (l->one[i].proto == proto &&
		    netaddr_equal(&l->one[i].address, address))
			return &l->one[i];
	return NULL;
}

/* Only the missing privilege counts: a port that is taken is a mistake. */
static bool
is_permitted(const struct netaddr *address)
{
	int fd = open_socket(address, IPC_UDP, false);

	if (fd != -1)
		(void)close(fd);
	return fd != -1 || errno != EACCES;
}

/* The SO_REUSEPORT group of one address: a socket for each worker. -1: what it
 * has opened is the caller's to close. */
static int
open_group(struct listener *l, const struct netaddr *address, uint32_t proto,
    uint32_t workers)
{
	uint32_t w;
	int fd;

	l->address = *address;
	l->proto = proto;
	for (w = 0; w < CONF_WORKERS_MAX; w++)
		l->fd[w] = -1;
	/*
	 * A socket with SO_REUSEPORT would silently share the port with
	 * another server of ours; one without it says that the port is taken.
	 */
	if ((fd = open_socket(address, proto, false)) == -1) {
		explain(address, proto);
		return -1;
	}
	(void)close(fd);
	for (w = 0; w < workers; w++) {
		l->fd[w] = open_socket(address, proto, true);
		if (l->fd[w] == -1 ||
		    (w == 0 &&
			steer_attach(l->fd[w], address->family, workers) ==
			    -1)) {
			explain(address, proto);
			return -1;
		}
	}
	return 0;
}

static int
open_socket(const struct netaddr *address, uint32_t proto, bool group)
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

static void
explain(const struct netaddr *address, uint32_t proto)
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
