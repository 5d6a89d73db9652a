/*
 * Messages out of a stream, however it is cut; padding off an answer.
 */
#include <atf-c.h>
#include <string.h>

#include "unpriv/tls/padding.h"
#include "unpriv/tls/stream.h"

static uint8_t buf[STREAM_BUFFER];

static void feed(struct stream *, const uint8_t *, size_t);
static size_t answer_with(uint8_t[512], size_t, const uint8_t *, size_t);
static size_t stripped(uint8_t *, size_t);

/* Lengths of 0, 1, 5 and 300, one after the other. */
static size_t
frames(uint8_t out[512])
{
	static const size_t len[] = { 0, 1, 5, 300 };
	size_t n = 0, i;

	for (i = 0; i < 4; i++) {
		out[n++] = (uint8_t)(len[i] >> 8);
		out[n++] = (uint8_t)len[i];
		memset(&out[n], (int)i, len[i]);
		n += len[i];
	}
	return n;
}

ATF_TC_WITHOUT_HEAD(frames_come_out_whole_wherever_the_stream_is_cut);
ATF_TC_BODY(frames_come_out_whole_wherever_the_stream_is_cut, tc)
{
	static const size_t want[] = { 0, 1, 5, 300 };
	uint8_t bytes[512], *msg;
	size_t total = frames(bytes), cut, len, got;
	struct stream s;
	int part;

	for (cut = 0; cut <= total; cut++) {
		stream_init(&s, buf);
		got = 0;
		for (part = 0; part < 2; part++) {
			feed(&s, part == 0 ? bytes : &bytes[cut],
			    part == 0 ? cut : total - cut);
			while (stream_next(&s, &msg, &len)) {
				ATF_REQUIRE(got < 4);
				ATF_REQUIRE_EQ(want[got], len);
				if (len > 0)
					ATF_REQUIRE_EQ(got, msg[len - 1]);
				got++;
			}
		}
		ATF_REQUIRE_EQ(4, got);
		ATF_REQUIRE(stream_is_even(&s));
	}
}

ATF_TC_WITHOUT_HEAD(frames_come_out_of_a_stream_of_single_bytes);
ATF_TC_BODY(frames_come_out_of_a_stream_of_single_bytes, tc)
{
	uint8_t bytes[512], *msg;
	size_t total = frames(bytes), i, len, got = 0;
	struct stream s;

	stream_init(&s, buf);
	for (i = 0; i < total; i++) {
		feed(&s, &bytes[i], 1);
		while (stream_next(&s, &msg, &len))
			got++;
	}
	ATF_CHECK_EQ(4, got);
}

ATF_TC_WITHOUT_HEAD(the_longest_frames_fit_with_room_to_read_on);
ATF_TC_BODY(the_longest_frames_fit_with_room_to_read_on, tc)
{
	static uint8_t bytes[3 * (2 + 65535)];
	size_t at, len, room, n, got = 0;
	uint8_t *msg, *to;
	struct stream s;

	for (at = 0; at < sizeof(bytes); at += 2 + 65535) {
		memset(&bytes[at], (int)(at / 65537 + 1), 2 + 65535);
		bytes[at] = bytes[at + 1] = 0xff;
	}
	stream_init(&s, buf);
	for (at = 0; at < sizeof(bytes); at += n) {
		to = stream_room(&s, &room);
		ATF_REQUIRE(room >= STREAM_ROOM_MIN);
		ATF_REQUIRE(to + room <= buf + sizeof(buf));
		/* An odd size, so that frames begin anywhere. */
		n = sizeof(bytes) - at < 16381 ? sizeof(bytes) - at : 16381;
		memcpy(to, &bytes[at], n);
		stream_added(&s, n);
		while (stream_next(&s, &msg, &len)) {
			got++;
			ATF_REQUIRE_EQ(65535, len);
			ATF_REQUIRE_EQ(got, msg[0]);
			ATF_REQUIRE_EQ(got, msg[65534]);
		}
	}
	ATF_CHECK_EQ(3, got);
	ATF_CHECK(stream_is_even(&s));
}

ATF_TC_WITHOUT_HEAD(padding_that_ends_an_answer_is_cut_off);
ATF_TC_BODY(padding_that_ends_an_answer_is_cut_off, tc)
{
	static const uint8_t padding[] = { 0, 12, 0, 3, 0, 0, 0 };
	static const uint8_t ede_padding[] = { 0, 15, 0, 2, 0, 22, 0, 12, 0, 1,
		0 };
	static const uint8_t empty[] = { 0, 12, 0, 0 };
	uint8_t msg[512];
	size_t bare = answer_with(msg, 0, NULL, 0), len;

	len = answer_with(msg, 0, padding, sizeof(padding));
	ATF_CHECK_EQ(bare, stripped(msg, len));
	len = answer_with(msg, 0, empty, sizeof(empty));
	ATF_CHECK_EQ(bare, stripped(msg, len));
	/* What stands before it stays. */
	len = answer_with(msg, 0, ede_padding, sizeof(ede_padding));
	ATF_CHECK_EQ(bare + 6, stripped(msg, len));
}

ATF_TC_WITHOUT_HEAD(an_answer_without_padding_at_its_end_is_left_alone);
ATF_TC_BODY(an_answer_without_padding_at_its_end_is_left_alone, tc)
{
	static const uint8_t padding_ede[] = { 0, 12, 0, 1, 0, 0, 15, 0, 2, 0,
		22 };
	static const uint8_t padding[] = { 0, 12, 0, 3, 0, 0, 0 };
	uint8_t msg[512];
	size_t len;

	len = answer_with(msg, 0, NULL, 0);
	ATF_CHECK_EQ(len, stripped(msg, len));
	len = answer_with(msg, 0, padding_ede, sizeof(padding_ede));
	ATF_CHECK_EQ(len, stripped(msg, len));
	/* A record behind the OPT. */
	len = answer_with(msg, 1, padding, sizeof(padding));
	ATF_CHECK_EQ(len, stripped(msg, len));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, frames_come_out_whole_wherever_the_stream_is_cut);
	ATF_TP_ADD_TC(tp, frames_come_out_of_a_stream_of_single_bytes);
	ATF_TP_ADD_TC(tp, the_longest_frames_fit_with_room_to_read_on);
	ATF_TP_ADD_TC(tp, padding_that_ends_an_answer_is_cut_off);
	ATF_TP_ADD_TC(tp, an_answer_without_padding_at_its_end_is_left_alone);
	return atf_no_error();
}

static void
feed(struct stream *s, const uint8_t *bytes, size_t n)
{
	size_t room;
	uint8_t *to = stream_room(s, &room);

	ATF_REQUIRE(room >= n);
	if (n > 0)
		memcpy(to, bytes, n);
	stream_added(s, n);
}

/* An answer for ". A" whose OPT has these options; behind: A records after
 * it. */
static size_t
answer_with(uint8_t msg[512], size_t behind, const uint8_t *options, size_t len)
{
	static const uint8_t head[] = { 0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 1,
		0, 0, 1, 0, 1 };
	static const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0 };
	static const uint8_t a[] = { 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3,
		4 };
	size_t n = 0;

	memcpy(msg, head, sizeof(head));
	n += sizeof(head);
	memcpy(&msg[n], opt, sizeof(opt));
	n += sizeof(opt);
	msg[n++] = (uint8_t)len;
	if (len > 0)
		memcpy(&msg[n], options, len);
	n += len;
	if (behind > 0) {
		msg[11] = 2;
		memcpy(&msg[n], a, sizeof(a));
		n += sizeof(a);
	}
	return n;
}

/* The length that is left; what is left must read as an answer again. */
static size_t
stripped(uint8_t *msg, size_t len)
{
	struct dns_answer answer;

	ATF_REQUIRE(dns_answer_read(&answer, msg, len));
	len = padding_strip(msg, len, &answer);
	ATF_REQUIRE(dns_answer_read(&answer, msg, len));
	ATF_REQUIRE(answer.opt != 0);
	return len;
}
