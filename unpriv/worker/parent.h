/*
 * The channel to the parent: the config comes over it, and orders; figures
 * and log lines go out.
 */
#ifndef UNPRIV_WORKER_PARENT_H
#define UNPRIV_WORKER_PARENT_H

#include "dotproxy/ipc.h"

/* Takes IPC_PARENT_FD and makes it the log's; the first thing of all. */
void parent_init(void);
/* Confinement stands (SANDBOX_* in layers): tell, and begin to listen to it. */
void parent_start(uint32_t layers);
/* The TLS process broke a rule: the parent is to restart it. */
void parent_tell_broken(void);
/* A client went far over its limit, as block_over says. */
void parent_tell_block(const struct ipc_block *block);
/* Nothing is in flight any more, after IPC_STOP. */
void parent_tell_stopped(void);
/* A system call was refused: async-signal-safe. */
void parent_tell_refused(int nr);

#endif
