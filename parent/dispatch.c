/*
 * What children say, one case for each message. A child may be broken into:
 * nothing it says makes the parent do more than its table allows.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"
#include "dotproxy/sandbox.h"
#include "priv/way.h"

#include "parent.h"

/* Messages of one child in one turn: the others want theirs. */
#define TURN_MAX 64

static void dispatch(struct child *, const struct ipc_message *);
static void take_confined(struct child *, const struct ipc_confined *);
static void take_ready(struct child *, const struct ipc_generation *);
static void take_broken(struct child *, const struct ipc_peer *);
static void take_block(struct child *, const struct ipc_block *);
static void take_connect(struct child *, const struct ipc_connect *);

void
dispatch_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispatch_some(arg, TURN_MAX);
}

void
dispatch_some(struct child *c, int max)
{
	static struct ipc_buffer buffer;
	struct ipc_message m;
	const char *wrong;
	int n;

	do {
		n = ipc_recv(&c->ipc, &buffer, &m, &wrong);
		if (n == 1)
			dispatch(c, &m);
		else if (n == -2)
			child_kill(c, wrong);
		else if (n == -1)
			child_gone(c);
	} while (n == 1 && --max > 0);
}

static void
dispatch(struct child *c, const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_LOG:
		if (!ipc_log_take(&c->log, m, c->name, clock_ms()))
			child_kill(c, "a log line without a priority");
		break;
	case IPC_CONFINED:
		take_confined(c, m->payload);
		break;
	case IPC_READY:
		take_ready(c, m->payload);
		break;
	case IPC_COUNTERS:
		/* Dozens of lines, past the limit of a child's log. */
		if (c->counts-- == 0)
			child_kill(c, "counters that nobody asked for");
		else
			counter_log(c->name, m->payload);
		break;
	case IPC_REFUSED:
		c->refused = ((const struct ipc_refused *)m->payload)->nr + 1;
		break;
	case IPC_BROKEN:
		take_broken(c, m->payload);
		break;
	case IPC_STOPPED:
		break; /* it exits now, and that is what counts */
	case IPC_BLOCK:
		take_block(c, m->payload);
		break;
	case IPC_CONNECT:
		take_connect(c, m->payload);
		break;
	case IPC_TRIAL:
		trial_take(c, m->payload);
		break;
	case IPC_TRIED:
		trial_done(c);
		break;
	case IPC_PROXIED:
		proxy_answer(c, m->payload);
		break;
	default:
		child_kill(c, "a message that only the parent sends");
	}
}

static void
take_confined(struct child *c, const struct ipc_confined *confined)
{
	if (!sandbox_is_enough(confined->layers, c->parent->confine_uid)) {
		child_kill(c, "it says that it is not confined");
		return;
	}
	c->layers = confined->layers;
	c->ipc.state = IPC_CONFIG;
	configure_child(c);
	configure_peers(c->parent, c);
}

static void
take_ready(struct child *c, const struct ipc_generation *ready)
{
	struct parent *p = c->parent;

	if (ready->generation == 0 || ready->generation > p->generation ||
	    ready->generation < c->generation) {
		child_kill(c, "a config that it was never given");
		return;
	}
	c->generation = ready->generation;
	c->ipc.state = IPC_RUN;
	parent_ready(p);
	/* From now on nothing new comes from where questions went before. */
	if (c->role == IPC_TLS && c->generation == p->generation &&
	    p->asks_elsewhere) {
		p->asks_elsewhere = false;
		configure_cache(p, "questions go elsewhere now");
	}
}

/*
 * One of the two is broken into, and only they know which. Both go: who lies
 * about a sibling ends with it.
 */
static void
take_broken(struct child *c, const struct ipc_peer *peer)
{
	struct parent *p = c->parent;
	struct child *other;

	if (c->role == IPC_WORKER)
		other = &p->child[0];
	else if (peer->worker < p->workers)
		other = &p->child[1 + peer->worker];
	else {
		child_kill(c, "accuses a worker that there is not");
		return;
	}
	log_warnx("%s says that %s broke a rule", c->name, other->name);
	child_kill(other, "accused by its sibling");
	other->broke = false; /* that is not proved */
	child_kill(c, "accused its sibling");
}

static void
take_block(struct child *c, const struct ipc_block *want)
{
	struct parent *p = c->parent;
	struct ipc_blocked m;
	const char *wrong;

	if (ward_block(&p->ward, p->conf, want, &c->blocks, c->index,
		p->workers, clock_ms(), &m, &wrong))
		configure_workers(p, IPC_BLOCKED, &m, sizeof(m), -1);
	else if (wrong != NULL)
		child_kill(c, wrong);
}

static void
take_connect(struct child *c, const struct ipc_connect *want)
{
	struct parent *p = c->parent;
	uint32_t error = 0;
	const struct conf_upstream *u;
	int fd = -1;

	if (want->generation != 0 && want->generation < p->generation)
		error = ESTALE; /* asked before it heard of a reload */
	else if ((u = ipc_conf_wanted(p->conf, p->generation, want)) == NULL) {
		child_kill(c, "a connection to what it was never given");
		return;
	} else if (!bucket_take(
		       &p->connect, clock_ms(), CONNECT_BURST, CONNECT_RATE))
		error = EAGAIN;
	else if (u->socks.family != 0) {
		if ((error = proxy_ask(
			 p, want->serial, u, &u->address[want->address])) == 0)
			return; /* the proxy answers, in its time */
	} else if ((fd = way_open(
			u, &u->address[want->address], want->transport)) == -1)
		error = (uint32_t)errno;
	connect_answer(p, want->serial, error, fd);
	if (fd != -1)
		(void)close(fd);
}

void
connect_answer(struct parent *p, uint32_t serial, uint32_t error, int fd)
{
	const struct ipc_socket answer = { serial, error };

	if (error == EAGAIN)
		counter_inc(connects_refused);
	if (ipc_send(&p->child[0].ipc, IPC_SOCKET, &answer, sizeof(answer),
		fd) == -1 &&
	    errno == EAGAIN)
		child_kill(&p->child[0], "it does not read its connections");
}
