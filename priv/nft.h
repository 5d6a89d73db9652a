/*
 * Blocks in the kernel: addresses put into two sets of a table of nftables that
 * an operator loaded (contrib/nftables/dotproxy.nft), and taken out again. It
 * must never make a table, a chain or a rule, nor wait for anything.
 */
#ifndef PRIV_NFT_H
#define PRIV_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include "dotproxy/netaddr.h"

#define NFT_TABLE "dotproxy" /* of family inet */
#define NFT_SET4  "blocked4"
#define NFT_SET6  "blocked6"

struct nft {
	int fd; /* a netlink socket; -1: none, and all below does nothing */
	uint32_t seq;
	int error; /* of the last time; 0: it was well */
};

/*
 * For a process with CAP_NET_ADMIN, which it needs later, too. Empties the
 * sets: whoever filled them before is gone. Whether there is a socket, and
 * sets; if not, the log says what is missing, and the sets may come later.
 */
bool nft_open(struct nft *n);

/* Takes all out. */
void nft_flush(struct nft *n);

/*
 * Puts a client in, by the first address of its prefix, for so many ms; false:
 * it is not in, and the log has said why, once until that changes. One whose
 * address has a scope is left to the workers.
 */
bool nft_put(struct nft *n, const struct netaddr *client, uint64_t left);
/* It may be gone by itself. */
void nft_remove(struct nft *n, const struct netaddr *client);

#endif
