/*
 * dotproxy's parent: reads the config, binds, confines itself, and looks
 * after its children. It must never read a byte that came over a network.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <syslog.h>
#include <unistd.h>

#include "dotproxy/clock.h"
#include "dotproxy/log.h"
#include "dotproxy/nofile.h"
#include "dotproxy/sandbox.h"
#include "priv/notify.h"

#include "config.h"
#include "options.h"
#include "parent.h"

static void prepare(struct parent *, const struct options *);
static void start_children(struct parent *);
static void watch_signals(struct parent *);
static void on_signal(evutil_socket_t, short, void *);
static void reload(struct parent *);
static bool take_config(struct parent *, struct conf *);
static void stop(struct parent *);
static void on_deadline(evutil_socket_t, short, void *);
static void count(struct parent *);
static void say_ready(struct parent *);

static struct options options;
static struct parent parent;

int
main(int argc, char *argv[])
{
	struct parent *p = &parent;

	log_init("dotproxy", false);
	/* No descriptor of ours may ever be taken for standard error. */
	while (
	    (p->null = open("/dev/null", O_RDWR | O_CLOEXEC)) <= STDERR_FILENO)
		if (p->null == -1)
			fatal("/dev/null");
	options_parse(&options, argc, argv);
	if ((p->conf = config_load(
		 options.file, options.macro, options.nmacro)) == NULL)
		return 1;
	if (options.check)
		return config_check(p->conf, options.verbose);
	if (options.trial)
		return trial_run(p, &options);
	prepare(p, &options);
	start_children(p);
	if (event_base_dispatch(p->base) == -1)
		fatalx("event loop");
	ward_end(&p->ward);
	log_info("stopped");
	return 0;
}

/* All that needs privilege or a file, and then the confinement. */
static void
prepare(struct parent *p, const struct options *o)
{
	struct sandbox_params params = { .libexec = p->libexec };
	uint32_t nofile;

	p->verbose = o->verbose;
	p->generation = 1;
	p->workers = config_workers(p->conf);
	if (realpath(o->libexec, p->libexec) == NULL)
		fatal("the child programs should lie in (-L) %s", o->libexec);
	p->confine_uid =
	    sandbox_user(p->conf->user, p->conf->chroot, &p->uid, &p->gid);
	p->nofile_worker = p->conf->tcp_max + NOFILE_WORKER;
	p->nofile_tls = NOFILE_TLS;
	nofile = sandbox_nofile(MAX(p->nofile_worker, p->nofile_tls));
	if (listeners_open(&p->listeners, p->conf, p->workers, NULL) == -1 ||
	    config_files_open(&p->files, p->conf) == -1)
		fatalx("not serving");
	p->cache = -1;
	siphash_key_random(&p->way_key);
	configure_cache(p, NULL);
	ward_init(&p->ward, p->conf->block_kernel);
	if (!o->foreground) {
		/* It stays in this folder: -f may be relative, and is read
		 * again at a reload. */
		if (daemon(1, 0) == -1)
			fatal("daemon");
		openlog("dotproxy", LOG_PID | LOG_NDELAY, LOG_DAEMON);
		log_set_sink(log_to_syslog);
	}
	notify_init();
	if ((p->base = event_base_new()) == NULL)
		fatalx("event_base_new");
	watch_signals(p);
	network_watch(p);

	params.nofile = MIN(nofile, NOFILE_PARENT);
	params.net_admin = p->ward.kernel.fd != -1;
	p->layers = sandbox_enter(SANDBOX_PARENT, &params);
}

static void
start_children(struct parent *p)
{
	uint32_t i;

	p->nchildren = 1 + p->workers;
	child_init(p, &p->child[0], IPC_TLS, 0);
	for (i = 0; i < p->workers; i++)
		child_init(p, &p->child[1 + i], IPC_WORKER, i);
	for (i = 0; i < p->nchildren; i++)
		child_start(&p->child[i]);
	proxy_start(p);
}

static void
watch_signals(struct parent *p)
{
	static const struct timeval turn = { WARD_COOKIE_TURN, 0 };
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1,
		SIGCHLD };
	struct event *ev;
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		ev = evsignal_new(p->base, signals[i], on_signal, p);
		if (ev == NULL || event_add(ev, NULL) == -1)
			fatalx("no memory");
	}
	ev = event_new(p->base, -1, EV_PERSIST, configure_cookies, p);
	if (ev == NULL || event_add(ev, &turn) == -1)
		fatalx("no memory");
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct parent *p = arg;

	(void)what;
	switch (sig) {
	case SIGCHLD:
		child_reap(p);
		break;
	case SIGHUP:
		if (!p->stopping)
			reload(p);
		break;
	case SIGUSR1:
		count(p);
		break;
	default:
		log_info("stopping: %s", strsignal((int)sig));
		stop(p);
	}
}

/* The new file is read whole before anything of the old one is given up. */
static void
reload(struct parent *p)
{
	struct conf *conf;

	notify_send("RELOADING=1");
	conf = config_load(options.file, options.macro, options.nmacro);
	if (conf != NULL && take_config(p, conf)) {
		counter_inc(reloads);
		log_info("reloaded");
	} else {
		counter_inc(reloads_failed);
		free(conf);
		log_warnx("not reloaded: the config from before stays");
	}
	notify_send("READY=1");
}

static bool
take_config(struct parent *p, struct conf *conf)
{
	struct listeners fresh;
	struct config_files files;
	uint32_t i;

	if (!config_may_become(p->conf, conf, p->nofile_worker - NOFILE_WORKER))
		return false;
	if (config_files_open(&files, conf) == -1)
		return false;
	if (listeners_open(&fresh, conf, p->workers, &p->listeners) == -1) {
		config_files_close(&files);
		return false;
	}
	p->asks_elsewhere |= config_asks_elsewhere(p->conf, conf);
	listeners_close(&p->listeners, &fresh);
	config_files_close(&p->files);
	p->listeners = fresh;
	p->files = files;
	network_look(p, true); /* while its indices are known */
	free(p->conf);
	p->conf = conf;
	p->generation++;
	network_look(p, false);
	for (i = 0; i < p->nchildren; i++)
		if (p->child[i].ipc.state != IPC_NEW)
			configure_child(&p->child[i]);
	ward_set(&p->ward, conf, clock_ms(), configure_workers, p);
	proxy_start(p);
	return true;
}

void
parent_ready(struct parent *p)
{
	uint32_t i;

	for (i = 0; i < p->nchildren; i++)
		if (p->child[i].generation == 0)
			return;
	if (p->ready || p->stopping)
		return;
	p->ready = true;
	say_ready(p);
	notify_send("READY=1");
}

static void
say_ready(struct parent *p)
{
	char text[NETADDR_TEXT], layers[SANDBOX_TEXT];
	uint32_t i;

	for (i = 0; i < p->listeners.n; i += 2)
		log_info("listening on %s",
		    netaddr_port_text(&p->listeners.one[i].address, text));
	log_info(
	    "parent confined by: %s", sandbox_layers_text(p->layers, layers));
	for (i = 0; i < p->nchildren; i++)
		log_info("%s confined by: %s", p->child[i].name,
		    sandbox_layers_text(p->child[i].layers, layers));
	if (!p->confine_uid)
		log_info("without root there is no chroot and no other user: "
			 "Landlock and seccomp stand in their place");
	log_info("ready, %u worker%s", p->workers, p->workers == 1 ? "" : "s");
}

/* Clients first: what they wait for still needs the TLS process. */
static void
stop(struct parent *p)
{
	static const struct timeval second = { 1, 100000 };
	uint32_t i;

	if (p->stopping)
		return;
	p->stopping = true;
	notify_send("STOPPING=1");
	for (i = 1; i <= p->workers; i++)
		if (p->child[i].ipc.fd != -1)
			(void)ipc_send(&p->child[i].ipc, IPC_STOP, NULL, 0, -1);
	if (event_base_once(p->base, -1, EV_TIMEOUT, on_deadline, p, &second) ==
	    -1)
		fatalx("no memory");
	parent_stopped(p);
}

void
parent_stopped(struct parent *p)
{
	uint32_t i, left = 0;

	if (!p->stopping)
		return;
	for (i = 1; i <= p->workers; i++)
		if (p->child[i].pid != 0)
			left++;
	if (left != 0)
		return;
	/* An end of file is the last message each child gets. */
	for (i = 0; i < p->nchildren; i++) {
		if (p->child[i].readable != NULL)
			(void)event_del(p->child[i].readable);
		ipc_close(&p->child[i].ipc);
		if (p->child[i].pid != 0)
			left++;
	}
	if (left == 0)
		(void)event_base_loopbreak(p->base);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	uint32_t i;

	(void)fd;
	(void)what;
	for (i = 0; i < p->nchildren; i++)
		if (p->child[i].pid != 0)
			(void)kill(p->child[i].pid, SIGKILL);
}

/* SIGUSR1: each child tells, dispatch.c logs; ours at once. */
static void
count(struct parent *p)
{
	uint32_t i;

	for (i = 0; i < p->nchildren; i++)
		if (p->child[i].ipc.state == IPC_RUN &&
		    ipc_send(&p->child[i].ipc, IPC_COUNT, NULL, 0, -1) == 0)
			p->child[i].counts++;
	counter_log("parent", counter_value);
}
