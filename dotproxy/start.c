/*
 * How a child begins, the same in each. It must never do anything for anybody:
 * nothing is read but what the parent wrote, and that is only arguments.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "start.h"

static void read_arguments(int, char *[], struct sandbox_params *);
static uint32_t number(const char *);
static void ignore_signals(void);
static void refused(int);

static const struct {
	const char *program;
	enum sandbox_role sandbox;
} kinds[] = {
	[IPC_WORKER] = { "dotproxy-worker", SANDBOX_WORKER },
	[IPC_TLS] = { "dotproxy-tls", SANDBOX_TLS },
	[IPC_SOCKS] = { "dotproxy-socks", SANDBOX_SOCKS },
};

void
start_child(struct ipc *parent, enum ipc_role self, int argc, char *argv[],
    struct sandbox_params *params)
{
	log_init(kinds[self].program, false);
	ipc_init(parent, IPC_PARENT_FD, self, IPC_PARENT, IPC_NEW);
	ipc_log_to(parent);
	log_set_sink(ipc_log_sink);
	memset(params, 0, sizeof(*params));
	params->refused = refused;
	read_arguments(argc, argv, params);
	ignore_signals();
}

void
start_confined(struct ipc *parent, const struct sandbox_params *params)
{
	struct ipc_confined m;

	m.layers = sandbox_enter(kinds[parent->self].sandbox, params);
	if (ipc_send(parent, IPC_CONFINED, &m, sizeof(m), -1) == -1)
		fatal("sending to the parent");
	parent->state = IPC_CONFIG;
}

static void
read_arguments(int argc, char *argv[], struct sandbox_params *params)
{
	int c;

	while ((c = getopt(argc, argv, "u:g:r:n:")) != -1)
		switch (c) {
		case 'u':
			params->uid = number(optarg);
			break;
		case 'g':
			params->gid = number(optarg);
			break;
		case 'r':
			params->chroot = optarg;
			break;
		case 'n':
			params->nofile = number(optarg);
			break;
		default:
			fatalx("this program is started by dotproxy only");
		}
	if (optind != argc || params->chroot == NULL || params->nofile == 0)
		fatalx("this program is started by dotproxy only");
}

static uint32_t
number(const char *text)
{
	unsigned long n;
	char *end;

	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || n > UINT32_MAX)
		fatalx("\"%s\" is not a number", text);
	return (uint32_t)n;
}

static void
ignore_signals(void)
{
	static const int signals[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signal(signals[i], SIG_IGN) == SIG_ERR)
			fatal("signal");
}

/* In a signal handler, with any lock held: no more than sendmsg. */
static void
refused(int nr)
{
	struct {
		struct ipc_header header;
		struct ipc_refused refused;
	} m = { { IPC_REFUSED, sizeof(m.refused) }, { (uint32_t)nr } };
	struct iovec iov = { &m, sizeof(m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)sendmsg(IPC_PARENT_FD, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}
