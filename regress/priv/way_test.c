/*
 * The sockets that the parent makes for the TLS process: by which interface
 * and from which address they go out, and what is said when that cannot be.
 */
#include <atf-c.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "priv/way.h"

static struct conf_upstream u;
static struct netaddr to;

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	ATF_REQUIRE(netaddr_parse(&a, text));
	return a;
}

/* Something listens at to, on any port. */
static int
listener(const char *text, int type)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	to = address(text);
	len = netaddr_to_sockaddr(&to, &ss);
	fd = socket(ss.ss_family, type, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&ss, len) == -1)
		atf_tc_skip("%s cannot be bound", text);
	if (type == SOCK_STREAM)
		ATF_REQUIRE_EQ(0, listen(fd, 8));
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&ss, &len));
	ATF_REQUIRE(netaddr_from_sockaddr(&to, (struct sockaddr *)&ss));
	return fd;
}

static struct netaddr
accepted_from(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct netaddr from;

	ATF_REQUIRE(accept(fd, (struct sockaddr *)&ss, &len) != -1);
	ATF_REQUIRE(netaddr_from_sockaddr(&from, (struct sockaddr *)&ss));
	ATF_CHECK(from.port != 0);
	from.port = 0;
	return from;
}

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	ATF_REQUIRE_EQ(0, getsockopt(fd, level, name, &value, &len));
	return value;
}

ATF_TC_WITHOUT_HEAD(a_connection_comes_from_the_source_of_its_family);
ATF_TC_BODY(a_connection_comes_from_the_source_of_its_family, tc)
{
	const struct netaddr source = address("127.0.0.7");
	struct netaddr from;
	int fd = listener("127.0.0.1", SOCK_STREAM);

	u.source4 = source;
	u.source6 = address("::2"); /* which is nobody's */
	ATF_REQUIRE(way_open(&u, &to, IPC_TCP) != -1);
	from = accepted_from(fd);
	ATF_CHECK(netaddr_equal(&source, &from));
	ATF_REQUIRE(way_source(&u, &to, &from));
	ATF_CHECK(netaddr_equal(&source, &from));
}

ATF_TC_WITHOUT_HEAD(a_source_of_ipv6_is_used_as_well);
ATF_TC_BODY(a_source_of_ipv6_is_used_as_well, tc)
{
	const struct netaddr source = address("::1");
	struct netaddr from;
	int fd = listener("::1", SOCK_STREAM);

	u.source4 = address("192.0.2.1"); /* which is nobody's */
	u.source6 = source;
	ATF_REQUIRE(way_open(&u, &to, IPC_TCP) != -1);
	from = accepted_from(fd);
	ATF_CHECK(netaddr_equal(&source, &from));
}

/* Two connections from one address to one: the ports are the kernel's. */
ATF_TC_WITHOUT_HEAD(a_source_leaves_room_for_many_connections);
ATF_TC_BODY(a_source_leaves_room_for_many_connections, tc)
{
	int i;

	(void)listener("127.0.0.1", SOCK_STREAM);
	u.source4 = address("127.0.0.7");
	for (i = 0; i < 8; i++)
		ATF_CHECK(way_open(&u, &to, IPC_TCP) != -1);
}

ATF_TC_WITHOUT_HEAD(a_source_that_is_not_ours_is_told_apart);
ATF_TC_BODY(a_source_that_is_not_ours_is_told_apart, tc)
{
	struct netaddr from;

	(void)listener("127.0.0.1", SOCK_STREAM);
	u.source4 = address("192.0.2.1");
	ATF_CHECK_EQ(-1, way_open(&u, &to, IPC_TCP));
	ATF_CHECK_EQ_MSG(EADDRNOTAVAIL, errno, "%s", strerror(errno));
	ATF_CHECK(!way_source(&u, &to, &from));
}

ATF_TC_WITHOUT_HEAD(an_interface_that_is_not_there_is_told_apart);
ATF_TC_BODY(an_interface_that_is_not_there_is_told_apart, tc)
{
	(void)listener("127.0.0.1", SOCK_STREAM);
	(void)strcpy(u.interface, "no-such-thing");
	ATF_CHECK_EQ(-1, way_open(&u, &to, IPC_TCP));
	ATF_CHECK_EQ_MSG(ENODEV, errno, "%s", strerror(errno));
}

/* Without a capability, in a process of its own. */
static void
go_out_by_loopback(void)
{
	char name[CONF_INTERFACE_MAX] = "";
	socklen_t len = sizeof(name);
	int fd;

	if (geteuid() == 0 && setresuid(64999, 64999, 64999) == -1)
		_exit(1);
	(void)strcpy(u.interface, "lo");
	if ((fd = way_open(&u, &to, IPC_TCP)) == -1)
		_exit(2);
	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == -1 ||
	    strcmp(name, "lo") != 0)
		_exit(3);
	if (way_open(&u, &to, IPC_UDP) == -1)
		_exit(4);
	_exit(0);
}

ATF_TC_WITHOUT_HEAD(an_ordinary_user_may_choose_the_interface);
ATF_TC_BODY(an_ordinary_user_may_choose_the_interface, tc)
{
	int fd = listener("127.0.0.1", SOCK_STREAM), status;
	pid_t pid;

	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		go_out_by_loopback();
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK_EQ_MSG(0, status, "status %#x", status);
	(void)accepted_from(fd);
}

ATF_TC_WITHOUT_HEAD(what_dies_without_a_sign_is_noticed_by_the_kernel);
ATF_TC_BODY(what_dies_without_a_sign_is_noticed_by_the_kernel, tc)
{
	int fd;

	(void)listener("127.0.0.1", SOCK_STREAM);
	ATF_REQUIRE((fd = way_open(&u, &to, IPC_TCP)) != -1);
	ATF_CHECK_EQ(1, option(fd, IPPROTO_TCP, TCP_NODELAY));
	ATF_CHECK_EQ(1, option(fd, SOL_SOCKET, SO_KEEPALIVE));
	/* 0 is the kernel's own: minutes. */
	ATF_CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) > 0);
	ATF_CHECK(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) <= 5000);
	ATF_CHECK(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
		option(fd, IPPROTO_TCP, TCP_KEEPINTVL) *
		    option(fd, IPPROTO_TCP, TCP_KEEPCNT) <
	    8);
}

ATF_TC_WITHOUT_HEAD(a_udp_socket_hears_its_address_alone);
ATF_TC_BODY(a_udp_socket_hears_its_address_alone, tc)
{
	struct pollfd poll_one = { .events = POLLIN };
	struct sockaddr_storage ss;
	struct netaddr where, peer;
	socklen_t len = sizeof(ss);
	int server = listener("127.0.0.1", SOCK_DGRAM), other, fd;
	char byte = 'x';

	u.source4 = address("127.0.0.7");
	ATF_REQUIRE((fd = way_open(&u, &to, IPC_UDP)) != -1);
	ATF_REQUIRE_EQ(0, getpeername(fd, (struct sockaddr *)&ss, &len));
	ATF_REQUIRE(netaddr_from_sockaddr(&peer, (struct sockaddr *)&ss));
	ATF_CHECK(netaddr_equal(&to, &peer));
	len = sizeof(ss);
	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&ss, &len));
	ATF_REQUIRE(netaddr_from_sockaddr(&where, (struct sockaddr *)&ss));
	ATF_CHECK(where.port != 0);
	/* Nothing was sent by connecting. */
	poll_one.fd = server;
	ATF_CHECK_EQ(0, poll(&poll_one, 1, 0));
	/* Another's datagram does not come in, the server's does. */
	other = socket(AF_INET, SOCK_DGRAM, 0);
	ATF_REQUIRE_EQ(
	    1, sendto(other, &byte, 1, 0, (struct sockaddr *)&ss, len));
	poll_one.fd = fd;
	ATF_CHECK_EQ(0, poll(&poll_one, 1, 50));
	ATF_REQUIRE_EQ(
	    1, sendto(server, &byte, 1, 0, (struct sockaddr *)&ss, len));
	ATF_CHECK_EQ(1, poll(&poll_one, 1, 5000));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_connection_comes_from_the_source_of_its_family);
	ATF_TP_ADD_TC(tp, a_source_of_ipv6_is_used_as_well);
	ATF_TP_ADD_TC(tp, a_source_leaves_room_for_many_connections);
	ATF_TP_ADD_TC(tp, a_source_that_is_not_ours_is_told_apart);
	ATF_TP_ADD_TC(tp, an_interface_that_is_not_there_is_told_apart);
	ATF_TP_ADD_TC(tp, an_ordinary_user_may_choose_the_interface);
	ATF_TP_ADD_TC(tp, what_dies_without_a_sign_is_noticed_by_the_kernel);
	ATF_TP_ADD_TC(tp, a_udp_socket_hears_its_address_alone);
	return atf_no_error();
}
