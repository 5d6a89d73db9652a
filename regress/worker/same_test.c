/* What a miss tells a hit tells: of whatever answer, to whatever client, byte
 * for byte, but for AA. */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "dotproxy/counter.h"
#include "unpriv/dns/reader.h"
#include "unpriv/worker/query.h"

#include "cache_room.h"

#define NOW	   ((uint64_t)1000000)
#define CACHE_SIZE ((size_t)1 << 20)
#define Z	   0x0040 /* of the header; RFC 1035 4.1.1 */
#define TRIES	   60000
#define LIMIT	   1232 /* `udp size` */

/* How one client asks. */
struct asking {
	uint16_t id, flags, size;
	uint32_t opt; /* the OPT's TTL: extended rcode, version, flags */
	bool edns, tcp;
};

static struct query_table table;
static struct settings settings;
static struct query_reply missed, hit;
static uint8_t answer[DNS_MESSAGE_MAX];
static uint64_t seed = 20260202;
static void *memory;

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(room_random(&seed) % n);
}

static void
set_up(void)
{
	memset(&settings, 0, sizeof(settings));
	settings.generation = 1;
	settings.udp_size = LIMIT;
	settings.ttl_max = 86400;
	settings.ttl_negative = 3600;
	settings.nallow = 1;
	ATF_REQUIRE(netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8"));
	query_init(&table, NOW);
	query_present(&table);
	memory = room_new(CACHE_SIZE);
	table.answers.on = true;
	room_attach(&table.answers.cache, memory, CACHE_SIZE, 1);
}

/* In letters of either case: the n-th name. */
static void
write_name(struct dns_writer *w, uint32_t n)
{
	int i;

	dns_write_u8(w, 8);
	for (i = 0; i < 8; i++, n /= 26)
		dns_write_u8(
		    w, (uint8_t)((below(2) != 0 ? 'a' : 'A') + n % 26));
	dns_write_u8(w, 0);
}

static enum query_fate
ask(const struct asking *a, uint32_t n, struct query_reply *reply)
{
	struct query_client client = { .proto = a->tcp ? IPC_TCP : IPC_UDP };
	struct dns_writer w;
	uint8_t msg[512];

	ATF_REQUIRE(netaddr_parse(&client.address, "127.0.0.1"));
	dns_writer_init(&w, msg, sizeof(msg));
	dns_write_u16(&w, a->id);
	dns_write_u16(&w, a->flags);
	dns_write_u16(&w, 1);
	dns_write_u32(&w, 0);
	dns_write_u16(&w, a->edns);
	write_name(&w, n);
	dns_write_u16(&w, DNS_TYPE_TXT);
	dns_write_u16(&w, DNS_CLASS_IN);
	if (a->edns) {
		dns_write_u8(&w, 0);
		dns_write_u16(&w, DNS_TYPE_OPT);
		dns_write_u16(&w, a->size);
		dns_write_u32(&w, a->opt);
		dns_write_u16(&w, 0);
	}
	ATF_REQUIRE(!w.failed);
	return query_take(
	    &table, &settings, &client, msg, w.pos, false, NOW, reply);
}

/* An answer of size bytes and a glue record, with such flags. */
static uint16_t
write_answer(const struct dns_question *question, uint16_t flags, uint16_t size)
{
	struct dns_writer w;
	size_t left;

	dns_writer_init(&w, answer, sizeof(answer));
	dns_write_u16(&w, 7);
	dns_write_u16(&w, DNS_QR | flags);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, 1);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, 1);
	dns_write_bytes(&w, question->name, question->name_len);
	dns_write_u16(&w, question->type);
	dns_write_u16(&w, question->class);
	dns_write_u16(&w, 0xc000 | DNS_HEADER_LEN);
	dns_write_u16(&w, DNS_TYPE_TXT);
	dns_write_u16(&w, DNS_CLASS_IN);
	dns_write_u32(&w, 300);
	left = size - w.pos - 2;
	dns_write_u16(&w, (uint16_t)left);
	dns_write_zeroes(&w, left);
	dns_write_u16(&w, 0xc000 | DNS_HEADER_LEN);
	dns_write_u16(&w, DNS_TYPE_A);
	dns_write_u16(&w, DNS_CLASS_IN);
	dns_write_u32(&w, 300);
	dns_write_u16(&w, 4);
	dns_write_u32(&w, 0xc0000201);
	ATF_REQUIRE(!w.failed);
	return (uint16_t)w.pos;
}

/* The TLS process answers what was asked last. */
static void
say(uint16_t flags, uint16_t size)
{
	struct ipc_message m = { .type = IPC_QUERIES };
	struct ipc_answer a = { .kind = IPC_ANSWERED };
	struct dns_question question;
	const uint8_t *name;
	struct ipc_query q;
	size_t offset = 0;

	ATF_REQUIRE_EQ(QUERY_ALL, query_fill(&table, &settings, NOW, &missed));
	m.payload = table.batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = table.batch.len;
	ATF_REQUIRE_EQ(1, ipc_query_next(&m, &offset, &q, &name));
	memcpy(question.name, name, q.name_len);
	question.name_len = q.name_len;
	question.type = q.type;
	question.class = q.class;
	ipc_batch_init(&table.batch, IPC_QUERIES);
	a.id = q.id;
	a.len = write_answer(&question, flags, size);
	ATF_REQUIRE_EQ(
	    1, query_answer(&table, &settings, &a, answer, NOW, &missed));
}

/* Sizes around those where less is told: some with an OPT of ours, some
 * without, with the glue and without. */
static uint16_t
some_size(void)
{
	static const uint16_t limits[] = { 512, 600, LIMIT };

	return (uint16_t)(limits[below(3)] - 40 + below(60));
}

static void
some_asking(struct asking *a)
{
	static const uint16_t sizes[] = { 0, 511, 512, 600, LIMIT, 4096,
		65535 };
	static const uint16_t flags[] = { DNS_AD, DNS_CD, DNS_AA, DNS_RA, Z };
	size_t i;

	memset(a, 0, sizeof(*a));
	a->id = (uint16_t)below(65536);
	a->flags = DNS_RD;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (below(3) == 0)
			a->flags |= flags[i];
	a->tcp = below(4) == 0;
	a->edns = below(4) != 0;
	a->size = sizes[below(sizeof(sizes) / sizeof(sizes[0]))];
	if (below(3) == 0)
		a->opt |= 0x8000; /* DO */
	if (below(3) == 0)
		a->opt |= below(0x8000); /* its Z */
}

ATF_TC_WITHOUT_HEAD(what_a_miss_tells_a_hit_tells);
ATF_TC_BODY(what_a_miss_tells_a_hit_tells, tc)
{
	static const uint16_t flags[] = { DNS_AA, DNS_AD, DNS_CD, DNS_RA, Z };
	uint32_t n, i, exact = 0, cut = 0;
	uint16_t said;
	struct asking a;

	(void)tc;
	set_up();
	for (n = 0; n < TRIES; n++) {
		some_asking(&a);
		said = DNS_RD;
		for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			if (below(2) == 0)
				said |= flags[i];
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, ask(&a, n, &missed));
		say(said, some_size());
		/* As often as not in other letters, which are its own. */
		a.id = (uint16_t)(missed.bytes[0] << 8 | missed.bytes[1]);
		ATF_REQUIRE_EQ(QUERY_ANSWERED, ask(&a, n, &hit));
		ATF_REQUIRE_EQ(missed.len, hit.len);
		ATF_REQUIRE(missed.len <= DNS_MESSAGE_MAX);
		missed.bytes[2] &= (uint8_t) ~(DNS_AA >> 8);
		for (i = 0; i < 9; i++) {
			ATF_REQUIRE_EQ(missed.bytes[DNS_HEADER_LEN + i] | 0x20,
			    hit.bytes[DNS_HEADER_LEN + i] | 0x20);
			missed.bytes[DNS_HEADER_LEN + i] =
			    hit.bytes[DNS_HEADER_LEN + i];
		}
		ATF_REQUIRE_EQ(0, memcmp(missed.bytes, hit.bytes, hit.len));
		ATF_REQUIRE_EQ(0, hit.bytes[3] & Z);
		exact += !a.tcp && hit.len == LIMIT;
		cut += (hit.bytes[2] & (DNS_TC >> 8)) != 0;
	}
	printf("%u of the exact limit, %u truncated\n", exact, cut);
	ATF_CHECK(exact > 100);
	ATF_CHECK(cut > 1000);
}

ATF_TC_WITHOUT_HEAD(what_an_upstream_cut_off_is_told_so_and_asked_again);
ATF_TC_BODY(what_an_upstream_cut_off_is_told_so_and_asked_again, tc)
{
	struct asking a;
	uint32_t n;

	(void)tc;
	set_up();
	for (n = 0; n < 1000; n++) {
		some_asking(&a);
		ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, ask(&a, 4711, &missed));
		say(DNS_RD | DNS_RA | DNS_TC, 100);
		ATF_REQUIRE((missed.bytes[2] & (DNS_TC >> 8)) != 0);
	}
}

ATF_TC_WITHOUT_HEAD(of_another_edns_version_nothing_is_told_but_that);
ATF_TC_BODY(of_another_edns_version_nothing_is_told_but_that, tc)
{
	struct asking a = { .id = 1, .flags = DNS_RD, .size = LIMIT };

	(void)tc;
	set_up();
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, ask(&a, 4711, &missed));
	say(DNS_RD | DNS_RA, 100);
	a.edns = true;
	a.opt = 1 << 16;
	/* Of what is known and of what is not. */
	ATF_REQUIRE_EQ(QUERY_ANSWERED, ask(&a, 4711, &hit));
	ATF_REQUIRE_EQ(QUERY_ANSWERED, ask(&a, 4712, &missed));
	ATF_CHECK_EQ(2, counter_value[COUNTER_queries_badvers]);
	ATF_REQUIRE_EQ(missed.len, hit.len);
	ATF_CHECK_EQ(0, memcmp(missed.bytes, hit.bytes, DNS_HEADER_LEN));
	ATF_CHECK_EQ(0, hit.bytes[7]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_a_miss_tells_a_hit_tells);
	ATF_TP_ADD_TC(tp, what_an_upstream_cut_off_is_told_so_and_asked_again);
	ATF_TP_ADD_TC(tp, of_another_edns_version_nothing_is_told_but_that);
	return atf_no_error();
}
