/*
 * The upstream of the tests, asked to misbehave: each fault as a client sees
 * it on the wire, so that a test which relies on one does not pass for lack
 * of it.
 */
#include <atf-c.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define SILENCE_MS 200 /* for what must not come */

#define START(...) start(tc, (const char *const[]){ __VA_ARGS__, NULL })
#define IDS(...)   ((const uint16_t[]){ __VA_ARGS__, 0 })
#define NAMES(...) ((const char *const[]){ __VA_ARGS__ })
#define TWO	   IDS(1, 2), NAMES("a.test", "b.test")

#define FAULT(name)                                                            \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

FAULT(close_after_ends_the_connection_and_not_the_server)
{
	struct client c;

	START("--close-after", "1");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(CAME_END, receive(&c, PATIENCE_MS));
	ATF_CHECK_EQ(0, c.ended);
	hang_up(&c);
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	hang_up(&c);
	stop("connections=2 handshakes=2 queries=4 answers=2");
}

FAULT(reset_after_ends_it_with_a_reset)
{
	struct client c;

	START("--reset-after", "2");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	expect_id(&c, 2);
	ATF_CHECK_EQ(CAME_END, receive(&c, PATIENCE_MS));
	ATF_CHECK_EQ(-1, c.ended);
	hang_up(&c);
	stop("answers=2");
}

FAULT(half_after_tears_the_answer_after_that_many)
{
	struct client c;

	START("--half-after", "1");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(CAME_TORN, receive(&c, PATIENCE_MS));
	hang_up(&c);
	stop("queries=2 answers=1");
}

FAULT(half_stall_after_never_ends_the_answer)
{
	struct client c;

	START("--half-stall-after", "1");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(CAME_FRAME, receive_bytes(&c, frame, 12, PATIENCE_MS));
	ATF_CHECK_EQ(
	    CAME_NOTHING, receive_bytes(&c, frame, sizeof(frame), SILENCE_MS));
	hang_up(&c);
	stop("queries=2 answers=1");
}

FAULT(stall_after_keeps_the_connection_open_and_says_nothing)
{
	struct client c;

	START("--stall-after", "1");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(CAME_NOTHING, receive(&c, SILENCE_MS));
	hang_up(&c);
	stop("queries=2 answers=1");
}

FAULT(stall_all_answers_nothing)
{
	struct client c;

	START("--stall-all");
	c = dial();
	ask(&c, TWO);
	ATF_CHECK_EQ(CAME_NOTHING, receive(&c, SILENCE_MS));
	hang_up(&c);
	stop("queries=2 answers=0");
}

FAULT(close_idle_ends_a_connection_that_asks_nothing)
{
	struct client c;

	START("--close-idle", "100");
	c = dial();
	ask(&c, IDS(1, 2), NAMES("a.test", "slow-300.test"));
	expect_id(&c, 1);
	expect_id(&c, 2);
	ATF_CHECK_EQ(CAME_END, receive(&c, PATIENCE_MS));
	hang_up(&c);
	stop("answers=2");
}

FAULT(wrong_ids_go_before_the_right_one)
{
	struct client c;

	START("--wrong-id-every", "2");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	expect_id(&c, 2 ^ 0xff00);
	expect_id(&c, 2);
	ATF_CHECK_EQ(CAME_NOTHING, receive(&c, SILENCE_MS));
	hang_up(&c);
	stop("answers=2");
}

FAULT(instead_leaves_out_the_right_answer)
{
	struct client c;

	START("--wrong-id-every", "2", "--instead");
	c = dial();
	ask(&c, IDS(1, 2, 3), NAMES("a.test", "b.test", "c.test"));
	expect_id(&c, 1);
	expect_id(&c, 2 ^ 0xff00);
	expect_id(&c, 3);
	ATF_CHECK_EQ(CAME_NOTHING, receive(&c, SILENCE_MS));
	hang_up(&c);
	stop("answers=2");
}

FAULT(wrong_questions_have_the_right_id_and_go_before_the_right_one)
{
	struct client c;

	START("--wrong-question-every", "1");
	c = dial();
	ask(&c, IDS(7), NAMES("a.test"));
	expect_id(&c, 7);
	ATF_CHECK(memcmp(frame + 12, "\001a\004test", 8) != 0);
	ATF_CHECK(memcmp(frame + 14, "\004test", 6) == 0);
	expect_id(&c, 7);
	ATF_CHECK(memcmp(frame + 12, "\001a\004test", 8) == 0);
	hang_up(&c);
	stop("answers=1");
}

FAULT(garbage_goes_in_whole_frames_before_the_right_answer)
{
	struct client c;

	START("--garbage-every", "1");
	c = dial();
	ask(&c, IDS(7), NAMES("a.test"));
	ATF_CHECK_EQ(CAME_FRAME, receive(&c, PATIENCE_MS));
	ATF_CHECK_EQ(256, frame_len);
	ATF_CHECK_EQ(CAME_FRAME, receive(&c, PATIENCE_MS));
	ATF_CHECK_EQ(7, frame_len);
	ATF_CHECK_EQ(CAME_FRAME, receive(&c, PATIENCE_MS));
	ATF_CHECK_EQ(0, frame_len);
	expect_id(&c, 7);
	hang_up(&c);
	stop("answers=1");
}

FAULT(a_garbage_stream_follows_no_framing)
{
	struct client c;

	START("--garbage-stream", "1");
	c = dial();
	ask(&c, IDS(7), NAMES("a.test"));
	expect_id(&c, 7);
	ATF_CHECK_EQ(CAME_FRAME, receive_bytes(&c, frame, 4096, PATIENCE_MS));
	ATF_CHECK_EQ(CAME_END, receive(&c, PATIENCE_MS));
	hang_up(&c);
	stop("answers=1");
}

FAULT(servfail_every_replaces_the_answer)
{
	struct client c;

	START("--servfail-every", "2");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(0, frame[3] & 0x0f);
	expect_id(&c, 2);
	ATF_CHECK_EQ(2, frame[3] & 0x0f);
	hang_up(&c);
	stop("answers=2");
}

FAULT(late_answers_come_after_those_to_later_questions)
{
	struct client c;

	START("--late-every", "2", "150");
	c = dial();
	ask(&c, IDS(1, 2, 3), NAMES("a.test", "b.test", "c.test"));
	expect_id(&c, 1);
	expect_id(&c, 3);
	expect_id(&c, 2);
	hang_up(&c);
	stop("answers=3");
}

FAULT(a_pause_holds_up_all_connections)
{
	struct client c, other;

	START("--pause-every", "2", "1000");
	c = dial();
	other = dial();
	ask(&c, IDS(1), NAMES("a.test"));
	expect_id(&c, 1);
	ask(&c, IDS(2), NAMES("b.test"));
	ask(&other, IDS(3), NAMES("c.test"));
	ATF_CHECK_EQ(CAME_NOTHING, receive(&other, SILENCE_MS));
	expect_id(&c, 2);
	expect_id(&other, 3);
	hang_up(&c);
	hang_up(&other);
	stop("queries=3 answers=3");
}

FAULT(a_slow_name_is_answered_later)
{
	struct client c;

	START("--delay", "10");
	c = dial();
	ask(&c, IDS(1, 2), NAMES("slow-150.test", "b.test"));
	expect_id(&c, 2);
	expect_id(&c, 1);
	hang_up(&c);
	stop("answers=2");
}

FAULT(out_of_order_answers_the_last_first)
{
	struct client c;
	uint16_t id;

	START("--out-of-order");
	c = dial();
	ask(&c, IDS(1, 2, 3, 4, 5, 6), NAMES("a", "b", "c", "d", "e", "f"));
	for (id = 4; id > 0; id--)
		expect_id(&c, id);
	expect_id(&c, 6);
	expect_id(&c, 5);
	hang_up(&c);
	stop("answers=6");
}

FAULT(drip_gives_each_byte_a_record_of_its_own)
{
	struct client c;

	START("--drip");
	c = dial();
	ask(&c, IDS(1, 2), NAMES("big-3000.test", "b.test"));
	expect_id(&c, 1);
	ATF_CHECK_EQ(3000, frame_len);
	expect_id(&c, 2);
	ATF_CHECK_EQ(1, c.largest);
	hang_up(&c);
	stop("answers=2");
}

FAULT(the_same_question_in_flight_twice_is_counted)
{
	struct client c;

	START("--delay", "20");
	c = dial();
	ask(&c, IDS(1, 2, 3), NAMES("a.test", "a.test", "b.test"));
	expect_id(&c, 1);
	expect_id(&c, 2);
	expect_id(&c, 3);
	/* Answered, it is in flight no longer. */
	ask(&c, IDS(4), NAMES("a.test"));
	expect_id(&c, 4);
	hang_up(&c);
	stop("answers=4 duplicates=1");
}

FAULT(reuse_loss_loses_the_second_of_two)
{
	struct client c;

	START("--reuse-loss");
	c = dial();
	ask(&c, IDS(1, 2, 3), NAMES("a.test", "a.test", "b.test"));
	expect_id(&c, 1);
	expect_id(&c, 3);
	ATF_CHECK_EQ(CAME_NOTHING, receive(&c, SILENCE_MS));
	hang_up(&c);
	stop("queries=3 answers=2 duplicates=1");
}

FAULT(a_stalled_handshake_stays_open_without_a_word)
{
	struct pollfd pfd = { .events = POLLIN };
	struct client c;
	ssize_t n;

	START("--handshake-stall");
	c = connected_tls();
	pfd.fd = c.fd;
	n = tls_handshake(c.tls);
	ATF_CHECK_EQ(TLS_WANT_POLLIN, n);
	ATF_CHECK_EQ(0, poll(&pfd, 1, SILENCE_MS));
	tls_free(c.tls);
	close(c.fd);
	stop("connections=1 handshakes=0");
}

FAULT(refuse_after_takes_that_many_connections_only)
{
	struct client c;

	START("--refuse-after", "1");
	c = dial();
	ask(&c, TWO);
	expect_id(&c, 1);
	ATF_CHECK_EQ(-1, connected());
	ATF_CHECK_EQ(ECONNREFUSED, errno);
	/* The one that was taken goes on. */
	expect_id(&c, 2);
	hang_up(&c);
	stop("connections=1");
}

FAULT(tls12_offers_no_newer)
{
	struct client c;

	START("--tls12");
	c = dial();
	ATF_CHECK_STREQ("TLSv1.2", tls_conn_version(c.tls));
	hang_up(&c);
	stop("handshakes=1");
}

FAULT(what_is_no_question_is_counted_and_not_answered)
{
	static const uint8_t bad[] = { 0, 3, 1, 2, 3, 0, 0 };
	struct client c;

	START("--delay", "1");
	c = dial();
	ATF_REQUIRE_EQ(sizeof(bad), tls_write(c.tls, bad, sizeof(bad)));
	ask(&c, IDS(9), NAMES("a.test"));
	expect_id(&c, 9);
	hang_up(&c);
	stop("malformed=2");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, close_after_ends_the_connection_and_not_the_server);
	ATF_TP_ADD_TC(tp, reset_after_ends_it_with_a_reset);
	ATF_TP_ADD_TC(tp, half_after_tears_the_answer_after_that_many);
	ATF_TP_ADD_TC(tp, half_stall_after_never_ends_the_answer);
	ATF_TP_ADD_TC(
	    tp, stall_after_keeps_the_connection_open_and_says_nothing);
	ATF_TP_ADD_TC(tp, stall_all_answers_nothing);
	ATF_TP_ADD_TC(tp, close_idle_ends_a_connection_that_asks_nothing);
	ATF_TP_ADD_TC(tp, wrong_ids_go_before_the_right_one);
	ATF_TP_ADD_TC(tp, instead_leaves_out_the_right_answer);
	ATF_TP_ADD_TC(
	    tp, wrong_questions_have_the_right_id_and_go_before_the_right_one);
	ATF_TP_ADD_TC(tp, garbage_goes_in_whole_frames_before_the_right_answer);
	ATF_TP_ADD_TC(tp, a_garbage_stream_follows_no_framing);
	ATF_TP_ADD_TC(tp, servfail_every_replaces_the_answer);
	ATF_TP_ADD_TC(tp, late_answers_come_after_those_to_later_questions);
	ATF_TP_ADD_TC(tp, a_pause_holds_up_all_connections);
	ATF_TP_ADD_TC(tp, a_slow_name_is_answered_later);
	ATF_TP_ADD_TC(tp, out_of_order_answers_the_last_first);
	ATF_TP_ADD_TC(tp, drip_gives_each_byte_a_record_of_its_own);
	ATF_TP_ADD_TC(tp, the_same_question_in_flight_twice_is_counted);
	ATF_TP_ADD_TC(tp, reuse_loss_loses_the_second_of_two);
	ATF_TP_ADD_TC(tp, a_stalled_handshake_stays_open_without_a_word);
	ATF_TP_ADD_TC(tp, refuse_after_takes_that_many_connections_only);
	ATF_TP_ADD_TC(tp, tls12_offers_no_newer);
	ATF_TP_ADD_TC(tp, what_is_no_question_is_counted_and_not_answered);
	return atf_no_error();
}
