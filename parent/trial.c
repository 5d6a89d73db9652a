/*
 * dotproxy -t: has the TLS process try each address, and prints what it says
 * of them. It must bind nothing, and print nothing that was not checked.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dotproxy/log.h"
#include "dotproxy/nofile.h"
#include "dotproxy/sandbox.h"

#include "parent.h"

static int choose(struct conf *, const char *);
static void keep_only(struct conf *, uint32_t);
static void on_child(evutil_socket_t, short, void *);
static bool is_next(const struct parent *, const struct ipc_trial *);
static void print(const struct conf_upstream *, const struct ipc_trial *);
static void print_times(const struct ipc_trial *);
static void print_chain(const struct conf_upstream *, const struct ipc_trial *);
static void print_days(int64_t);

/* Which address is told of next, and what became of those before. */
static uint32_t next_upstream, next_address, tried, failed;
static bool whole;

int
trial_run(struct parent *p, const struct options *o)
{
	struct sandbox_params params = { .libexec = p->libexec };
	struct event *reaper;

	if (choose(p->conf, o->upstream) == -1)
		return 2;
	/* One that is not ready is not served by: nothing is, here. */
	p->trial = p->ready = true;
	p->verbose = o->verbose;
	p->generation = 1;
	p->cache = -1;
	p->nofile_tls = NOFILE_TLS_TRIAL;
	if (realpath(o->libexec, p->libexec) == NULL)
		fatal("the child programs should lie in (-L) %s", o->libexec);
	p->confine_uid =
	    sandbox_user(p->conf->user, p->conf->chroot, &p->uid, &p->gid);
	params.nofile = sandbox_nofile(NOFILE_TLS_TRIAL);
	siphash_key_random(&p->way_key);
	if (config_files_open(&p->files, p->conf) == -1)
		return 1;
	if ((p->base = event_base_new()) == NULL ||
	    (reaper = evsignal_new(p->base, SIGCHLD, on_child, p)) == NULL ||
	    event_add(reaper, NULL) == -1)
		fatalx("no memory");
	p->layers = sandbox_enter(SANDBOX_PARENT, &params);

	p->nchildren = 1;
	child_init(p, &p->child[0], IPC_TLS, 0);
	child_start(&p->child[0]);
	proxy_start(p);
	if (event_base_dispatch(p->base) == -1)
		fatalx("event loop");
	if (!whole) {
		log_warnx("the trial was not finished");
		return 1;
	}
	(void)printf("%u of %u addresses %s well\n", tried - failed, tried,
	    tried - failed == 1 ? "is" : "are");
	return fflush(stdout) == EOF || failed > 0;
}

/* All that the config defines, also what it does not use; or the one. */
static int
choose(struct conf *conf, const char *name)
{
	const struct conf_upstream *builtin;
	uint32_t i;

	conf->nused = conf->nupstream;
	if (name == NULL)
		return 0;
	for (i = 0; i < conf->nupstream; i++)
		if (strcmp(conf->upstream[i].name, name) == 0) {
			keep_only(conf, i);
			return 0;
		}
	if ((builtin = config_builtin(name)) == NULL) {
		log_warnx("no upstream \"%s\" is defined, nor built in", name);
		return -1;
	}
	conf->upstream[0] = *builtin;
	conf->nused = conf->nzone = 1;
	conf->zone[0].nupstream = 1;
	conf->zone[0].upstream[0] = 0;
	return 0;
}

/* The zones stay that it is asked for; the root is there always. */
static void
keep_only(struct conf *conf, uint32_t one)
{
	struct conf_zone *z;
	uint32_t i, n = 0;
	bool has;

	for (i = 0; i < conf->nzone; i++) {
		z = &conf->zone[i];
		has = memchr(z->upstream, (int)one, z->nupstream) != NULL;
		z->nupstream = 1;
		z->upstream[0] = 0;
		if (i == 0 || has)
			conf->zone[n++] = *z;
	}
	conf->nzone = n;
	if (one != 0)
		conf->upstream[0] = conf->upstream[one];
	conf->nused = 1;
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	child_reap(arg);
}

void
trial_take(struct child *c, const struct ipc_trial *t)
{
	struct parent *p = c->parent;

	if (!p->trial || whole || !is_next(p, t) || !ipc_trial_is_valid(t)) {
		child_kill(c, "a trial that nobody asked for");
		return;
	}
	tried++;
	failed += t->failure[0] != '\0';
	print(&p->conf->upstream[t->upstream], t);
	if (++next_address == p->conf->upstream[next_upstream].naddress) {
		next_address = 0;
		next_upstream++;
	}
}

void
trial_done(struct child *c)
{
	struct parent *p = c->parent;

	if (!p->trial || next_upstream != p->conf->nused) {
		child_kill(c, "a trial that is not whole");
		return;
	}
	whole = true;
	(void)event_base_loopbreak(p->base);
}

static bool
is_next(const struct parent *p, const struct ipc_trial *t)
{
	return next_upstream < p->conf->nused && t->upstream == next_upstream &&
	    t->address == next_address;
}

static void
print(const struct conf_upstream *u, const struct ipc_trial *t)
{
	char where[NETADDR_TEXT];

	(void)netaddr_port_text(&u->address[t->address], where);
	(void)printf("upstream \"%s\" at %s: %s\n", u->name, where,
	    t->failure[0] != '\0' ? t->failure : "ok");
	print_times(t);
	if (t->ncert > 0)
		print_chain(u, t);
	(void)fflush(stdout);
}

static void
print_times(const struct ipc_trial *t)
{
	const struct {
		const char *what;
		uint32_t us;
	} times[] = { { "connect", t->connect }, { "handshake", t->handshake },
		{ "answer", t->answer } };
	const char *before = "\t";
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i].us == IPC_TRIAL_NONE)
			continue;
		(void)printf("%s%s %.1f ms", before, times[i].what,
		    times[i].us / 1000.0);
		before = ", ";
	}
	if (t->version[0] != '\0')
		(void)printf("; %s, %s", t->version, t->cipher);
	if (before[0] != '\t')
		(void)printf("\n");
}

/* Each line of a pin can be put into a config as it is. */
static void
print_chain(const struct conf_upstream *u, const struct ipc_trial *t)
{
	const struct ipc_trial_cert *c, *first = &t->cert[0];
	char pin[CONFIG_PIN_TEXT];
	int64_t now = (int64_t)time(NULL);

	(void)printf("\tverified chain, leaf first:\n");
	for (c = t->cert; c < &t->cert[t->ncert]; c++) {
		(void)printf("\tpin \"%s\" # %s%s\n",
		    config_pin_text(c->pin, pin),
		    u->npin > 0 && c->pinned ? "matched: " : "", c->subject);
		if (c->ends < first->ends)
			first = c;
	}
	(void)printf("\tthe leaf ends in ");
	print_days(t->cert[0].ends - now);
	if (first != &t->cert[0]) {
		(void)printf("; first of all ends %s, in ", first->subject);
		print_days(first->ends - now);
	}
	(void)printf("\n");
}

static void
print_days(int64_t left)
{
	(void)printf("%lld day%s", (long long)(left / 86400),
	    left / 86400 == 1 ? "" : "s");
}
