/* Entries of the cache that a worker which is broken into has written: they
 * last no longer than an honest one's would. */
#include <atf-c.h>

#include "asker.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define T	  ASKER_START
#define S	  ((uint64_t)1000)
#define FAR	  ((uint64_t)1 << 47) /* ms */
#define IS_FAILED 0xff /* behind the key of a failure */

static const struct asker_question www = { .name = "www.example.",
	.edns = true };
static const struct asker_answer good = { .records = 1, .ttl = 100 };

/* Puts what is known of www in anew, as it is but for these. */
static void
forge(bool failure, uint64_t stored, uint64_t expires)
{
	static uint8_t payload[CACHE_PAYLOAD_MAX];
	struct cache *c = &asker.table.answers.cache;
	uint8_t key[ANSWERS_KEY_MAX];
	struct cache_hit hit;
	size_t len;

	len = dns_stored_key(key, sizeof(key), &asker.sent[0].question, 0);
	ATF_REQUIRE(len != 0);
	if (failure)
		key[len++] = IS_FAILED;
	ATF_REQUIRE(
	    cache_get(c, cache_hash(c, key, len), key, len, payload, &hit));
	ATF_REQUIRE(cache_put(c, cache_hash(c, key, len), key, len, payload,
	    hit.len, stored, expires, hit.tag, T));
}

static void
expect_asked(uint64_t now)
{
	ATF_REQUIRE_EQ(QUERY_IN_FLIGHT, asker_ask(&www, now));
	ATF_CHECK_EQ(1, asker_flush(now));
}

CASE(an_answer_of_a_time_to_come_is_none)
{
	(void)tc;
	asker_up(true);
	asker_fill(&www, &good, T);
	forge(false, FAR, FAR + 100 * S);
	expect_asked(T);
	/* Nor is it told as stale. */
	ATF_CHECK(asker_fails(&asker.sent[0], T));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
}

CASE(an_answer_that_never_expires_ends_and_is_stale_no_longer_than_another)
{
	uint64_t end, gone;

	(void)tc;
	asker_up(true);
	end = T + asker.settings.ttl_max * S;
	gone = end + asker.settings.stale * S;
	asker_fill(&www, &good, T);
	forge(false, T, FAR);
	ATF_CHECK_EQ(QUERY_ANSWERED, asker_ask(&www, end - 1));
	expect_asked(end);
	ATF_CHECK(asker_fails(&asker.sent[0], end));
	ATF_CHECK_EQ(DNS_NOERROR, asker_rcode());
	ATF_CHECK_EQ(DNS_EDE_STALE, asker_ede());
	ATF_CHECK_EQ(ANSWERS_STALE_TTL, asker_ttl());
	expect_asked(gone);
	ATF_CHECK(asker_fails(&asker.sent[0], gone));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
}

CASE(a_failure_that_never_expires_keeps_nobody_from_asking)
{
	const uint64_t later = T + ANSWERS_FAILURE_MAX * S;

	(void)tc;
	asker_up(true);
	expect_asked(T);
	ATF_REQUIRE(asker_fails(&asker.sent[0], T));
	forge(true, T, FAR);
	ATF_CHECK_EQ(QUERY_ANSWERED, asker_ask(&www, later - 1));
	ATF_CHECK_EQ(DNS_SERVFAIL, asker_rcode());
	expect_asked(later);
	/* And one that is true takes its place. */
	ATF_REQUIRE(asker_fails(&asker.sent[0], later));
	ATF_CHECK_EQ(QUERY_ANSWERED, asker_ask(&www, later));
	expect_asked(later + ANSWERS_FAILURE_MAX * S);
	(void)asker_stop(later);
	asker_up(true);
	expect_asked(T);
	ATF_REQUIRE(asker_fails(&asker.sent[0], T));
	forge(true, FAR, FAR + 1 * S);
	expect_asked(T);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, an_answer_of_a_time_to_come_is_none);
	ATF_TP_ADD_TC(tp,
	    an_answer_that_never_expires_ends_and_is_stale_no_longer_than_another);
	ATF_TP_ADD_TC(
	    tp, a_failure_that_never_expires_keeps_nobody_from_asking);
	return atf_no_error();
}
