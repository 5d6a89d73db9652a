/*
 * A config as the messages that tell a child of it. Nothing is sent here: each
 * message goes to the caller, in the order in which the child takes them.
 */
#ifndef PRIV_IPC_CONF_H
#define PRIV_IPC_CONF_H

#include "dotproxy/blocks.h"
#include "dotproxy/conf.h"
#include "dotproxy/ipc.h"

/* Takes a message; fd rides on it, unless -1, and stays whose it was. */
typedef void ipc_conf_tell(
    void *ctx, enum ipc_type type, const void *payload, size_t len, int fd);

/*
 * IPC_CONF_TLS and what follows it, but IPC_COMMIT. ca: a bundle for each of
 * the upstreams that zones name. key: nobody else's, and the same for all
 * configs, so that a way can be told from another and a password not guessed.
 */
void ipc_conf_tls(const struct conf *conf, uint32_t generation, bool verbose,
    bool trial, const int ca[CONF_UPSTREAMS_MAX], const struct siphash_key *key,
    ipc_conf_tell *tell, void *ctx);

/* The upstream that a connection is wanted to, or NULL: by index alone, so that
 * a child can name no address that the config does not. */
const struct conf_upstream *ipc_conf_wanted(const struct conf *conf,
    uint32_t generation, const struct ipc_connect *want);

/* What IPC_CONF_WORKER says of a config; the rest of head is the caller's. */
void ipc_conf_worker(const struct conf *conf, struct ipc_conf_worker *head);
/* IPC_BLOCKED of all blocks that hold; and of one. */
void ipc_conf_blocks(const struct block_table *blocks, uint64_t now,
    ipc_conf_tell *tell, void *ctx);
struct ipc_blocked ipc_conf_block(const struct block *block, uint64_t now);

/* Its IPC_LIMIT, IPC_ALLOWs and IPC_PREFIXES. */
void ipc_conf_allow(const struct conf *conf, ipc_conf_tell *tell, void *ctx);
/* An IPC_FORWARD of each zone but the root. */
void ipc_conf_forwards(const struct conf *conf, ipc_conf_tell *tell, void *ctx);

#endif
