/*
 * Many random operations on the table and its cache, against a plain array of
 * what should be known; and with the memory scribbled on meanwhile.
 */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "asker.h"
#include "cache_room.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define NAMES	   12
#define KINDS	   (NAMES * 4) /* with and without DO, and CD */
#define IN_FLIGHT  16
#define STALE	   5 /* seconds */
#define OPERATIONS 300000
#define SCRIBBLES  150000

/* What should be known of a question. */
static struct known {
	bool there;
	uint64_t stored;
	uint32_t ttl;
} known[KINDS];

/* What upstreams have not answered yet. */
static struct flight {
	struct asker_sent sent;
	uint32_t kind;
} flight[IN_FLIGHT];
static uint32_t nflight;

static uint64_t seed = 20260101, now;
static uint32_t hits, stales, fails, expired;

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(room_random(&seed) % n);
}

static struct asker_question
question_of(uint32_t kind, char name[16])
{
	struct asker_question q = { .name = name, .edns = true };

	(void)snprintf(name, 16, "n%u.example.", kind / 4 % NAMES);
	q.dnssec_ok = (kind & 1) != 0;
	q.flags = (kind & 2) != 0 ? DNS_CD : 0;
	return q;
}

/* The other way around, of what goes upstream. */
static uint32_t
kind_of(const struct asker_sent *sent)
{
	const uint8_t *name = sent->question.name;
	uint32_t n = 0;
	uint8_t i;

	for (i = 2; i <= name[0]; i++)
		n = n * 10 + name[i] - '0';
	ATF_REQUIRE(n < NAMES);
	return n * 4 + ((sent->ask & DNS_ASK_DO) != 0) +
	    2 * ((sent->ask & DNS_ASK_CD) != 0);
}

/* What was answered at once must be what is known, with the time it has left;
 * and what is known must be answered at once. */
static void
check(enum query_fate fate, const struct known *k, bool norec)
{
	bool is_fresh = k->there && now < k->stored + k->ttl * 1000ULL;
	bool is_hit = fate == QUERY_ANSWERED && asker_rcode() == DNS_NOERROR &&
	    asker_ede() == DNS_EDE_NONE;

	ATF_REQUIRE_EQ_MSG(is_fresh, is_hit, "at %ju", (uintmax_t)now);
	if (is_hit) {
		ATF_REQUIRE_EQ(k->ttl - (now - k->stored) / 1000, asker_ttl());
		hits++;
	} else if (fate == QUERY_ANSWERED) {
		switch (asker_rcode()) {
		case DNS_NOERROR:
			ATF_REQUIRE_EQ(DNS_EDE_STALE, asker_ede());
			ATF_REQUIRE(k->there &&
			    now < k->stored + (k->ttl + STALE) * 1000ULL);
			stales++;
			break;
		case DNS_SERVFAIL:
			ATF_REQUIRE_EQ(DNS_EDE_CACHED_ERROR, asker_ede());
			fails++;
			break;
		default:
			ATF_REQUIRE_EQ(DNS_REFUSED, asker_rcode());
			ATF_REQUIRE(norec);
		}
	}
}

static void
ask(bool is_whole)
{
	uint32_t kind = below(KINDS);
	struct asker_question q;
	enum query_fate fate;
	char name[16];

	q = question_of(kind, name);
	q.norec = below(8) == 0;
	if (below(4) == 0)
		q.flags |= DNS_AD;
	fate = asker_ask(&q, now);
	if (is_whole)
		check(fate, &known[kind], q.norec);
}

static void
flush(void)
{
	uint32_t i;

	/* The others are lost on the way. */
	(void)asker_flush(now);
	for (i = 0; i < asker.nsent && nflight < IN_FLIGHT; i++) {
		flight[nflight].sent = asker.sent[i];
		flight[nflight++].kind = kind_of(&asker.sent[i]);
	}
}

static void
say(void)
{
	struct asker_answer a = { .records = 1, .ttl = below(30) };
	struct flight f;
	uint32_t i, was = asker.late;

	if (nflight == 0)
		return;
	i = below(nflight);
	f = flight[i];
	flight[i] = flight[--nflight];
	switch (below(8)) {
	case 0:
		(void)asker_fails(&f.sent, now);
		return;
	case 1:
		a = (struct asker_answer){ .rcode = DNS_SERVFAIL };
		break;
	case 2:
		a.flags = DNS_TC;
		break;
	default:
		break;
	}
	i = asker.table.nused;
	(void)asker_says(&f.sent, &a, now);
	/* It was still waited for, if by the cache alone. */
	if (was == asker.late || i != asker.table.nused)
		if (a.rcode == DNS_NOERROR && a.flags == 0)
			known[f.kind] =
			    (struct known){ a.ttl != 0, now, a.ttl };
}

static void
step(bool is_whole)
{
	switch (below(10)) {
	case 0:
		now += below(below(16) == 0 ? 20000 : 500);
		expired += asker_expire(now);
		break;
	case 1:
		flush();
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		say();
		break;
	default:
		now += below(20);
		ask(is_whole);
	}
	ATF_REQUIRE(asker.table.nclients <= asker.table.nused);
	ATF_REQUIRE_EQ(asker.asked - asker.replied, asker.table.nclients);
}

static void
expect_empty(void)
{
	(void)asker_stop(UINT64_MAX);
	ATF_CHECK_EQ(asker.asked, asker.replied);
	ATF_CHECK_EQ(0, asker.table.nused);
	ATF_CHECK_EQ(0, asker.table.nclients);
	ATF_CHECK_EQ(0, asker.table.nwaiting);
}

CASE(what_is_told_is_what_a_plain_array_knows)
{
	uint32_t i;

	(void)tc;
	asker_up(true);
	asker.settings.stale = STALE;
	now = ASKER_START;
	for (i = 0; i < OPERATIONS; i++)
		step(true);
	expect_empty();
	printf("%u asked, %u hits, %u stale, %u failed, %u expired\n",
	    asker.asked, hits, stales, fails, expired);
	/* All of it has been. */
	ATF_CHECK(hits > 1000);
	ATF_CHECK(stales > 100);
	ATF_CHECK(fails > 100);
	ATF_CHECK(expired > 100);
}

/* Anything anywhere, and often in the one shard's head and in front of its
 * index. The lock is let go, or nothing would be written any more. */
static void
scribble(void)
{
	uint8_t *memory = asker.memory;
	uint64_t word = room_random(&seed);
	size_t at;
	int i;

	for (i = 0; i < 8; i++) {
		at = below(3) == 0 ? below(128) : below(ASKER_CACHE_SIZE - 8);
		if (below(2) == 0)
			memory[at] ^= (uint8_t)(1 << below(8));
		else
			memcpy(memory + at, &word, 1 + below(8));
	}
	memset(memory, 0, sizeof(uint32_t));
}

/* Entries lie where they are written: near the beginning of a ring. So what
 * has been written is found, and is what is scribbled on. */
static void
scribble_on_entries(void)
{
	static const uint8_t name[] = "\7example";
	uint8_t *memory = asker.memory, *found;
	int i;

	found = memmem(memory, ASKER_CACHE_SIZE, name, sizeof(name));
	for (i = 0; i < 3 && found != NULL; i++) {
		if ((size_t)(found - memory) > 256 &&
		    (size_t)(found - memory) < ASKER_CACHE_SIZE - 256)
			found[(int)below(256) - 64] = (uint8_t)below(256);
		found++;
		found =
		    memmem(found, ASKER_CACHE_SIZE - (size_t)(found - memory),
			name, sizeof(name));
	}
}

CASE(whatever_the_memory_holds_each_question_gets_one_reply)
{
	uint32_t i;

	(void)tc;
	asker_up(true);
	now = ASKER_START;
	for (i = 0; i < SCRIBBLES; i++) {
		step(false);
		if (below(64) == 0)
			scribble_on_entries();
		/* Now and then for a while, so that it is filled between. */
		if (i % 8192 > 6144)
			scribble();
	}
	expect_empty();
	ATF_CHECK(asker.asked > SCRIBBLES / 3);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_told_is_what_a_plain_array_knows);
	ATF_TP_ADD_TC(
	    tp, whatever_the_memory_holds_each_question_gets_one_reply);
	return atf_no_error();
}
