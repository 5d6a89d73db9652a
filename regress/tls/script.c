/* The script that a test of the pool is. */
#include "script.h"

struct script s;
static uint32_t nudp;

static bool op_open(void *, uint32_t, uint32_t, uint32_t);
static void op_close(void *, uint32_t);
static bool
op_write(void *, uint32_t, uint16_t, const struct dns_question *, uint8_t);
static void op_answer(void *, uint32_t, uint64_t, const uint8_t *, size_t);
static void op_fail(void *, uint32_t, uint64_t, uint16_t, const char *);
static void op_report(void *, uint32_t, uint32_t, enum reason);
static void op_health(void *, uint32_t, uint32_t, bool, enum reason);
static uint16_t op_random(void *);

void
begin(uint32_t upstreams, uint32_t addresses)
{
	static const struct pool_ops ops = { op_open, op_close, op_write,
		op_answer, op_fail, op_report, op_health, op_random };
	const struct siphash_key key = { 1, 2 };

	struct conf_zone kept[CONF_ZONES_MAX];
	uint32_t n = s.pool == NULL ? s.nzone : 0;

	memcpy(kept, s.zone, sizeof(kept));
	if (s.pool != NULL)
		pool_free(s.pool);
	memset(&s, 0, sizeof(s));
	memcpy(s.zone, kept, sizeof(kept));
	s.nzone = n;
	memset(counter_value, 0, sizeof(counter_value));
	s.now = 1000;
	s.next_id = 7;
	s.pool = pool_new(&ops, NULL, &key, POOL_CONNS);
	ATF_REQUIRE(s.pool != NULL);
	configure(upstreams, addresses, NULL);
}

void
begin_plain(uint32_t upstreams, uint32_t addresses)
{
	nudp = addresses;
	begin(upstreams, 2 * addresses);
}

void
begin_up(void)
{
	begin(1, 1);
	ask(0, 1, "first.example.");
	turn();
	up(0);
	answer_to(0);
	ATF_REQUIRE_EQ(1, s.nanswered);
}

void
configure(uint32_t upstreams, uint32_t addresses, const uint32_t *was)
{
	static struct pool_upstream u[CONF_UPSTREAMS_MAX];
	uint32_t i, k;

	if (s.nzone <= 1) {
		s.nzone = 1;
		s.zone[0].name_len = 1;
		s.zone[0].nupstream = upstreams;
		for (i = 0; i < upstreams; i++)
			s.zone[0].upstream[i] = (uint8_t)i;
	}
	for (i = 0; i < upstreams; i++) {
		(void)snprintf(u[i].name, sizeof(u[i].name), "u%u", i);
		u[i].naddress = addresses;
		u[i].nudp = nudp;
		for (k = 0; k < addresses; k++) {
			u[i].was_upstream[k] =
			    was == NULL ? UINT32_MAX : was[i];
			u[i].was_address[k] = k;
		}
	}
	pool_configure(s.pool, u, upstreams, s.zone, s.nzone, s.now);
}

void
zone(const char *name, enum conf_policy policy, uint32_t nupstream,
    const uint8_t *upstream)
{
	struct dns_question q = question_of(name);
	struct conf_zone *z = &s.zone[s.nzone++];

	memcpy(z->name, q.name, q.name_len);
	z->name_len = q.name_len;
	z->policy = policy;
	z->nupstream = nupstream;
	memcpy(z->upstream, upstream, nupstream);
}

void
ask(uint32_t worker, uint64_t id, const char *name)
{
	struct dns_question q = question_of(name);

	pool_ask(s.pool, worker, id, &q, DNS_ASK_RD, s.now);
}

uint64_t
turn(void)
{
	return pool_turn(s.pool, s.now);
}

void
later(uint64_t ms)
{
	s.now += ms;
	(void)turn();
}

void
up(uint32_t conn)
{
	pool_conn_connected(s.pool, conn, s.now);
	pool_conn_up(s.pool, conn, s.now);
	(void)turn();
}

void
end(uint32_t conn, enum reason reason)
{
	pool_conn_ended(s.pool, conn, reason, s.now);
	(void)turn();
}

void
answer_to(size_t n)
{
	ATF_REQUIRE(n < s.nwritten);
	ATF_CHECK(say(s.written[n].conn, s.written[n].id,
	    &s.written[n].question, DNS_QR));
}

bool
say(uint32_t conn, uint16_t id, const struct dns_question *q, uint16_t flags)
{
	uint8_t msg[512];
	size_t len;

	len = dns_upstream_query_write(msg, sizeof(msg), id, q, 0, 0);
	msg[2] |= (uint8_t)(flags >> 8);
	msg[3] |= (uint8_t)flags;
	return pool_conn_message(s.pool, conn, msg, len, s.now);
}

bool
is_probe(size_t n)
{
	return s.written[n].question.name_len == 1;
}

void
fresh(void)
{
	static uint64_t id = 1000;
	char name[32];

	(void)snprintf(name, sizeof(name), "q%u.example.", (unsigned int)id);
	ask(0, id++, name);
}

void
flow(size_t n)
{
	size_t opened;

	for (; n > 0; n--) {
		opened = s.nopened;
		fresh();
		s.now++;
		answer_to(s.nwritten - 1);
		later(9);
		if (is_probe(s.nwritten - 1))
			answer_to(s.nwritten - 1);
		for (; opened < s.nopened; opened++)
			up(s.opened[opened]);
		s.nanswered = 0;
	}
}

struct dns_question
question_of(const char *name)
{
	struct dns_question q;
	size_t label;

	memset(&q, 0, sizeof(q));
	for (; *name != '\0'; name += label + 1) {
		label = strcspn(name, ".");
		q.name[q.name_len++] = (uint8_t)label;
		memcpy(&q.name[q.name_len], name, label);
		q.name_len += label;
	}
	q.name_len++;
	q.type = DNS_TYPE_A;
	q.class = DNS_CLASS_IN;
	return q;
}

static bool
op_open(void *ctx, uint32_t conn, uint32_t upstream, uint32_t address)
{
	(void)ctx;
	if (s.no_socket)
		return false;
	ATF_REQUIRE(s.nopened < OPENED);
	s.upstream_of[conn] = upstream;
	s.opened[s.nopened] = conn;
	s.opened_upstream[s.nopened] = upstream;
	s.opened_address[s.nopened++] = address;
	return true;
}

static void
op_close(void *ctx, uint32_t conn)
{
	(void)ctx;
	ATF_REQUIRE(s.nclosed < OPENED);
	s.closed[s.nclosed++] = conn;
}

static bool
op_write(void *ctx, uint32_t conn, uint16_t id,
    const struct dns_question *question, uint8_t asked)
{
	(void)ctx;
	(void)asked;
	if (s.no_room)
		return false;
	ATF_REQUIRE(s.nwritten < WRITES);
	s.written[s.nwritten].conn = conn;
	s.written[s.nwritten].upstream = s.upstream_of[conn];
	s.written[s.nwritten].id = id;
	s.written[s.nwritten++].question = *question;
	return true;
}

static void
op_answer(
    void *ctx, uint32_t worker, uint64_t id, const uint8_t *msg, size_t len)
{
	(void)ctx;
	ATF_REQUIRE(len >= DNS_HEADER_LEN);
	s.flags = (uint16_t)(msg[2] << 8 | msg[3]);
	s.rcode = s.flags & 0xf;
	if (s.quiet)
		return;
	ATF_REQUIRE(s.nanswered < ANSWERS);
	s.answered[s.nanswered] = id;
	s.answered_worker[s.nanswered++] = worker;
}

static void
op_fail(void *ctx, uint32_t worker, uint64_t id, uint16_t ede, const char *text)
{
	(void)ctx;
	(void)worker;
	if (s.nfailed < 64)
		s.failed[s.nfailed] = id;
	s.nfailed++;
	s.ede = ede;
	(void)snprintf(s.text, sizeof(s.text), "%s", text);
}

static void
op_report(void *ctx, uint32_t upstream, uint32_t address, enum reason reason)
{
	(void)ctx;
	(void)upstream;
	(void)address;
	s.reported = reason;
}

static void
op_health(void *ctx, uint32_t upstream, uint32_t address, bool suspect,
    enum reason reason)
{
	(void)ctx;
	(void)reason;
	if (suspect)
		s.suspected++;
	else
		s.cured++;
	s.health_upstream = upstream;
	s.health_address = address;
}

static uint16_t
op_random(void *ctx)
{
	(void)ctx;
	return s.next_id++;
}
