/* What holds of every answer that is stored, and of every scribble there. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "unpriv/dns/reader.h"
#include "unpriv/dns/record.h"
#include "unpriv/dns/stored.h"

#define HOLDS(what, sentence)                                                  \
	do {                                                                   \
		if (!(what))                                                   \
			return sentence;                                       \
	} while (0)

#define STORED_MAX (2 * DNS_MESSAGE_MAX)

static const struct dns_storable as_it_is = { DNS_POSITIVE, 0, UINT32_MAX };

static void without_high_ttls(uint8_t *, const struct dns_answer *);
static const char *check_same(const uint8_t *, size_t,
    const struct dns_answer *, const uint8_t *, size_t, unsigned int);
static const char *check_aged(const uint8_t *, size_t,
    const struct dns_answer *, const uint8_t *, size_t);

const char *
check_stored(const uint8_t *msg, size_t len)
{
	static uint8_t copy[DNS_MESSAGE_MAX], stored[STORED_MAX];
	const char *broken = NULL;
	struct dns_answer a;
	size_t stored_len, cap;
	unsigned int way;

	if (!dns_answer_read(&a, msg, len))
		return NULL;
	memcpy(copy, msg, len);
	copy[2] &= 0xfb; /* AA */
	without_high_ttls(copy, &a);
	/* A name may have been made of the bytes of a TTL. */
	if (!dns_answer_read(&a, copy, len))
		return NULL;
	stored_len =
	    dns_stored_write(stored, sizeof(stored), copy, &a, &as_it_is);
	/* Names in full behind the OPT: too much for any client. */
	if (stored_len == 0)
		return a.opt != 0 && a.opt_end < a.end
		    ? NULL
		    : "what is read can be stored";
	for (cap = 0; cap < stored_len; cap += 1 + stored_len / 64)
		HOLDS(dns_stored_write(stored, cap, copy, &a, &as_it_is) == 0,
		    "what is stored is not longer than its place");
	dns_stored_write(stored, sizeof(stored), copy, &a, &as_it_is);
	for (way = 0; way < CHECK_WAYS && broken == NULL; way++)
		broken = check_same(copy, len, &a, stored, stored_len, way);
	if (broken == NULL)
		broken = check_aged(copy, len, &a, stored, stored_len);
	return broken;
}

/* The sanitizer sees what is read beyond the one and written beyond the
 * other. */
const char *
check_scribble(const uint8_t *stored, size_t len)
{
	static const uint8_t text[] = "stale";
	const struct dns_ede ede = { DNS_EDE_STALE, 5, text };
	const struct dns_stored_now now[2] = { { 100, 0, NULL },
		{ 0, 30, &ede } };
	struct dns_answer a = { 0 };
	struct dns_query query;
	struct dns_reply reply;
	uint8_t *exact = malloc(len > 0 ? len : 1), *buf;
	const char *broken = NULL;
	unsigned int way;
	size_t out, cap;

	if (exact == NULL)
		abort();
	if (len > 0)
		memcpy(exact, stored, len);
	a.question.name_len = len > 1 && stored[1] != 0 ? stored[1] : 1;
	for (way = 0; way < CHECK_WAYS && broken == NULL; way += 3) {
		check_way(&query, &reply, &a, len, way);
		cap = way % 5 == 0 ? len / 2 : reply.limit;
		buf = malloc(cap > 0 ? cap : 1);
		if (buf == NULL)
			abort();
		out = dns_stored_tell(
		    buf, cap, exact, len, &now[way & 1], &query, &reply);
		if (out > cap || out > reply.limit)
			broken = "a scribble is told within cap and limit";
		else if (out > 0 && (buf[0] << 8 | buf[1]) != query.id)
			broken = "a scribble is told with the client's ID";
		else if (out > 0 &&
		    memcmp(buf + DNS_HEADER_LEN, query.question.name,
			query.question.name_len) != 0)
			broken = "a scribble is told with the client's name";
		free(buf);
	}
	query.question.name_len ^= 1;
	if (broken == NULL &&
	    dns_stored_tell(NULL, 0, exact, len, &now[0], &query, &reply) != 0)
		broken = "a name of another length is not told";
	free(exact);
	return broken;
}

/* RFC 2181 8, in the message itself. */
static void
without_high_ttls(uint8_t *msg, const struct dns_answer *a)
{
	struct dns_reader r;
	struct dns_record record;

	dns_reader_init(&r, msg, a->end);
	dns_read_skip(&r, a->answers);
	while (!r.failed && dns_reader_left(&r) > 0) {
		dns_record_read(&record, &r);
		if (!r.failed && record.type != DNS_TYPE_OPT &&
		    (record.ttl & 0x80000000) != 0)
			memset(msg + record.fixed + 4, 0, 4);
	}
}

static const char *
check_same(const uint8_t *msg, size_t len, const struct dns_answer *a,
    const uint8_t *stored, size_t stored_len, unsigned int way)
{
	static uint8_t want[DNS_MESSAGE_MAX], got[DNS_MESSAGE_MAX];
	const struct dns_stored_now now = { 0, 0, NULL };
	struct dns_query query;
	struct dns_reply reply;
	size_t want_len, got_len;

	check_way(&query, &reply, a, len, way);
	want_len = dns_answer_write(want, sizeof(want), msg, a, &query, &reply);
	got_len = dns_stored_tell(
	    got, sizeof(got), stored, stored_len, &now, &query, &reply);
	HOLDS(got_len == want_len && memcmp(got, want, got_len) == 0,
	    "what is stored is told as what was just read, but for AA");
	HOLDS(dns_stored_tell(got, got_len - 1, stored, stored_len, &now,
		  &query, &reply) == 0 ||
		reply.limit < got_len,
	    "nothing is told into too small a buffer");
	return NULL;
}

/* Nothing but TTLs is other than it was, and each is as it must be. */
static const char *
check_aged(const uint8_t *msg, size_t len, const struct dns_answer *a,
    const uint8_t *stored, size_t stored_len)
{
	static uint8_t want[DNS_MESSAGE_MAX], got[DNS_MESSAGE_MAX];
	const struct dns_stored_now now[2] = { { 77, 0, NULL },
		{ 77, 30, NULL } };
	struct dns_query query;
	struct dns_reply reply;
	struct dns_answer told;
	struct dns_reader r;
	struct dns_record record;
	uint32_t ttl;
	size_t n;
	int i;

	for (i = 0; i < 2; i++) {
		check_way(&query, &reply, a, len, 2);
		n = dns_answer_write(
		    want, sizeof(want), msg, a, &query, &reply);
		if (!dns_answer_read(&told, want, n))
			return "what is told reads again";
		HOLDS(dns_stored_tell(got, sizeof(got), stored, stored_len,
			  &now[i], &query, &reply) == n,
		    "age does not change the length");
		dns_reader_init(&r, want, n);
		dns_read_skip(&r, told.answers);
		while (dns_reader_left(&r) > 0) {
			dns_record_read(&record, &r);
			if (r.failed)
				return "records follow each other";
			ttl = record.ttl > 77 ? record.ttl - 77 : 0;
			if (i == 1)
				ttl = 30;
			HOLDS(((uint32_t)got[record.fixed + 4] << 24 |
				  (uint32_t)got[record.fixed + 5] << 16 |
				  (uint32_t)got[record.fixed + 6] << 8 |
				  got[record.fixed + 7]) == ttl,
			    "each TTL counts down, or is set");
			/* Now the two must be the same. */
			memcpy(
			    got + record.fixed + 4, want + record.fixed + 4, 4);
		}
		HOLDS(memcmp(got, want, n) == 0, "nothing else changes");
	}
	return NULL;
}
