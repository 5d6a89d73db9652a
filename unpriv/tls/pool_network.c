/*
 * A change of routes or addresses, as the pool meets it: connections that went
 * the old way are dead without a sign. It must not be held against the address.
 */
#include "pool_state.h"

static void drop(struct pool *, struct pool_conn *, uint64_t);

void
pool_network_changed(
    struct pool *p, uint32_t upstream, uint32_t address, uint64_t now)
{
	struct pool_conn *c;
	uint32_t i;

	for (i = 0; i < p->used; i++) {
		c = &p->conn[i];
		if ((c->state == POOL_CONN_UP ||
			c->state == POOL_CONN_OPENING) &&
		    c->upstream == upstream && c->address == address)
			drop(p, c, now);
	}
	health_well(p, upstream, address);
	p->address[upstream][address].window = 0;
	p->changed = true;
}

static void
drop(struct pool *p, struct pool_conn *c, uint64_t now)
{
	uint32_t conn = pool_conn_index(p, c);

	p->ops.close(p->ctx, conn);
	pool_conn_ended(p, conn, REASON_NONE, now);
}
