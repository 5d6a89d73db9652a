/*
 * Cookies' secrets and blocks. Nothing that a worker says makes more of them
 * than it is given.
 */
#include <string.h>
#include <time.h>

#include "dotproxy/clock.h"
#include "dotproxy/counter.h"
#include "dotproxy/log.h"

#include "ward.h"

/* Blocks that are lifted, many in a message: a worker has room for all. */
struct lifted {
	struct ipc_blocked m[IPC_BLOCKED_BATCH];
	uint32_t n, all; /* in the message; of all messages */
	ipc_conf_tell *tell;
	void *ctx;
};

static void lift(struct block *, uint64_t, struct lifted *);
static void tell_lifted(struct lifted *);
static void end_lifted(struct lifted *, const char *);
static bool may(const struct conf *, const struct netaddr *);

void
ward_init(struct ward *g, bool kernel)
{
	memset(&g->cookie, 0, sizeof(g->cookie));
	/* RFC 9018 4.3 counts from 1970; once, so that no step of that clock
	 * is one of ours. */
	g->cookie.epoch = (uint32_t)time(NULL) - (uint32_t)(clock_ms() / 1000);
	ward_renew(g, true);
	blocks_init(&g->blocks);
	g->kernel.fd = -1;
	if (kernel && nft_open(&g->kernel))
		log_info("block kernel: the kernel takes blocks");
}

void
ward_end(struct ward *g)
{
	nft_flush(&g->kernel);
}

void
ward_renew(struct ward *g, bool distrust)
{
	g->cookie.before = g->cookie.now;
	siphash_key_random(&g->cookie.now);
	if (distrust)
		g->cookie.before = g->cookie.now;
}

void
ward_tell(const struct ward *g, uint64_t now, ipc_conf_tell *tell, void *ctx)
{
	tell(ctx, IPC_COOKIE, &g->cookie, sizeof(g->cookie), -1);
	ipc_conf_blocks(&g->blocks, now, tell, ctx);
}

bool
ward_block(struct ward *g, const struct conf *conf,
    const struct ipc_block *want, struct bucket *bucket, uint32_t worker,
    uint32_t workers, uint64_t now, struct ipc_blocked *m, const char **wrong)
{
	struct block *out = &g->blocks.out;
	const struct block *b;
	char text[NETADDR_TEXT];

	if ((*wrong = blocks_check(&want->client, want->proven)) != NULL)
		return false;
	if (!may(conf, &want->client) ||
	    !bucket_take(bucket, now, WARD_BLOCK_BURST, WARD_BLOCK_RATE)) {
		counter_inc(blocks_refused);
		return false;
	}
	memset(out, 0, sizeof(*out));
	b = blocks_again(&g->blocks, &conf->block, &want->client,
	    want->proven != 0, (uint16_t)worker, BLOCKS_MAX / workers, now);
	if (b == NULL)
		return false;
	counter_inc(blocks);
	if (out->proven)
		nft_remove(&g->kernel, &out->client);
	/* What anyone can forge must not silence all that has an address. */
	if (b->proven)
		(void)nft_put(&g->kernel, &b->client, b->until - now);
	log_info("%s is blocked%s for %llu s, time %u in a row",
	    netaddr_prefix_text(&b->client, text), b->proven ? "" : " over UDP",
	    (unsigned long long)(b->until - now) / 1000, b->times);
	*m = ipc_conf_block(b, now);
	return true;
}

void
ward_set(struct ward *g, const struct conf *conf, uint64_t now,
    ipc_conf_tell *tell, void *ctx)
{
	struct lifted lifted = { .tell = tell, .ctx = ctx };
	struct block *b;
	uint32_t i;

	nft_flush(&g->kernel);
	for (i = 0; i < g->blocks.n; i++) {
		b = &g->blocks.entry[i];
		if (now >= b->until)
			continue;
		if (!may(conf, &b->client))
			lift(b, now, &lifted);
		else if (b->proven && g->kernel.error == 0)
			(void)nft_put(&g->kernel, &b->client, b->until - now);
	}
	end_lifted(&lifted, "the config would not make them");
}

void
ward_distrust(struct ward *g, uint32_t worker, uint64_t now,
    ipc_conf_tell *tell, void *ctx)
{
	struct lifted lifted = { .tell = tell, .ctx = ctx };
	struct block *b;
	uint32_t i;

	for (i = 0; i < g->blocks.n; i++) {
		b = &g->blocks.entry[i];
		if (b->owner != worker)
			continue;
		b->times = 0;
		if (now >= b->until)
			continue;
		if (b->proven)
			nft_remove(&g->kernel, &b->client);
		lift(b, now, &lifted);
	}
	end_lifted(&lifted, "who asked for them is not trusted any more");
}

static void
lift(struct block *b, uint64_t now, struct lifted *lifted)
{
	b->until = now;
	lifted->m[lifted->n++] = ipc_conf_block(b, now);
	if (lifted->n == IPC_BLOCKED_BATCH)
		tell_lifted(lifted);
}

static void
tell_lifted(struct lifted *lifted)
{
	if (lifted->n != 0)
		lifted->tell(lifted->ctx, IPC_BLOCKED, lifted->m,
		    lifted->n * sizeof(lifted->m[0]), -1);
	lifted->all += lifted->n;
	lifted->n = 0;
}

static void
end_lifted(struct lifted *lifted, const char *why)
{
	tell_lifted(lifted);
	counter_add(blocks_lifted, lifted->all);
	if (lifted->all != 0)
		log_info("blocks lifted: %u, as %s", lifted->all, why);
}

static bool
may(const struct conf *conf, const struct netaddr *client)
{
	return conf->block.after != 0 && blocks_may(&conf->limit, client);
}
