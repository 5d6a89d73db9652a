/*
 * dotproxy-worker: reads clients' bytes, so it has nothing that is worth
 * taking. It confines itself before it reads one byte of anyone.
 *
 *	dotproxy-worker -u uid -g gid -r chroot -n nofile
 *
 * The arguments are the parent's, as is descriptor 3.
 */
#include <unistd.h>

#include "dotproxy/sandbox.h"

#include "listener.h"
#include "loop.h"
#include "parent.h"
#include "tcp.h"
#include "udp.h"

int
main(int argc, char *argv[])
{
	struct sandbox_params params;

	parent_init(argc, argv, &params);
	loop_init();
	listener_init();
	udp_init();
	tcp_init();
	parent_start(&params);
	loop_run();
	parent_tell_stopped();
	_exit(0);
}
