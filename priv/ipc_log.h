/*
 * Log lines of a child, as the parent takes them: so many, and as a stranger's.
 */
#ifndef PRIV_IPC_LOG_H
#define PRIV_IPC_LOG_H

#include "dotproxy/bucket.h"
#include "dotproxy/ipc.h"

/* Lines that a child may log at once, and then each second. */
#define IPC_LOG_BURST 100
#define IPC_LOG_RATE  20

/* All zero is that of a child that has said nothing. */
struct ipc_log_limit {
	struct bucket bucket;
	uint64_t dropped; /* lines since the last that was not */
};

/* Logs an IPC_LOG under the child's name, or drops and counts it. False: it
 * has no priority, and so is not from an honest child. */
bool ipc_log_take(struct ipc_log_limit *limit, const struct ipc_message *m,
    const char *name, uint64_t now);

#endif
