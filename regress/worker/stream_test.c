/* A TCP connection without a socket, and its chunks. */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/worker/chunk.h"
#include "unpriv/worker/stream.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

#define START  1000 /* ms */
#define CHUNKS 128

static struct stream s;
static struct chunk_pool pool;
static uint8_t room[STREAM_ROOM];
static uint8_t bytes[CHUNKS * CHUNK_LEN];
static uint32_t next[CHUNKS];
static uint8_t long_message[65535];
static const uint8_t *msg;
static size_t len;
static bool cut;

static void
set_up(uint32_t chunks)
{
	size_t i;

	for (i = 0; i < sizeof(long_message); i++)
		long_message[i] = (uint8_t)(i * 7 + i / 256);
	chunk_pool_init(&pool, bytes, next, chunks);
	stream_init(&s, room, START);
}

/* n bytes of p arrive; how many there was room for. */
static size_t
arrive(const void *p, size_t n, uint64_t now)
{
	size_t space;
	uint8_t *to = stream_space(&s, &space);

	if (n > space)
		n = space;
	memcpy(to, p, n);
	stream_received(&s, n, now);
	return n;
}

static unsigned int
take_all(uint64_t now)
{
	unsigned int n = 0;

	while (stream_next(&s, &msg, &len, &cut))
		n++;
	stream_settle(&s, now);
	return n;
}

/* The reader takes n bytes and compares them with what they should be. */
static void
read_off(const uint8_t *expected, size_t n, uint64_t now)
{
	struct iovec iov[4];
	size_t here, pieces;

	while (n != 0) {
		pieces = chunk_pieces(&pool, &s.out, iov, 4);
		ATF_REQUIRE(pieces > 0);
		here = iov[0].iov_len < n ? iov[0].iov_len : n;
		ATF_REQUIRE_EQ(0, memcmp(iov[0].iov_base, expected, here));
		stream_wrote(&s, &pool, here, now);
		expected += here;
		n -= here;
	}
}

CASE(questions_are_cut_out_of_the_stream_wherever_it_is_torn)
{
	static const uint8_t all[] = { 0, 3, 'a', 'b', 'c', 0, 1, 'd', 0, 0, 0,
		5, 'e', 'f', 'g', 'h', 'i', 0, 2, 'j', 'k' };
	static const char *const want[] = { "abc", "d", "", "efghi", "jk" };
	size_t piece, i, n, now;

	(void)tc;
	for (piece = 1; piece <= sizeof(all); piece++) {
		set_up(CHUNKS);
		for (i = n = 0; i < sizeof(all); i += now) {
			now = sizeof(all) - i < piece ? sizeof(all) - i : piece;
			ATF_CHECK_EQ(now, arrive(all + i, now, START));
			while (stream_next(&s, &msg, &len, &cut)) {
				ATF_REQUIRE(n < 5 && !cut);
				ATF_CHECK_EQ(strlen(want[n]), len);
				ATF_CHECK_EQ(0, memcmp(msg, want[n++], len));
			}
		}
		ATF_CHECK_EQ_MSG(5, n, "pieces of %zu", piece);
		stream_settle(&s, START);
		ATF_CHECK(stream_is_idle(&s));
	}
}

CASE(a_question_too_long_is_given_cut_and_the_rest_of_it_skipped)
{
	static const uint8_t after[] = { 0, 1, 'z' };
	uint8_t prefix[2] = { 0x20, 0x00 }; /* 8192 */
	size_t sent = 0, n;
	unsigned int cuts = 0;

	(void)tc;
	set_up(CHUNKS);
	(void)arrive(prefix, 2, START);
	ATF_CHECK_EQ(0, take_all(START));
	while (sent < 8192) {
		n = arrive(long_message + sent, 8192 - sent, START);
		ATF_REQUIRE(n > 0);
		sent += n;
		while (stream_next(&s, &msg, &len, &cut)) {
			cuts++;
			ATF_CHECK(cut);
			ATF_CHECK_EQ(STREAM_QUESTION_MAX, len);
			ATF_CHECK_EQ(0, memcmp(msg, long_message, len));
		}
	}
	ATF_CHECK_EQ(1, cuts);
	(void)arrive(after, sizeof(after), START);
	ATF_REQUIRE(stream_next(&s, &msg, &len, &cut));
	ATF_CHECK(!cut && len == 1 && msg[0] == 'z');
}

CASE(the_longest_question_fits)
{
	uint8_t prefix[2] = { STREAM_QUESTION_MAX >> 8, 0 };

	(void)tc;
	set_up(CHUNKS);
	(void)arrive(prefix, 2, START);
	ATF_CHECK_EQ(STREAM_QUESTION_MAX,
	    arrive(long_message, STREAM_QUESTION_MAX, START));
	ATF_REQUIRE(stream_next(&s, &msg, &len, &cut));
	ATF_CHECK(!cut && len == STREAM_QUESTION_MAX);
	ATF_CHECK(stream_is_idle(&s));
}

CASE(half_a_question_has_two_seconds_from_its_first_byte)
{
	(void)tc;
	set_up(CHUNKS);
	(void)arrive("\0", 1, START);
	ATF_CHECK_EQ(0, take_all(START));
	/* More of it does not buy more time. */
	(void)arrive("\4a", 2, START + STREAM_HALF_MS - 1);
	ATF_CHECK_EQ(0, take_all(START + STREAM_HALF_MS - 1));
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_HALF_MS - 1));
	ATF_CHECK_EQ(STREAM_HALF, stream_check(&s, START + STREAM_HALF_MS));
	/* The rest of it does, for what comes behind. */
	(void)arrive("bcd\0", 4, START + STREAM_HALF_MS);
	ATF_CHECK_EQ(1, take_all(START + STREAM_HALF_MS));
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_HALF_MS));
	ATF_CHECK_EQ(STREAM_HALF, stream_check(&s, START + 2 * STREAM_HALF_MS));
}

CASE(an_idle_connection_ends_but_one_with_a_question_in_flight_does_not)
{
	(void)tc;
	set_up(CHUNKS);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_IDLE_MS - 1));
	ATF_CHECK_EQ(STREAM_IDLE, stream_check(&s, START + STREAM_IDLE_MS));
	s.in_flight = 1;
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_IDLE_MS));
}

CASE(with_many_in_flight_it_is_not_read_and_the_buffered_ones_wait)
{
	uint8_t many[3 * (STREAM_IN_FLIGHT + 10)];
	unsigned int n = 0;
	size_t i;

	(void)tc;
	set_up(CHUNKS);
	for (i = 0; i < sizeof(many); i += 3)
		memcpy(many + i, "\0\1q", 3);
	(void)arrive(many, sizeof(many), START);
	while (stream_next(&s, &msg, &len, &cut)) {
		s.in_flight++;
		n++;
	}
	/* The end of the file behind them takes none of them away. */
	stream_received(&s, 0, START);
	stream_settle(&s, START);
	ATF_CHECK_EQ(STREAM_IN_FLIGHT, n);
	ATF_CHECK(!stream_may_read(&s));
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_HALF_MS));
	s.in_flight = 0;
	ATF_CHECK_EQ(10, take_all(START));
	ATF_CHECK_EQ(STREAM_DONE, stream_check(&s, START));
}

CASE(after_the_end_of_the_file_what_is_in_flight_is_still_answered)
{
	static const uint8_t expected[] = { 0, 2, 'o', 'k' };

	(void)tc;
	set_up(CHUNKS);
	(void)arrive("\0\1q\0", 4, START);
	ATF_REQUIRE(stream_next(&s, &msg, &len, &cut));
	s.in_flight++;
	stream_received(&s, 0, START);
	ATF_CHECK_EQ(0, take_all(START));
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START));
	s.in_flight--;
	stream_answer(&s, &pool, (const uint8_t *)"ok", 2, START);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START));
	read_off(expected, sizeof(expected), START);
	ATF_CHECK_EQ(STREAM_DONE, stream_check(&s, START));
}

CASE(answers_come_out_as_they_went_in)
{
	static const uint8_t prefix[] = { 0x88, 0xb8 };
	size_t i;

	(void)tc;
	set_up(CHUNKS);
	for (i = 0; i < 5; i++) {
		stream_answer(&s, &pool, long_message + i, 35000, START);
		stream_answer(&s, &pool, (const uint8_t *)"x", 1, START);
	}
	for (i = 0; i < 5; i++) {
		read_off(prefix, 2, START);
		read_off(long_message + i, 35000, START);
		read_off((const uint8_t *)"\0\1x", 3, START);
	}
	ATF_CHECK_EQ(0, s.out.len);
	ATF_CHECK_EQ(CHUNKS, pool.left);
}

CASE(a_client_that_does_not_read_is_not_read_and_then_closed)
{
	(void)tc;
	set_up(CHUNKS);
	stream_answer(&s, &pool, long_message, 65535, START);
	stream_answer(&s, &pool, long_message, 65535, START);
	ATF_CHECK(!stream_may_read(&s));
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_SLOW_MS - 1));
	ATF_CHECK_EQ(STREAM_SLOW, stream_check(&s, START + STREAM_SLOW_MS));
	/* One byte read is a sign of life. */
	stream_wrote(&s, &pool, 1, START + 5000);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + STREAM_SLOW_MS));
	stream_answer(&s, &pool, long_message, 65535, START + 5000);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START + 5000));
	stream_answer(&s, &pool, long_message, 65535, START + 5000);
	ATF_CHECK_EQ(STREAM_SLOW, stream_check(&s, START + 5000));
	ATF_CHECK(s.out.len <= STREAM_QUEUE_MAX);
}

CASE(an_empty_pool_closes_the_one_that_needs_more_and_no_other)
{
	static struct stream other;
	static uint8_t other_room[STREAM_ROOM];

	(void)tc;
	set_up(4);
	stream_init(&other, other_room, START);
	stream_answer(&other, &pool, (const uint8_t *)"a", 1, START);
	stream_answer(&s, &pool, long_message, 3 * CHUNK_LEN - 2, START);
	ATF_CHECK_EQ(0, pool.left);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&s, START));
	/* In its own chunk there is room yet. */
	stream_answer(&other, &pool, (const uint8_t *)"b", 1, START);
	ATF_CHECK_EQ(STREAM_OPEN, stream_check(&other, START));
	stream_answer(&s, &pool, (const uint8_t *)"c", 1, START);
	ATF_CHECK_EQ(STREAM_SLOW, stream_check(&s, START));
	chunk_take_off(&pool, &s.out, s.out.len);
	ATF_CHECK_EQ(3, pool.left);
	chunk_take_off(&pool, &other.out, other.out.len);
	ATF_CHECK_EQ(4, pool.left);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, questions_are_cut_out_of_the_stream_wherever_it_is_torn);
	ATF_TP_ADD_TC(
	    tp, a_question_too_long_is_given_cut_and_the_rest_of_it_skipped);
	ATF_TP_ADD_TC(tp, the_longest_question_fits);
	ATF_TP_ADD_TC(tp, half_a_question_has_two_seconds_from_its_first_byte);
	ATF_TP_ADD_TC(tp,
	    an_idle_connection_ends_but_one_with_a_question_in_flight_does_not);
	ATF_TP_ADD_TC(
	    tp, with_many_in_flight_it_is_not_read_and_the_buffered_ones_wait);
	ATF_TP_ADD_TC(
	    tp, after_the_end_of_the_file_what_is_in_flight_is_still_answered);
	ATF_TP_ADD_TC(tp, answers_come_out_as_they_went_in);
	ATF_TP_ADD_TC(
	    tp, a_client_that_does_not_read_is_not_read_and_then_closed);
	ATF_TP_ADD_TC(
	    tp, an_empty_pool_closes_the_one_that_needs_more_and_no_other);
	return atf_no_error();
}
