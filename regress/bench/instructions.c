/*
 * The worker's part of a question in a loop, for callgrind to count: the same
 * names over and over, without a socket, a clock or another process.
 *
 *	instructions hit|miss rounds
 *
 * hit: what was answered once is asked again, and must be answered at once
 * (else it exits 3: nothing here remembers). miss: asked, batched for the
 * TLS process, answered by it.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dotproxy/special.h"
#include "unpriv/dns/reader.h"
#include "unpriv/worker/query.h"

#define NAMES  1000
#define NOW    1000 /* ms */
#define NOHITS 3
#define OPT    11 /* bytes */

/* Of the same length all, so that none takes more than another. */
#define ASKED_MAX 64

static void set_up(void);
static size_t ask(unsigned int, uint8_t *);
static enum query_fate take(const uint8_t *, size_t);
static void answer_one(const uint8_t *, size_t);
static size_t answer_of(uint8_t *, size_t, const uint8_t *, size_t);
static uint64_t batched(void);

static struct query_table table;
static struct settings settings;
static struct query_client client;
static struct query_reply reply;

int
main(int argc, char *argv[])
{
	static uint8_t known[NAMES][ASKED_MAX];
	unsigned int i, rounds;
	static uint8_t fresh[ASKED_MAX];
	uint8_t *msg;
	size_t len = 0;
	bool hit;

	if (argc != 3)
		errx(2, "usage: instructions hit|miss rounds");
	hit = strcmp(argv[1], "hit") == 0;
	rounds = (unsigned int)atoi(argv[2]);
	set_up();
	for (i = 0; hit && i < NAMES; i++) {
		len = ask(i, known[i]);
		if (take(known[i], len) == QUERY_IN_FLIGHT)
			answer_one(known[i], len);
	}
	for (i = 0; i < rounds; i++) {
		msg = hit ? known[i % NAMES] : fresh;
		if (!hit)
			len = ask(NAMES + i, msg);
		if (take(msg, len) == QUERY_ANSWERED)
			continue;
		if (hit)
			return NOHITS;
		answer_one(msg, len);
	}
	return 0;
}

static void
set_up(void)
{
	const struct siphash_key key = { 1, 2 };
	void *memory;

	settings.udp_size = 1232;
	settings.special = SPECIAL_DEFAULT;
	settings.nallow = 1;
	if (!netaddr_parse_prefix(&settings.allow[0], "127.0.0.0/8") ||
	    !netaddr_parse(&client.address, "127.0.0.1"))
		errx(1, "netaddr");
	client.proto = IPC_UDP;
	query_init(&table, NOW);
	query_present(&table);
	settings.ttl_max = CONF_TTL_MAX;
	memory = mmap(NULL, CONF_CACHE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED ||
	    cache_attach(
		&table.answers.cache, memory, CONF_CACHE_SIZE, &key, 1) == -1)
		err(1, "cache");
	table.answers.on = true;
}

/* As a stub asks: RD, and an OPT that says 1232 bytes. */
static size_t
ask(unsigned int number, uint8_t *msg)
{
	uint8_t label[8] = { 7, 'n' };
	struct dns_writer w;
	int i;

	for (i = 7; i > 1; i--, number /= 10)
		label[i] = (uint8_t)('0' + number % 10);
	dns_writer_init(&w, msg, ASKED_MAX);
	dns_write_u16(&w, 7);
	dns_write_u16(&w, DNS_RD);
	dns_write_u32(&w, 1u << 16);
	dns_write_u32(&w, 1);
	dns_write_bytes(&w, label, sizeof(label));
	dns_write_bytes(&w, "\7example\3org", 13);
	dns_write_u32(&w, 1u << 16 | 1);
	dns_write_bytes(&w, "\0\0\51\4\320\0\0\0\0\0\0", OPT);
	return w.pos;
}

static enum query_fate
take(const uint8_t *msg, size_t len)
{
	enum query_fate fate;

	fate = query_take(
	    &table, &settings, &client, msg, len, false, NOW, &reply);
	if (fate == QUERY_DROPPED)
		errx(1, "dropped");
	return fate;
}

static void
answer_one(const uint8_t *msg, size_t len)
{
	struct ipc_answer a = { .kind = IPC_ANSWERED };
	uint8_t buf[512];

	if (query_fill(&table, &settings, NOW, &reply) != QUERY_ALL)
		errx(1, "query_fill");
	a.id = batched();
	ipc_batch_init(&table.batch, IPC_QUERIES);
	a.len = (uint16_t)answer_of(buf, sizeof(buf), msg, len);
	if (query_answer(&table, &settings, &a, buf, NOW, &reply) != 1)
		errx(1, "query_answer");
}

/* One A record, good for an hour, and an OPT. */
static size_t
answer_of(uint8_t *buf, size_t cap, const uint8_t *msg, size_t len)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 14, 16, 0,
		4, 192, 0, 2, 1 };
	struct dns_writer w;

	dns_writer_init(&w, buf, cap);
	dns_write_u16(&w, 0);
	dns_write_u16(&w, DNS_QR | DNS_RD | DNS_RA);
	dns_write_u32(&w, 1u << 16 | 1);
	dns_write_u32(&w, 1);
	dns_write_bytes(&w, msg + 12, len - OPT - 12);
	dns_write_bytes(&w, record, sizeof(record));
	dns_write_bytes(&w, msg + len - OPT, OPT);
	return w.pos;
}

/* The id of the question that was just put into the batch. */
static uint64_t
batched(void)
{
	struct ipc_message m = { .type = IPC_QUERIES, .fd = -1 };
	const uint8_t *name;
	struct ipc_query q;
	size_t offset = 0;

	m.payload = table.batch.buffer.bytes + sizeof(struct ipc_header);
	m.len = table.batch.len;
	if (ipc_query_next(&m, &offset, &q, &name) != 1)
		errx(1, "nothing was asked");
	return q.id;
}
