/* Which worker a client meets: asked of the kernel, on loopback. */
#include <arpa/inet.h>
#include <atf-c.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "priv/steer.h"

#define SOCKETS 3
#define CLIENTS 120

static int
bound(uint32_t address, uint16_t port, int group)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, on = 1;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ATF_REQUIRE(fd != -1);
	if (group)
		ATF_REQUIRE_EQ(0,
		    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	sin.sin_addr.s_addr = htonl(address);
	sin.sin_port = htons(port);
	ATF_REQUIRE_EQ(0, bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);

	ATF_REQUIRE_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	return ntohs(sin.sin_port);
}

/* Which socket of the group gets a datagram from this address. */
static int
reached(const int group[SOCKETS], uint32_t from, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct pollfd pfd[SOCKETS];
	char byte = 'x';
	int fd, i;

	fd = bound(from, 0, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	ATF_REQUIRE_EQ(
	    1, sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, sizeof(to)));
	ATF_REQUIRE_EQ(0, close(fd));
	for (i = 0; i < SOCKETS; i++)
		pfd[i] = (struct pollfd){ group[i], POLLIN, 0 };
	ATF_REQUIRE_EQ(1, poll(pfd, SOCKETS, 5000));
	for (i = 0; pfd[i].revents == 0; i++)
		;
	ATF_REQUIRE_EQ(1, recv(group[i], &byte, 1, 0));
	return i;
}

ATF_TC_WITHOUT_HEAD(one_client_always_meets_one_worker);
ATF_TC_BODY(one_client_always_meets_one_worker, tc)
{
	int group[SOCKETS] = { -1 }, met[SOCKETS] = { 0 }, i, n, first;
	uint16_t port;

	(void)tc;
	group[0] = bound(INADDR_LOOPBACK, 0, 1);
	ATF_REQUIRE_EQ(0, steer_attach(group[0], 4, SOCKETS));
	port = port_of(group[0]);
	for (i = 1; i < SOCKETS; i++)
		ATF_REQUIRE((group[i] = bound(INADDR_LOOPBACK, port, 1)) != -1);
	for (n = 0; n < CLIENTS; n++) {
		/* Even addresses only: their last bit tells nothing. */
		first = reached(group, 0x7f000100 + 2 * (uint32_t)n, port);
		met[first]++;
		/* From other ports of its own. */
		for (i = 0; i < 3; i++)
			ATF_CHECK_EQ(first,
			    reached(group, 0x7f000100 + 2 * (uint32_t)n, port));
	}
	for (i = 0; i < SOCKETS; i++)
		ATF_CHECK_MSG(met[i] > CLIENTS / SOCKETS / 2 &&
			met[i] < CLIENTS / SOCKETS * 2,
		    "worker %d meets %d of %d clients", i, met[i], CLIENTS);
}

ATF_TC_WITHOUT_HEAD(the_kernel_takes_the_program_for_either_family);
ATF_TC_BODY(the_kernel_takes_the_program_for_either_family, tc)
{
	struct sock_filter program[STEER_LEN];
	int fd, on = 1;

	(void)tc;
	ATF_CHECK(steer_program(program, 4, 64) <= STEER_LEN);
	ATF_CHECK(steer_program(program, 6, 64) <= STEER_LEN);
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(
	    0, setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
	ATF_CHECK_EQ(0, steer_attach(fd, 6, 64));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, one_client_always_meets_one_worker);
	ATF_TP_ADD_TC(tp, the_kernel_takes_the_program_for_either_family);
	return atf_no_error();
}
