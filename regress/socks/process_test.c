/*
 * A real dotproxy-socks, between a parent and a SOCKS5 proxy that the test
 * plays over a socketpair: what the proxy may do to it, and that what follows
 * the proxy's reply stays there for another.
 */
#include <atf-c.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dotproxy/ipc.h"

#define BYTES(...)                                                             \
	(const uint8_t[]){ __VA_ARGS__ },                                      \
	    sizeof((const uint8_t[]){ __VA_ARGS__ })
#define WAIT_MS 8000

static struct ipc socks;
static struct ipc_buffer buffer;
static struct ipc_message m;
static pid_t pid;
/* Of a connection to the proxy: its end, and the parent's. */
static int proxy, ours;

/* Its next message but log lines; false: it is gone. */
static bool
hear(void)
{
	struct pollfd p = { .fd = socks.fd, .events = POLLIN };
	const char *wrong;
	int n;

	do {
		while ((n = ipc_recv(&socks, &buffer, &m, &wrong)) == 0)
			ATF_REQUIRE_MSG(poll(&p, 1, WAIT_MS) == 1, "silence");
		ATF_REQUIRE_MSG(n != -2, "%s", wrong);
	} while (n == 1 && m.type == IPC_LOG);
	return n == 1;
}

static void
run(int channel)
{
	char path[PATH_MAX], self[PATH_MAX], folder[PATH_MAX + 8];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n == -1 || getcwd(folder, PATH_MAX) == NULL)
		_exit(120);
	self[n] = '\0';
	(void)snprintf(
	    path, sizeof(path), "%s/../../dotproxy-socks", dirname(self));
	(void)snprintf(strchr(folder, '\0'), 8, "/empty");
	if (mkdir(folder, 0755) == -1 || dup2(channel, 100) == -1 ||
	    dup2(100, IPC_PARENT_FD) == -1)
		_exit(121);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execl(path, "dotproxy-socks", "-u", "64999", "-g", "64999", "-r",
	    folder, "-n", "80", (char *)NULL);
	_exit(122);
}

static void
start(void)
{
	const struct ipc_generation one = { 1 };
	int fd[2];

	ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		run(fd[1]);
	(void)close(fd[1]);
	ipc_init(&socks, fd[0], IPC_PARENT, IPC_SOCKS, IPC_NEW);
	ATF_REQUIRE(hear());
	ATF_REQUIRE_EQ(IPC_CONFINED, m.type);
	socks.state = IPC_CONFIG;
	ATF_REQUIRE_EQ(0, ipc_send(&socks, IPC_COMMIT, &one, sizeof(one), -1));
	ATF_REQUIRE(hear());
	ATF_REQUIRE_EQ(IPC_READY, m.type);
	socks.state = IPC_RUN;
}

static struct ipc_proxy
want(uint32_t serial)
{
	struct ipc_proxy w;

	memset(&w, 0, sizeof(w));
	w.serial = serial;
	ATF_REQUIRE(netaddr_parse(&w.target, "192.0.2.53"));
	w.target.port = 853;
	return w;
}

/* Asks for a connection; the parent keeps its own descriptor. */
static void
ask(uint32_t serial)
{
	struct ipc_proxy w = want(serial);
	int fd[2];

	ATF_REQUIRE_EQ(
	    0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	proxy = fd[0];
	ours = fd[1];
	ATF_REQUIRE_EQ(0, ipc_send(&socks, IPC_PROXY, &w, sizeof(w), ours));
}

/* The proxy is told this. */
static void
told(const uint8_t *bytes, size_t len)
{
	struct pollfd p = { .fd = proxy, .events = POLLIN };
	uint8_t got[600];

	ATF_REQUIRE_EQ(1, poll(&p, 1, WAIT_MS));
	ATF_REQUIRE_EQ((ssize_t)len, read(proxy, got, sizeof(got)));
	ATF_CHECK(memcmp(bytes, got, len) == 0);
}

static void
say(const uint8_t *bytes, size_t len)
{
	ATF_REQUIRE_EQ((ssize_t)len, write(proxy, bytes, len));
}

static void
outcome(uint32_t serial, uint32_t error)
{
	const struct ipc_proxied *proxied;

	ATF_REQUIRE(hear());
	ATF_REQUIRE_EQ(IPC_PROXIED, m.type);
	ATF_CHECK_EQ(-1, m.fd);
	proxied = m.payload;
	ATF_CHECK_EQ(serial, proxied->serial);
	ATF_CHECK_EQ_MSG(error, proxied->error, "%#x", proxied->error);
}

ATF_TC_WITHOUT_HEAD(what_follows_the_reply_is_left_for_another);
ATF_TC_BODY(what_follows_the_reply_is_left_for_another, tc)
{
	uint8_t rest[16];

	start();
	ask(7);
	told(BYTES(5, 1, 0));
	say(BYTES(5, 0));
	told(BYTES(5, 1, 0, 1, 192, 0, 2, 53, 3, 0x55));
	say(BYTES(5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 22, 3, 3));
	outcome(7, 0);
	ATF_CHECK_EQ(3, read(ours, rest, sizeof(rest)));
	ATF_CHECK(memcmp(rest, "\26\3\3", 3) == 0);
	/* It has let go of it: with ours the last end is closed. */
	(void)close(ours);
	ATF_CHECK_EQ(0, read(proxy, rest, sizeof(rest)));
}

ATF_TC_WITHOUT_HEAD(many_go_on_at_once_each_at_its_pace);
ATF_TC_BODY(many_go_on_at_once_each_at_its_pace, tc)
{
	int end[IPC_PROXY_MAX];
	uint32_t i;

	start();
	for (i = 0; i < IPC_PROXY_MAX; i++) {
		ask(i);
		end[i] = proxy;
	}
	for (i = IPC_PROXY_MAX; i-- > 0;) {
		proxy = end[i];
		told(BYTES(5, 1, 0));
		say(BYTES(5, 0));
	}
	for (i = 0; i < IPC_PROXY_MAX; i++) {
		proxy = end[i];
		told(BYTES(5, 1, 0, 1, 192, 0, 2, 53, 3, 0x55));
		say(BYTES(5, 4, 0, 1));
		outcome(i, IPC_PROXY_REPLY + 4);
	}
}

ATF_TC_WITHOUT_HEAD(a_proxy_that_closes_or_talks_nonsense_is_told_of);
ATF_TC_BODY(a_proxy_that_closes_or_talks_nonsense_is_told_of, tc)
{
	start();
	ask(1);
	told(BYTES(5, 1, 0));
	(void)close(proxy);
	outcome(1, IPC_PROXY_CLOSED);
	ask(2);
	say(BYTES('H', 'T', 'T', 'P'));
	outcome(2, IPC_PROXY_GARBAGE);
}

ATF_TC_WITHOUT_HEAD(a_silent_proxy_has_a_deadline);
ATF_TC_BODY(a_silent_proxy_has_a_deadline, tc)
{
	start();
	ask(1);
	outcome(1, IPC_PROXY_SILENT);
}

/* What only a broken parent would send. */
ATF_TC_WITHOUT_HEAD(a_request_that_is_none_ends_it);
ATF_TC_BODY(a_request_that_is_none_ends_it, tc)
{
	struct ipc_proxy w = want(1);
	int status;

	start();
	w.target.port = 0;
	ATF_REQUIRE_EQ(0, ipc_send(&socks, IPC_PROXY, &w, sizeof(w), socks.fd));
	while (hear())
		;
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

ATF_TC_WITHOUT_HEAD(it_ends_with_its_parent);
ATF_TC_BODY(it_ends_with_its_parent, tc)
{
	int status;

	start();
	ipc_close(&socks);
	ATF_REQUIRE_EQ(pid, waitpid(pid, &status, 0));
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_follows_the_reply_is_left_for_another);
	ATF_TP_ADD_TC(tp, many_go_on_at_once_each_at_its_pace);
	ATF_TP_ADD_TC(tp, a_proxy_that_closes_or_talks_nonsense_is_told_of);
	ATF_TP_ADD_TC(tp, a_silent_proxy_has_a_deadline);
	ATF_TP_ADD_TC(tp, a_request_that_is_none_ends_it);
	ATF_TP_ADD_TC(tp, it_ends_with_its_parent);
	return atf_no_error();
}
