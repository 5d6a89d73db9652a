/*
 * The life of a child: forked, exec'd with nothing but its end of a channel,
 * reaped, and started again. It never runs code of ours between the two.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "priv/cause.h"
#include "dotproxy/clock.h"
#include "dotproxy/log.h"

#include "parent.h"

/* Descriptors of the socks process that are no connections. */
#define NOFILE_OTHER 16

static const char *program_of(const struct child *);
static void child_exec(const struct child *, int) __attribute__((noreturn));
static void forget(struct child *);
static void say_cause(const struct child *, int);
static void start_again(struct child *);
static void restart_due(evutil_socket_t, short, void *);

void
child_init(
    struct parent *p, struct child *c, enum ipc_role role, uint32_t index)
{
	c->parent = p;
	c->role = role;
	c->index = index;
	c->ipc.fd = -1;
	if (role == IPC_WORKER)
		(void)snprintf(c->name, sizeof(c->name), "worker %u", index);
	else
		(void)snprintf(c->name, sizeof(c->name), "%s",
		    role == IPC_TLS ? "tls" : "socks");
}

void
child_start(struct child *c)
{
	struct parent *p = c->parent;
	int fd[2];

	if (ipc_socketpair(fd) == -1)
		fatal("socketpair");
	switch (c->pid = fork()) {
	case -1:
		fatal("fork");
	case 0:
		child_exec(c, fd[1]);
	}
	(void)close(fd[1]);
	ipc_init(&c->ipc, fd[0], IPC_PARENT, c->role, IPC_NEW);
	c->started = clock_ms();
	c->generation = 0;
	c->layers = 0;
	c->refused = 0;
	c->counts = 0;
	c->broke = false;
	c->readable = event_new(
	    p->base, fd[0], EV_READ | EV_PERSIST, dispatch_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) == -1)
		fatalx("no memory");
}

void
child_reap(struct parent *p)
{
	struct child *c;
	uint32_t i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < p->nchildren; i++)
			if (p->child[i].pid == pid)
				break;
		if (i == p->nchildren)
			continue;
		c = &p->child[i];
		/* The number may be another's already: no more signals. */
		c->pid = 0;
		/* Its last words may tell why. */
		dispatch_some(c, LAST_WORDS);
		if (!p->stopping)
			say_cause(c, status);
		forget(c);
		if (p->stopping) {
			parent_stopped(p);
			continue;
		}
		if (p->trial) {
			(void)event_base_loopbreak(p->base);
			return;
		}
		if (!p->ready && WIFEXITED(status))
			fatalx("%s could not start: not serving", c->name);
		start_again(c);
	}
}

void
child_kill(struct child *c, const char *why)
{
	/* One that is not there, or was killed already. */
	if (c->ipc.fd == -1)
		return;
	log_warnx("%s: taken for broken into and killed: %s", c->name, why);
	counter_inc(child_broken);
	c->broke = true;
	child_gone(c);
}

/*
 * Without its channel it could go on with what it has, past any reload. One
 * that is exiting already keeps its status: that was set before the kernel
 * closed its descriptors.
 */
void
child_gone(struct child *c)
{
	if (c->pid != 0 && kill(c->pid, SIGKILL) == -1 && errno != ESRCH)
		log_warn("%s: kill", c->name);
	if (c->readable != NULL)
		(void)event_del(c->readable);
	ipc_close(&c->ipc);
}

static const char *
program_of(const struct child *c)
{
	return c->role == IPC_WORKER ? "worker" : c->name;
}

/* In the new process: only what is safe after a fork. */
static void
child_exec(const struct child *c, int channel)
{
	const struct parent *p = c->parent;
	char program[PATH_MAX + 32], uid[16], gid[16], nofile[16];
	const char *argv[] = { program, "-u", uid, "-g", gid, "-r",
		p->conf->chroot, "-n", nofile, NULL };
	char *envp[] = { NULL };
	sigset_t none;
	int i;

	(void)snprintf(program, sizeof(program), "%s/dotproxy-%s", p->libexec,
	    program_of(c));
	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)p->uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)p->gid);
	(void)snprintf(nofile, sizeof(nofile), "%u",
	    c->role == IPC_WORKER    ? p->nofile_worker
		: c->role == IPC_TLS ? p->nofile_tls
				     : IPC_PROXY_MAX + NOFILE_OTHER);
	for (i = 0; i <= STDERR_FILENO; i++) {
#ifdef DOTPROXY_SANITIZE
		if (i == STDERR_FILENO)
			continue; /* where the sanitizer reports */
#endif
		if (dup2(p->null, i) == -1)
			_exit(126);
	}
	/* dup2 of a descriptor onto itself would leave it CLOEXEC. */
	if (channel == IPC_PARENT_FD)
		channel = dup(channel);
	if (channel == -1 || dup2(channel, IPC_PARENT_FD) == -1 ||
	    close_range(IPC_PARENT_FD + 1, ~0U, 0) == -1)
		_exit(126);
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(program, (char **)(uintptr_t)argv, envp);
	_exit(127);
}

/* Closes what we had of a dead child. */
static void
forget(struct child *c)
{
	if (c->readable != NULL)
		event_free(c->readable);
	c->readable = NULL;
	ipc_close(&c->ipc);
	proxy_gone(c);
}

static void
say_cause(const struct child *c, int status)
{
	char text[CAUSE_TEXT];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		log_warnx("%s: %s/dotproxy-%s cannot be run; -L names the "
			  "folder of the child programs",
		    c->name, c->parent->libexec, program_of(c));
	else
		log_warnx(
		    "%s: %s", c->name, cause_text(status, c->refused, text));
	/* What it wrote there, and what it answered, may be forged. */
	if (c->role != IPC_SOCKS &&
	    (c->broke || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS))) {
		configure_cache(c->parent, "it may hold what is forged");
		configure_cookies(-1, 0, c->parent);
		if (c->role == IPC_WORKER)
			ward_distrust(&c->parent->ward, c->index, clock_ms(),
			    configure_workers, c->parent);
	}
}

/* At once after a good life; later and later after short ones. */
static void
start_again(struct child *c)
{
	uint64_t lived = clock_ms() - c->started, wait = 0;
	struct timeval tv;

	counter_inc(child_restarts);
	if (lived >= (c->broke ? CHILD_BROKE_MS : CHILD_WELL_MS))
		c->quick_deaths = 0;
	else if (c->quick_deaths < 16)
		c->quick_deaths++;
	/* The first may be bad luck. */
	if (c->quick_deaths > 1)
		wait = (uint64_t)CHILD_BACKOFF_MS << (c->quick_deaths - 2);
	if (wait > CHILD_BACKOFF_MAX)
		wait = CHILD_BACKOFF_MAX;
	if (wait == 0) {
		log_info("%s: starting again", c->name);
		child_start(c);
		return;
	}
	log_warnx("%s: died %u times in a row soon after its start; next "
		  "try in %llu ms",
	    c->name, c->quick_deaths, (unsigned long long)wait);
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	if (event_base_once(
		c->parent->base, -1, EV_TIMEOUT, restart_due, c, &tv) == -1)
		fatalx("no memory");
}

static void
restart_due(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->pid == 0 && !c->parent->stopping)
		child_start(c);
}
