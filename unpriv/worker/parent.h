/*
 * The channel to the parent: the config comes over it, and orders; figures
 * and log lines go out.
 */
#ifndef UNPRIV_WORKER_PARENT_H
#define UNPRIV_WORKER_PARENT_H

#include "dotproxy/ipc.h"
#include "dotproxy/sandbox.h"

/* start_child; the first thing of all. */
void parent_init(int argc, char *argv[], struct sandbox_params *params);
/* start_confined, and begins to listen to it. */
void parent_start(const struct sandbox_params *params);
/* The TLS process broke a rule: the parent is to restart it. */
void parent_tell_broken(void);
/* A client went far over its limit, as block_over says. */
void parent_tell_block(const struct ipc_block *block);
/* Nothing is in flight any more, after IPC_STOP. */
void parent_tell_stopped(void);

#endif
