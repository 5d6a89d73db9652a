/*
 * The process under test talks over a socketpair, as the real ones do: what it
 * logs, that it got in, and which call was refused. All by sendmsg, which
 * every role has.
 */
#include <sys/capability.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confined.h"
#include "dotproxy/log.h"

#define NOFILE	  64
#define DEADLINE  20 /* seconds; a process that hangs is killed */
#define SAY_LOG	  'L'
#define SAY_IN	  'I'
#define SAY_CALL  'C'
#define SAY_READY 'R'

static const char *empty_folder(void);
static void run(const struct confined *) __attribute__((noreturn));
static void say(char, const void *, size_t);
static void say_line(int, const char *);
static void say_refused(int);
static void listen_to(int, const struct confined *, pid_t, struct outcome *);

static int channel = -1;
static void (*after_report)(void);

struct outcome
confined_run(const struct confined *what)
{
	struct outcome o = { .refused = -1 };
	struct confined c = *what;
	int fd[2];
	pid_t pid;

	if (c.chroot == NULL)
		c.chroot = empty_folder();
	ATF_REQUIRE(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == 0);
	/* Else the process would write them too, and may not. */
	(void)fflush(NULL);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)close(fd[0]);
		channel = fd[1];
		run(&c);
	}
	(void)close(fd[1]);
	listen_to(fd[0], &c, pid, &o);
	(void)close(fd[0]);
	ATF_REQUIRE(waitpid(pid, &o.status, 0) == pid);
	return o;
}

bool
outcome_is_sigsys(const struct outcome *o)
{
	return WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGSYS;
}

bool
outcome_is_exit(const struct outcome *o, int status)
{
	return WIFEXITED(o->status) && WEXITSTATUS(o->status) == status;
}

void
confined_skip_if_sanitized(void)
{
#ifdef DOTPROXY_SANITIZE
	atf_tc_skip("built with sanitizers: another table");
#endif
}

void
confined_as_user(void)
{
	if (setgroups(0, NULL) == -1 ||
	    setresgid(CONFINED_USER, CONFINED_USER, CONFINED_USER) == -1 ||
	    setresuid(CONFINED_USER, CONFINED_USER, CONFINED_USER) == -1)
		_exit(99);
}

int
confined_channel(void)
{
	return channel;
}

/* In the scratch folder of the test case. */
static const char *
empty_folder(void)
{
	static char path[PATH_MAX];

	ATF_REQUIRE(mkdir("empty", 0755) == 0 || errno == EEXIST);
	ATF_REQUIRE(chmod("empty", 0755) == 0);
	ATF_REQUIRE(realpath("empty", path) != NULL);
	return path;
}

static void
run(const struct confined *c)
{
	struct sandbox_params params = {
		.uid = CONFINED_UID,
		.gid = CONFINED_GID,
		.chroot = c->chroot,
		.nofile = NOFILE,
		.libexec = "/usr/bin",
		.refused = say_refused,
	};
	uint32_t layers;
	char go;

	(void)alarm(DEADLINE);
	log_set_sink(say_line);
	after_report = c->after_report;
	if (c->before != NULL)
		c->before();
	layers = sandbox_enter(c->role, &params);
	say(SAY_IN, &layers, sizeof(layers));
	if (c->body != NULL)
		c->body(c->arg);
	if (c->watch != NULL) {
		struct iovec iov = { &go, 1 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

		say(SAY_READY, NULL, 0);
		(void)recvmsg(channel, &msg, 0);
	}
	_exit(0);
}

static void
say(char what, const void *data, size_t len)
{
	struct iovec iov[2] = { { &what, 1 },
		{ (void *)(uintptr_t)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	(void)sendmsg(channel, &msg, MSG_NOSIGNAL);
}

static void
say_line(int priority, const char *line)
{
	(void)priority;
	say(SAY_LOG, line, strlen(line));
}

static void
say_refused(int nr)
{
	say(SAY_CALL, &nr, sizeof(nr));
	if (after_report != NULL)
		after_report();
}

static void
listen_to(int fd, const struct confined *c, pid_t pid, struct outcome *o)
{
	char message[LOG_LINE_MAX + 2];
	size_t used = 0;
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message) - 1, 0)) > 0) {
		message[n] = '\0';
		switch (message[0]) {
		case SAY_LOG:
			used += (size_t)snprintf(o->said + used,
			    sizeof(o->said) - used, "%s; ", message + 1);
			ATF_REQUIRE(used < sizeof(o->said));
			break;
		case SAY_IN:
			o->entered = true;
			memcpy(&o->layers, message + 1, sizeof(o->layers));
			break;
		case SAY_CALL:
			memcpy(&o->refused, message + 1, sizeof(o->refused));
			break;
		case SAY_READY:
			c->watch(pid);
			ATF_REQUIRE(send(fd, "", 1, MSG_NOSIGNAL) == 1);
			break;
		default:
			atf_tc_fail("unknown message %d", message[0]);
		}
	}
}
