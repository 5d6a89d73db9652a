/*
 * A client of the upstream, and the upstream beside it.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

pid_t upstream;
uint8_t frame[65535];
size_t frame_len;
static FILE *output;
static unsigned port;

static bool wait_for(const struct client *, ssize_t, int);
static size_t put_question(uint8_t *, uint16_t, const char *);

void
start(const atf_tc_t *tc, const char *const faults[])
{
	const char *argv[16] = { "upstream", "-c", "cert.pem", "-k", "key.pem",
		"-t", "60", "--stdin" };
	char path[1024];
	size_t i, n = 8;
	int out[2], in[2];

	signal(SIGPIPE, SIG_IGN);
	ATF_REQUIRE_EQ(0,
	    system("openssl req -x509 -newkey ec -nodes -days 9 -subj /CN=x "
		   "-pkeyopt ec_paramgen_curve:P-256 -keyout key.pem "
		   "-out cert.pem 2>openssl.err"));
	for (i = 0; faults[i] != NULL && n < 15; i++)
		argv[n++] = faults[i];
	snprintf(path, sizeof(path), "%s/upstream",
	    atf_tc_get_config_var(tc, "srcdir"));
	ATF_REQUIRE(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
	ATF_REQUIRE((upstream = fork()) != -1);
	if (upstream == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	/* in[1] stays open as long as this test lives. */
	close(in[0]);
	close(out[1]);
	ATF_REQUIRE((output = fdopen(out[0], "r")) != NULL);
	ATF_REQUIRE(fgets(path, sizeof(path), output) != NULL);
	ATF_REQUIRE_EQ(1, sscanf(path, "port %u", &port));
}

void
stop(const char *totals)
{
	char line[512];
	int status;

	ATF_REQUIRE_EQ(0, kill(upstream, SIGTERM));
	ATF_REQUIRE(fgets(line, sizeof(line), output) != NULL);
	ATF_CHECK_MSG(strstr(line, totals) != NULL, "%s: %s", totals, line);
	ATF_REQUIRE_EQ(upstream, waitpid(upstream, &status, 0));
	ATF_CHECK_EQ(0, status);
	fclose(output);
}

int
connected(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, saved;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	ATF_REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

struct client
dial(void)
{
	struct client c = connected_tls();
	ssize_t n;

	while ((n = tls_handshake(c.tls)) != 0)
		ATF_REQUIRE_MSG(wait_for(&c, n, PATIENCE_MS), "handshake: %s",
		    tls_error(c.tls));
	return c;
}

struct client
connected_tls(void)
{
	struct tls_config *config;
	struct client c = { 0 };

	ATF_REQUIRE((c.fd = connected()) != -1);
	ATF_REQUIRE((config = tls_config_new()) != NULL);
	/* Who it is does not matter here. */
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	ATF_REQUIRE((c.tls = tls_client()) != NULL);
	ATF_REQUIRE_EQ(0, tls_configure(c.tls, config));
	tls_config_free(config);
	ATF_REQUIRE_EQ(0, tls_connect_socket(c.tls, c.fd, "dns.test"));
	return c;
}

void
hang_up(struct client *c)
{
	tls_free(c->tls);
	close(c->fd);
}

static bool
wait_for(const struct client *c, ssize_t want, int ms)
{
	struct pollfd pfd = { .fd = c->fd };

	if (want != TLS_WANT_POLLIN && want != TLS_WANT_POLLOUT)
		return false;
	pfd.events = want == TLS_WANT_POLLIN ? POLLIN : POLLOUT;
	return poll(&pfd, 1, ms) == 1;
}

void
ask(struct client *c, const uint16_t *ids, const char *const *names)
{
	uint8_t buf[4096];
	size_t i, len = 0;

	for (i = 0; ids[i] != 0; i++)
		len += put_question(buf + len, ids[i], names[i]);
	ATF_REQUIRE_EQ((ssize_t)len, tls_write(c->tls, buf, len));
}

/* TXT for big names, or else A. */
static size_t
put_question(uint8_t *out, uint16_t id, const char *name)
{
	uint8_t *p = out + 14;
	size_t label;

	memset(out, 0, 14);
	out[2] = (uint8_t)(id >> 8);
	out[3] = (uint8_t)id;
	out[4] = 1; /* RD */
	out[7] = 1; /* one question */
	while (*name != '\0') {
		label = strcspn(name, ".");
		*p++ = (uint8_t)label;
		memcpy(p, name, label);
		p += label;
		name += label + (name[label] == '.' ? 1 : 0);
	}
	memset(p, 0, 5);
	p[2] = out[15] == 'b' && out[14] > 4 ? 16 : 1;
	p[4] = 1;
	p += 5;
	out[1] = (uint8_t)(p - out - 2);
	return (size_t)(p - out);
}

enum came
receive(struct client *c, int ms)
{
	uint8_t head[2];
	enum came came;

	if ((came = receive_bytes(c, head, 2, ms)) != CAME_FRAME)
		return came;
	frame_len = (size_t)head[0] << 8 | head[1];
	came = receive_bytes(c, frame, frame_len, ms);
	return came == CAME_END ? CAME_TORN : came;
}

enum came
receive_bytes(struct client *c, uint8_t *buf, size_t len, int ms)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = tls_read(c->tls, buf + got, len - got);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT) {
			if (!wait_for(c, n, ms))
				return CAME_NOTHING;
			continue;
		}
		if (n <= 0)
			c->ended = n;
		if (n <= 0)
			return got == 0 ? CAME_END : CAME_TORN;
		if ((size_t)n > c->largest)
			c->largest = (size_t)n;
		got += (size_t)n;
	}
	return CAME_FRAME;
}

void
expect_id(struct client *c, uint16_t id)
{
	enum came came;

	came = receive(c, PATIENCE_MS);
	ATF_REQUIRE_MSG(came == CAME_FRAME, "for ID %u came %d", id, (int)came);
	ATF_REQUIRE(frame_len >= 12);
	ATF_REQUIRE_MSG(((unsigned)frame[0] << 8 | frame[1]) == id,
	    "for ID %u came ID %u", id, (unsigned)frame[0] << 8 | frame[1]);
}
