/*
 * What the parent keeps against abuse: the secrets of cookies, and the list of
 * blocks. They outlive workers and reloads.
 */
#ifndef PRIV_WARD_H
#define PRIV_WARD_H

#include "dotproxy/blocks.h"
#include "dotproxy/bucket.h"
#include "ipc_conf.h"
#include "nft.h"

/* Cookies are made with a new secret so often, s. */
#define WARD_COOKIE_TURN 86400
/* Blocks that a worker may ask for at once, and each second. */
#define WARD_BLOCK_BURST 100
#define WARD_BLOCK_RATE	 10

struct ward {
	struct ipc_cookie cookie;
	struct block_table blocks;
	struct nft kernel; /* which drops whose address is proven, too */
};

/* Fresh secrets, nobody blocked; kernel: nft_open. */
void ward_init(struct ward *g, bool kernel);
/* Nobody is blocked by the kernel any more. */
void ward_end(struct ward *g);

/* Cookies are made with another secret. distrust: those of before are not good
 * any more; else they still are, until the next. */
void ward_renew(struct ward *g, bool distrust);

/* All that a new worker is to know. */
void
ward_tell(const struct ward *g, uint64_t now, ipc_conf_tell *tell, void *ctx);

/*
 * Another config holds. Blocks that it would not make are lifted, of which all
 * workers are told; the others are put into the kernel again, as its sets may
 * have been loaded anew.
 */
void ward_set(struct ward *g, const struct conf *conf, uint64_t now,
    ipc_conf_tell *tell, void *ctx);

/* That worker was broken into: whom it had blocked is so no more, which all
 * workers are told, and for his next block he is a new one. */
void ward_distrust(struct ward *g, uint32_t worker, uint64_t now,
    ipc_conf_tell *tell, void *ctx);

/*
 * A worker (its index, and how many there are) asks for a block. True: it is
 * made and logged, and *m is for all workers. It may be broken into, and block
 * whom it likes: but not exempt ones, not more than its share, not faster than
 * its bucket, and for no longer than the config says. *wrong, if not NULL: so
 * it is.
 */
bool ward_block(struct ward *g, const struct conf *conf,
    const struct ipc_block *want, struct bucket *bucket, uint32_t worker,
    uint32_t workers, uint64_t now, struct ipc_blocked *m, const char **wrong);

#endif
