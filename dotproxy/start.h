/*
 * The first steps of every child: its channel, which takes the log from then
 * on, the parent's arguments, and its confinement.
 */
#ifndef DOTPROXY_START_H
#define DOTPROXY_START_H

#include "ipc.h"
#include "sandbox.h"

/*
 * The very first: makes *parent the channel that is open as IPC_PARENT_FD,
 * reads "-u uid -g gid -r chroot -n nofile" into *params, which points into
 * argv then, and ignores signals: the parent ends its children by an end of
 * file, and a terminal's ^C is for it alone. Anything amiss is fatal.
 */
void start_child(struct ipc *parent, enum ipc_role self, int argc, char *argv[],
    struct sandbox_params *params);

/* Once all is there that is to be opened or made: sandbox_enter, and says so to
 * the parent, which sends the config then. */
void start_confined(struct ipc *parent, const struct sandbox_params *params);

#endif
