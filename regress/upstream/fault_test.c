/*
 * The upstream of the tests, asked to misbehave: each fault as a client sees
 * it on the wire, so that a test which relies on one does not pass for lack
 * of it.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#define SILENCE_MS  200 /* for what must not come */
#define PATIENCE_MS 5000 /* for what must */

struct client {
	struct tls *tls;
	int fd;
	size_t largest; /* of all that tls_read gave at once */
	ssize_t ended; /* what it gave at the end: 0 is close_notify */
};

/* What came: a whole frame, nothing (yet), the end, or the end within one. */
enum came { CAME_FRAME, CAME_NOTHING, CAME_END, CAME_TORN };

static pid_t upstream;
static FILE *output;
static unsigned port;
static uint8_t frame[65535];
static size_t frame_len;

static void start(const atf_tc_t *, const char *const[]);
static void stop(const char *);
static int connected(void);
static struct client dial(void);
static struct client connected_tls(void);
static void hang_up(struct client *);
static bool wait_for(const struct client *, ssize_t, int);
static void ask(struct client *, const uint16_t *, const char *const *);
static size_t put_question(uint8_t *, uint16_t, const char *);
static enum came receive(struct client *, int);
static enum came receive_bytes(struct client *, uint8_t *, size_t, int);
static void expect_id(struct client *, uint16_t);

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

/* Runs the upstream beside this test program with these faults. */
static void
start(const atf_tc_t *tc, const char *const faults[])
{
	const char *argv[16] = { "upstream", "-c", "cert.pem", "-k", "key.pem",
		"-t", "60", "--stdin" };
	char path[1024];
	size_t i, n = 8;
	int out[2], in[2];

	signal(SIGPIPE, SIG_IGN);
	ATF_REQUIRE_EQ(0,
	    system("openssl req -x509 -newkey ec -nodes -days 9 -subj /CN=x "
		   "-pkeyopt ec_paramgen_curve:P-256 -keyout key.pem "
		   "-out cert.pem 2>openssl.err"));
	for (i = 0; faults[i] != NULL && n < 15; i++)
		argv[n++] = faults[i];
	snprintf(path, sizeof(path), "%s/upstream",
	    atf_tc_get_config_var(tc, "srcdir"));
	ATF_REQUIRE(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
	ATF_REQUIRE((upstream = fork()) != -1);
	if (upstream == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(path, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	/* in[1] stays open as long as this test lives. */
	close(in[0]);
	close(out[1]);
	ATF_REQUIRE((output = fdopen(out[0], "r")) != NULL);
	ATF_REQUIRE(fgets(path, sizeof(path), output) != NULL);
	ATF_REQUIRE_EQ(1, sscanf(path, "port %u", &port));
}

/* Ends it; its totals must have this in them. */
static void
stop(const char *totals)
{
	char line[512];
	int status;

	ATF_REQUIRE_EQ(0, kill(upstream, SIGTERM));
	ATF_REQUIRE(fgets(line, sizeof(line), output) != NULL);
	ATF_CHECK_MSG(strstr(line, totals) != NULL, "%s: %s", totals, line);
	ATF_REQUIRE_EQ(upstream, waitpid(upstream, &status, 0));
	ATF_CHECK_EQ(0, status);
	fclose(output);
}

static int
connected(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, saved;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	ATF_REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

static struct client
dial(void)
{
	struct client c = connected_tls();
	ssize_t n;

	while ((n = tls_handshake(c.tls)) != 0)
		ATF_REQUIRE_MSG(wait_for(&c, n, PATIENCE_MS), "handshake: %s",
		    tls_error(c.tls));
	return c;
}

/* Before its handshake. */
static struct client
connected_tls(void)
{
	struct tls_config *config;
	struct client c = { 0 };

	ATF_REQUIRE((c.fd = connected()) != -1);
	ATF_REQUIRE((config = tls_config_new()) != NULL);
	/* Who it is does not matter here. */
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	ATF_REQUIRE((c.tls = tls_client()) != NULL);
	ATF_REQUIRE_EQ(0, tls_configure(c.tls, config));
	tls_config_free(config);
	ATF_REQUIRE_EQ(0, tls_connect_socket(c.tls, c.fd, "dns.test"));
	return c;
}

static void
hang_up(struct client *c)
{
	tls_free(c->tls);
	close(c->fd);
}

static bool
wait_for(const struct client *c, ssize_t want, int ms)
{
	struct pollfd pfd = { .fd = c->fd };

	if (want != TLS_WANT_POLLIN && want != TLS_WANT_POLLOUT)
		return false;
	pfd.events = want == TLS_WANT_POLLIN ? POLLIN : POLLOUT;
	return poll(&pfd, 1, ms) == 1;
}

/* All of them in one record. */
static void
ask(struct client *c, const uint16_t *ids, const char *const *names)
{
	uint8_t buf[4096];
	size_t i, len = 0;

	for (i = 0; ids[i] != 0; i++)
		len += put_question(buf + len, ids[i], names[i]);
	ATF_REQUIRE_EQ((ssize_t)len, tls_write(c->tls, buf, len));
}

/* TXT for big names, or else A. */
static size_t
put_question(uint8_t *out, uint16_t id, const char *name)
{
	uint8_t *p = out + 14;
	size_t label;

	memset(out, 0, 14);
	out[2] = (uint8_t)(id >> 8);
	out[3] = (uint8_t)id;
	out[4] = 1; /* RD */
	out[7] = 1; /* one question */
	while (*name != '\0') {
		label = strcspn(name, ".");
		*p++ = (uint8_t)label;
		memcpy(p, name, label);
		p += label;
		name += label + (name[label] == '.' ? 1 : 0);
	}
	memset(p, 0, 5);
	p[2] = out[15] == 'b' && out[14] > 4 ? 16 : 1;
	p[4] = 1;
	p += 5;
	out[1] = (uint8_t)(p - out - 2);
	return (size_t)(p - out);
}

static enum came
receive(struct client *c, int ms)
{
	uint8_t head[2];
	enum came came;

	if ((came = receive_bytes(c, head, 2, ms)) != CAME_FRAME)
		return came;
	frame_len = (size_t)head[0] << 8 | head[1];
	came = receive_bytes(c, frame, frame_len, ms);
	return came == CAME_END ? CAME_TORN : came;
}

static enum came
receive_bytes(struct client *c, uint8_t *buf, size_t len, int ms)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = tls_read(c->tls, buf + got, len - got);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT) {
			if (!wait_for(c, n, ms))
				return CAME_NOTHING;
			continue;
		}
		if (n <= 0)
			c->ended = n;
		if (n <= 0)
			return got == 0 ? CAME_END : CAME_TORN;
		if ((size_t)n > c->largest)
			c->largest = (size_t)n;
		got += (size_t)n;
	}
	return CAME_FRAME;
}

static void
expect_id(struct client *c, uint16_t id)
{
	enum came came;

	came = receive(c, PATIENCE_MS);
	ATF_REQUIRE_MSG(came == CAME_FRAME, "for ID %u came %d", id, (int)came);
	ATF_REQUIRE(frame_len >= 12);
	ATF_REQUIRE_MSG(((unsigned)frame[0] << 8 | frame[1]) == id,
	    "for ID %u came ID %u", id, (unsigned)frame[0] << 8 | frame[1]);
}
