/*
 * What connections tell, handed to the pool; and the log of certificates that
 * end soon. Nothing is decided here.
 */
#include <time.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"

#include "ends.h"
#include "pool_owner.h"
#include "turn.h"

static void connected(uint32_t, uint64_t);
static void doomed(uint32_t, uint64_t);
static void verified(uint32_t, const struct upstream *,
    const struct verify_result *, struct tls *);
static void look(const struct upstream *, const struct cert *);
static void up(uint32_t, uint64_t);
static void room(uint32_t);
static bool message(uint32_t, uint8_t *, size_t, uint64_t);
static void ended(uint32_t, enum reason, const char *, uint64_t);

static const struct conn_owner owner = {
	.connected = connected,
	.doomed = doomed,
	.verified = verified,
	.up = up,
	.room = room,
	.message = message,
	.ended = ended,
};

static struct pool *pool;

const struct conn_owner *
pool_owner(struct pool *p)
{
	pool = p;
	return &owner;
}

static void
connected(uint32_t conn, uint64_t now)
{
	pool_conn_connected(pool, conn, now);
}

static void
doomed(uint32_t conn, uint64_t now)
{
	pool_conn_doomed(pool, conn, now);
}

static void
verified(uint32_t conn, const struct upstream *u,
    const struct verify_result *result, struct tls *tls)
{
	size_t i;

	(void)conn;
	(void)tls;
	if (result->reason != VERIFY_OK)
		return;
	for (i = 0; i < result->ncert; i++)
		look(u, &result->cert[i]);
	/* What is pinned is relied on, also where another path was taken. */
	for (i = 0; i < u->npinned; i++)
		look(u, &u->pinned[i]);
}

static void
look(const struct upstream *u, const struct cert *cert)
{
	static struct ends ends;
	int64_t wall = (int64_t)time(NULL), days;

	if (!ends_warn(&ends, u->name, cert, wall, turn_now()))
		return;
	days = ends_days(cert->ends, wall);
	if (days < 0)
		log_warnx("upstream \"%s\": the pinned CA %s has ended, %lld "
			  "day%s ago",
		    u->name, cert->subject, (long long)-days,
		    days == -1 ? "" : "s");
	else
		log_warnx("upstream \"%s\": the certificate of %s ends in "
			  "%lld day%s",
		    u->name, cert->subject, (long long)days,
		    days == 1 ? "" : "s");
}

static void
up(uint32_t conn, uint64_t now)
{
	pool_conn_up(pool, conn, now);
}

static void
room(uint32_t conn)
{
	pool_conn_room(pool, conn);
}

static bool
message(uint32_t conn, uint8_t *msg, size_t len, uint64_t now)
{
	return pool_conn_message(pool, conn, msg, len, now);
}

static void
ended(uint32_t conn, enum reason reason, const char *detail, uint64_t now)
{
	(void)detail;
	if (reason == REASON_NO_PIN)
		counter_inc(upstream_no_pin);
	pool_conn_ended(pool, conn, reason, now);
}
