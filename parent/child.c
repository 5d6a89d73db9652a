/*
 * The life of a child: forked, exec'd with nothing but its end of a channel,
 * reaped, and started again. It never runs code of ours between the two.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"
#include "dotproxy/nofile.h"
#include "priv/cause.h"
#include "priv/exec.h"

#include "parent.h"

static const char *program_of(const struct child *);
static void child_exec(const struct child *, int) __attribute__((noreturn));
static void forget(struct child *);
static void say_cause(const struct child *, int);
static void start_again(struct child *);
static void start_later(struct child *);
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
	int fd[2] = { -1, -1 };
	pid_t pid = -1;

	if (ipc_socketpair(fd) != -1 && (pid = fork()) == 0)
		child_exec(c, fd[1]);
	if (pid == -1)
		log_warn("%s: no room for a process", c->name);
	(void)close(fd[1]);
	if (pid == -1) {
		(void)close(fd[0]);
		if (!p->ready)
			fatalx("not serving");
		c->quick_deaths++;
		start_later(c);
		return;
	}
	c->pid = pid;
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

	(void)snprintf(program, sizeof(program), "%s/dotproxy-%s", p->libexec,
	    program_of(c));
	(void)snprintf(uid, sizeof(uid), "%u", (unsigned int)p->uid);
	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)p->gid);
	(void)snprintf(nofile, sizeof(nofile), "%u",
	    c->role == IPC_WORKER    ? p->nofile_worker
		: c->role == IPC_TLS ? p->nofile_tls
				     : NOFILE_SOCKS);
	exec_program(program, argv, p->null, channel);
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
	uint64_t lived = clock_ms() - c->started;

	counter_inc(child_restarts);
	if (lived >= (c->broke ? CHILD_BROKE_MS : CHILD_WELL_MS))
		c->quick_deaths = 0;
	/* The first may be bad luck. */
	else if (c->quick_deaths++ > 0) {
		log_warnx("%s: died %u times in a row soon after its start",
		    c->name, c->quick_deaths);
		start_later(c);
		return;
	}
	log_info("%s: starting again", c->name);
	child_start(c);
}

/* The second in a row waits for CHILD_BACKOFF_MS, each after it twice that. */
static void
start_later(struct child *c)
{
	uint64_t wait = CHILD_BACKOFF_MS << MIN(c->quick_deaths, 16) >> 2;
	struct timeval tv;

	wait = MIN(wait, CHILD_BACKOFF_MAX);
	log_info("%s: next try in %llu ms", c->name, (unsigned long long)wait);
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
