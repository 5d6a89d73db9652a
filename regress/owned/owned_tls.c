/*
 * A TLS process that an attacker owns: it confines itself and takes its config
 * as the real one does, and then asks for what it must never get. It is told by
 * the name of the first upstream. With -l it prints the names.
 */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dotproxy/ipc.h"
#include "dotproxy/log.h"
#include "dotproxy/start.h"

/* What it asks for; generation: added to that of the config. */
static const struct attack {
	const char *name;
	uint32_t generation, upstream, address, transport;
} attacks[] = {
	{ "tls_upstream_by_udp", 0, 0, 0, IPC_UDP },
	{ "an_address_too_many", 0, 0, 1, IPC_TCP },
	{ "an_upstream_too_many", 0, 1, 0, IPC_TCP },
	{ "the_last_address_there_is", 0, 0, UINT32_MAX, IPC_TCP },
	{ "a_config_to_come", 1, 0, 0, IPC_TCP },
	{ "no_transport", 0, 0, 0, 0 },
	{ "a_raw_socket", 0, 0, 0, 3 },
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

static void live(void) __attribute__((noreturn));
static void begin(uint32_t);

static struct ipc parent;
static struct ipc_buffer buffer;
static char name[CONF_NAME_MAX];
static int waiter;

int
main(int argc, char *argv[])
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sandbox_params params;
	size_t i;

	if (argc == 2 && strcmp(argv[1], "-l") == 0) {
		for (i = 0; i < ATTACKS; i++)
			(void)puts(attacks[i].name);
		return 0;
	}
	start_child(&parent, IPC_TLS, argc, argv, &params);
	waiter = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(waiter, EPOLL_CTL_ADD, IPC_PARENT_FD, &event) == -1)
		fatal("epoll_ctl");
	start_confined(&parent, &params);
	live();
}

static void
live(void)
{
	const struct ipc_upstream *first;
	const struct ipc_generation *commit;
	struct epoll_event event;
	struct ipc_message m;
	const char *wrong;
	int n;

	for (;;) {
		while ((n = ipc_recv(&parent, &buffer, &m, &wrong)) == 0)
			(void)epoll_wait(waiter, &event, 1, 1000);
		if (n < 0)
			_exit(0);
		if (m.type == IPC_UPSTREAM) {
			first = m.payload;
			if (first->index == 0)
				memcpy(name, first->name, sizeof(name));
		} else if (m.type == IPC_COMMIT) {
			commit = m.payload;
			begin(commit->generation);
		} else if (m.type == IPC_SOCKET)
			log_warnx("got it");
	}
}

static void
begin(uint32_t generation)
{
	const struct ipc_generation ready = { generation };
	struct ipc_connect want = { .serial = 1 };
	size_t i;

	(void)ipc_send(&parent, IPC_READY, &ready, sizeof(ready), -1);
	parent.state = IPC_RUN;
	for (i = 0; i < ATTACKS; i++) {
		if (strcmp(attacks[i].name, name) != 0)
			continue;
		want.generation = generation + attacks[i].generation;
		want.upstream = attacks[i].upstream;
		want.address = attacks[i].address;
		want.transport = attacks[i].transport;
		(void)ipc_send(&parent, IPC_CONNECT, &want, sizeof(want), -1);
	}
}
