/* The clients and the TLS process of asker.h. It must never be linked into a
 * program. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/dns/reader.h"

#include "asker.h"
#include "cache_room.h"

#define SERIALS 1000000

struct asker asker;

/* By the serial number of each client: whether it waits for a reply. */
static bool waits[SERIALS];

static void told(void);
static bool entry(const struct ipc_answer *, const uint8_t *, uint64_t);
static size_t write_question(uint8_t[512], const struct asker_question *);
static void read_reply(struct dns_answer *);

void
asker_up(bool cache)
{
	struct settings *s = &asker.settings;

	memset(s, 0, sizeof(*s));
	s->generation = 1;
	s->udp_size = 1232;
	s->ttl_max = 86400;
	s->ttl_negative = 3600;
	s->stale = 86400;
	s->nallow = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&s->allow[0], "127.0.0.0/8"));
	query_init(&asker.table, ASKER_START);
	query_present(&asker.table);
	asker.table.answers.on = cache;
	if (!cache)
		return;
	asker.memory = room_new(ASKER_CACHE_SIZE);
	room_attach(
	    &asker.table.answers.cache, asker.memory, ASKER_CACHE_SIZE, 1);
}

enum query_fate
asker_ask(const struct asker_question *q, uint64_t now)
{
	struct query_client client;
	enum query_fate fate;
	uint8_t msg[512];
	size_t len = write_question(msg, q);

	memset(&client, 0, sizeof(client));
	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	client.proto = IPC_UDP;
	client.serial = asker.asked++;
	ATF_REQUIRE(asker.asked < SERIALS);
	waits[client.serial] = true;
	fate = query_take(&asker.table, &asker.settings, &client, msg, len,
	    false, now, &asker.reply);
	ATF_REQUIRE(fate != QUERY_DROPPED);
	if (fate == QUERY_ANSWERED) {
		ATF_REQUIRE_EQ(client.serial, asker.reply.client.serial);
		ATF_REQUIRE(!asker.reply.was_in_flight);
		told();
	}
	return fate;
}

uint32_t
asker_flush(uint64_t now)
{
	struct ipc_message m = { .type = IPC_QUERIES };
	struct asker_sent *sent;
	enum query_filled filled;
	const uint8_t *name;
	struct ipc_query q;
	size_t offset = 0;

	asker.nsent = 0;
	while ((filled = query_fill(&asker.table, &asker.settings, now,
		    &asker.reply)) == QUERY_GIVEN_UP)
		told();
	ATF_REQUIRE_EQ(QUERY_ALL, filled);
	m.payload = asker.table.batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = asker.table.batch.len;
	while (ipc_query_next(&m, &offset, &q, &name) == 1) {
		ATF_REQUIRE(asker.nsent < 256);
		sent = &asker.sent[asker.nsent++];
		sent->id = q.id;
		sent->ask = q.ask;
		memcpy(sent->question.name, name, q.name_len);
		sent->question.name_len = q.name_len;
		sent->question.type = q.type;
		sent->question.class = q.class;
	}
	ipc_batch_init(&asker.table.batch, IPC_QUERIES);
	return asker.nsent;
}

bool
asker_says(const struct asker_sent *to, const struct asker_answer *answer,
    uint64_t now)
{
	struct ipc_answer a = { .id = to->id, .kind = IPC_ANSWERED };
	struct dns_writer w;
	uint8_t buf[4096];
	uint16_t i;

	dns_writer_init(&w, buf, sizeof(buf));
	dns_write_u16(&w, 99);
	dns_write_u16(
	    &w, DNS_QR | DNS_RD | DNS_RA | answer->flags | answer->rcode);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, answer->records);
	dns_write_u16(&w, answer->soa);
	dns_write_u16(&w, 0);
	dns_write_bytes(&w, to->question.name, to->question.name_len);
	dns_write_u16(&w, to->question.type);
	dns_write_u16(&w, to->question.class);
	for (i = 0; i < answer->records + answer->soa; i++) {
		dns_write_u16(&w, 0xc000 | DNS_HEADER_LEN);
		dns_write_u16(
		    &w, i < answer->records ? to->question.type : DNS_TYPE_SOA);
		dns_write_u16(&w, to->question.class);
		dns_write_u32(&w, answer->ttl);
		dns_write_u16(&w, i < answer->records ? 4 : 22);
		if (i < answer->records) {
			dns_write_u32(&w, 0xc0000200U + i);
			continue;
		}
		/* The root's SOA: two names, serial to expire, minimum. */
		dns_write_zeroes(&w, 2 + 16);
		dns_write_u32(&w, answer->minimum);
	}
	ATF_REQUIRE(!w.failed);
	a.len = (uint16_t)w.pos;
	return entry(&a, buf, now);
}

bool
asker_fails(const struct asker_sent *to, uint64_t now)
{
	struct ipc_answer a = { .id = to->id,
		.kind = IPC_FAILED,
		.len = 4,
		.ede = DNS_EDE_NETWORK_ERROR };

	return entry(&a, (const uint8_t *)"gone", now);
}

uint32_t
asker_expire(uint64_t now)
{
	uint32_t n = 0;

	while (query_expire(&asker.table, &asker.settings, now, &asker.reply)) {
		told();
		n++;
	}
	return n;
}

uint32_t
asker_stop(uint64_t now)
{
	uint32_t n = 0;

	while (query_stop(&asker.table, &asker.settings, now, &asker.reply)) {
		told();
		n++;
	}
	return n;
}

void
asker_fill(const struct asker_question *q, const struct asker_answer *answer,
    uint64_t now)
{
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(q, now));
	ATF_REQUIRE_EQ(1, asker_flush(now));
	ATF_REQUIRE(asker_says(&asker.sent[0], answer, now));
}

uint16_t
asker_rcode(void)
{
	return DNS_RCODE(asker_flags());
}

uint16_t
asker_flags(void)
{
	struct dns_answer answer;

	read_reply(&answer);
	return answer.flags;
}

uint16_t
asker_ede(void)
{
	struct dns_answer answer;

	read_reply(&answer);
	return answer.nede == 0 ? DNS_EDE_NONE : answer.ede[0].code;
}

/* Its owner is a pointer: two bytes, and type and class before the TTL. */
uint32_t
asker_ttl(void)
{
	struct dns_answer answer;
	struct dns_reader r;

	read_reply(&answer);
	ATF_REQUIRE(answer.ancount + answer.nscount > 0);
	dns_reader_init(&r, asker.reply.bytes, asker.reply.len);
	dns_read_skip(&r, (size_t)answer.answers + 6);
	return dns_read_u32(&r);
}

static void
told(void)
{
	uint32_t serial = asker.reply.client.serial;

	ATF_REQUIRE(serial < asker.asked);
	ATF_REQUIRE_MSG(waits[serial], "a second reply");
	ATF_REQUIRE(asker.reply.len >= DNS_HEADER_LEN);
	ATF_REQUIRE(asker.reply.len <= asker.settings.udp_size);
	ATF_REQUIRE_EQ(serial & 0xffff,
	    (uint32_t)(asker.reply.bytes[0] << 8 | asker.reply.bytes[1]));
	waits[serial] = false;
	asker.replied++;
}

static bool
entry(const struct ipc_answer *a, const uint8_t *body, uint64_t now)
{
	int r = query_answer(
	    &asker.table, &asker.settings, a, body, now, &asker.reply);

	ATF_REQUIRE(r >= 0);
	if (r == 1) {
		ATF_REQUIRE(asker.reply.was_in_flight);
		told();
	} else {
		asker.late++;
	}
	return r == 1;
}

/* The ID is the client's serial. */
static size_t
write_question(uint8_t buf[512], const struct asker_question *q)
{
	bool edns = q->edns || q->dnssec_ok;
	const char *at = q->name, *dot;
	struct dns_writer w;

	dns_writer_init(&w, buf, 512);
	dns_write_u16(&w, (uint16_t)asker.asked);
	dns_write_u16(&w, (q->norec ? 0 : DNS_RD) | q->flags);
	dns_write_u16(&w, 1);
	dns_write_u32(&w, 0);
	dns_write_u16(&w, edns);
	for (; (dot = strchr(at, '.')) != NULL; at = dot + 1) {
		dns_write_u8(&w, (uint8_t)(dot - at));
		dns_write_bytes(&w, at, (size_t)(dot - at));
	}
	dns_write_u8(&w, 0);
	dns_write_u16(&w, q->type == 0 ? DNS_TYPE_A : q->type);
	dns_write_u16(&w, q->class == 0 ? DNS_CLASS_IN : q->class);
	if (edns) {
		dns_write_u8(&w, 0);
		dns_write_u16(&w, DNS_TYPE_OPT);
		dns_write_u16(&w, 1232);
		dns_write_u16(&w, 0);
		dns_write_u16(&w, q->dnssec_ok ? 0x8000 : 0);
		dns_write_u16(&w, 0);
	}
	ATF_REQUIRE(!w.failed);
	return w.pos;
}

static void
read_reply(struct dns_answer *answer)
{
	ATF_REQUIRE(
	    dns_answer_read(answer, asker.reply.bytes, asker.reply.len));
}
