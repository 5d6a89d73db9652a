/*
 * dotproxy-worker: reads clients' bytes, so it has nothing that is worth
 * taking. It confines itself before it reads one byte of anyone.
 *
 *	dotproxy-worker -u uid -g gid -r chroot -n nofile
 *
 * The arguments are the parent's, as is descriptor 3.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/sandbox.h"

#include "listener.h"
#include "loop.h"
#include "parent.h"
#include "tcp.h"
#include "udp.h"

static void read_arguments(int, char **, struct sandbox_params *);
static unsigned long number(const char *);
static void ignore_signals(void);

int
main(int argc, char **argv)
{
	struct sandbox_params params = { .refused = parent_tell_refused };

	log_init("dotproxy-worker", false);
	parent_init();
	read_arguments(argc, argv, &params);
	ignore_signals();
	loop_init();
	listener_init();
	udp_init();
	tcp_init();
	parent_start(sandbox_enter(SANDBOX_WORKER, &params));
	loop_run();
	parent_tell_stopped();
	_exit(0);
}

static void
read_arguments(int argc, char **argv, struct sandbox_params *params)
{
	int c;

	while ((c = getopt(argc, argv, "g:n:r:u:")) != -1) {
		switch (c) {
		case 'g':
			params->gid = (gid_t)number(optarg);
			break;
		case 'n':
			params->nofile = (uint32_t)number(optarg);
			break;
		case 'r':
			params->chroot = optarg;
			break;
		case 'u':
			params->uid = (uid_t)number(optarg);
			break;
		default:
			fatalx("dotproxy starts this, nobody else");
		}
	}
	if (optind != argc || params->chroot == NULL || params->nofile == 0)
		fatalx("dotproxy starts this, nobody else");
}

static unsigned long
number(const char *text)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v > UINT32_MAX)
		fatalx("argument \"%s\" is not a number", text);
	return v;
}

/* The parent says when to stop (IPC_STOP), or dies, which is an end of file:
 * a terminal's ^C is for it alone. */
static void
ignore_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
}
