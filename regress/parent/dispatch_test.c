/*
 * What the parent makes of a child's words, with the child played by the
 * test: nothing it says may get it more than its table allows.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <atf-c.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/sandbox.h"
#include "parent/parent.h"

#define TLS    0
#define WORKER 1
#define SOCKS  2

static const enum ipc_role roles[] = { IPC_TLS, IPC_WORKER, IPC_SOCKS };

static struct parent p;
static struct conf conf;
static struct ipc child[3];
static struct ipc_buffer buffer;
static char last_line[LOG_LINE_MAX];
static bool was_ready;
static uint32_t transport = IPC_TCP;

/* main.c's. */
void
parent_ready(struct parent *parent)
{
	(void)parent;
	was_ready = true;
}

void
parent_stopped(struct parent *parent)
{
	(void)parent;
}

static void
keep_line(int priority, const char *line)
{
	(void)priority;
	(void)snprintf(last_line, sizeof(last_line), "%s", line);
}

/* Two upstreams, of which only the first is forwarded to, by one address
 * where nobody listens; the second config, children in this state. */
static void
begin(enum ipc_state state)
{
	int fd[2], i;

	log_set_sink(keep_line);
	conf.nupstream = 2;
	conf.upstream[0].naddress = 1;
	conf.upstream[1].naddress = 2;
	ATF_REQUIRE(netaddr_parse(&conf.upstream[0].address[0], "127.0.0.1"));
	conf.upstream[0].address[0].port = 9;
	conf.nused = 1;
	conf.udp_size = CONF_UDP_SIZE;
	p.conf = &conf;
	p.generation = 2;
	p.workers = 1;
	p.nchildren = 3;
	for (i = 0; i < 3; i++) {
		child_init(&p, &p.child[i], roles[i], 0);
		ATF_REQUIRE_EQ(0, ipc_socketpair(fd));
		ipc_init(
		    &p.child[i].ipc, fd[0], IPC_PARENT, p.child[i].role, state);
		ipc_init(&child[i], fd[1], p.child[i].role, IPC_PARENT, state);
		/* A process that is there, so that it can be killed. */
		p.child[i].pid = fork();
		ATF_REQUIRE(p.child[i].pid != -1);
		if (p.child[i].pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				(void)pause();
		}
	}
}

static void
say(int who, enum ipc_type type, const void *payload, size_t len)
{
	ATF_REQUIRE_EQ(0, ipc_send(&child[who], type, payload, len, -1));
	dispatch_readable(-1, 0, &p.child[who]);
}

/* Asks for a connection; the errno of the answer, or -1: there is none. */
static int
connection(uint32_t generation, uint32_t upstream, uint32_t address)
{
	const struct ipc_connect want = { 7, generation, upstream, address,
		transport };
	const struct ipc_socket *answer;
	struct ipc_message m;
	const char *wrong;

	say(TLS, IPC_CONNECT, &want, sizeof(want));
	if (ipc_recv(&child[TLS], &buffer, &m, &wrong) != 1)
		return -1;
	ATF_REQUIRE_EQ(IPC_SOCKET, m.type);
	answer = m.payload;
	ATF_CHECK_EQ(7, answer->serial);
	ATF_CHECK_EQ(answer->error == 0, m.fd != -1);
	if (m.fd != -1)
		(void)close(m.fd);
	return (int)answer->error;
}

static void
expect_killed(int who, const char *why)
{
	ATF_CHECK_EQ(1, counter_value[COUNTER_child_broken]);
	ATF_CHECK_EQ(-1, p.child[who].ipc.fd);
	ATF_CHECK_MSG(strstr(last_line, why) != NULL, "%s", last_line);
}

ATF_TC_WITHOUT_HEAD(a_configured_address_is_connected_to);
ATF_TC_BODY(a_configured_address_is_connected_to, tc)
{
	begin(IPC_RUN);
	ATF_CHECK_EQ(0, connection(2, 0, 0));
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

ATF_TC_WITHOUT_HEAD(an_address_that_is_not_configured_kills_who_asks);
ATF_TC_BODY(an_address_that_is_not_configured_kills_who_asks, tc)
{
	begin(IPC_RUN);
	ATF_CHECK_EQ(-1, connection(2, 0, 1));
	expect_killed(TLS, "a connection to what it was never given");
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_is_not_forwarded_to_kills_who_asks);
ATF_TC_BODY(an_upstream_that_is_not_forwarded_to_kills_who_asks, tc)
{
	begin(IPC_RUN);
	ATF_CHECK_EQ(-1, connection(2, 1, 0));
	expect_killed(TLS, "a connection to what it was never given");
}

ATF_TC_WITHOUT_HEAD(a_way_that_is_not_an_upstreams_kills_who_asks);
ATF_TC_BODY(a_way_that_is_not_an_upstreams_kills_who_asks, tc)
{
	begin(IPC_RUN);
	transport = IPC_UDP;
	ATF_CHECK_EQ(-1, connection(2, 0, 0));
	expect_killed(TLS, "a connection to what it was never given");
}

ATF_TC_WITHOUT_HEAD(a_config_to_come_kills_who_asks_by_it);
ATF_TC_BODY(a_config_to_come_kills_who_asks_by_it, tc)
{
	begin(IPC_RUN);
	ATF_CHECK_EQ(-1, connection(3, 0, 0));
	expect_killed(TLS, "a connection to what it was never given");
}

ATF_TC_WITHOUT_HEAD(a_plain_upstream_is_given_by_udp_and_by_tcp);
ATF_TC_BODY(a_plain_upstream_is_given_by_udp_and_by_tcp, tc)
{
	begin(IPC_RUN);
	conf.upstream[0].plain = true;
	ATF_CHECK_EQ(0, connection(2, 0, 0));
	transport = IPC_UDP;
	ATF_CHECK_EQ(0, connection(2, 0, 0));
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
	transport = 3;
	ATF_CHECK_EQ(-1, connection(2, 0, 0));
	expect_killed(TLS, "a connection to what it was never given");
}

/* The upstream has a proxy, whose socket the socks process is given. */
static struct ipc_proxy
ask_by_proxy(uint32_t serial)
{
	const struct ipc_connect want = { serial, 2, 0, 0, IPC_TCP };
	struct sockaddr_storage ss;
	socklen_t len;
	struct ipc_proxy asked;
	struct ipc_message m;
	const char *wrong;
	static int listener = -1;

	if (listener == -1) {
		ATF_REQUIRE(
		    netaddr_parse(&conf.upstream[0].socks, "127.0.0.1"));
		len = netaddr_to_sockaddr(&conf.upstream[0].socks, &ss);
		listener = socket(AF_INET, SOCK_STREAM, 0);
		ATF_REQUIRE_EQ(0, bind(listener, (struct sockaddr *)&ss, len));
		ATF_REQUIRE_EQ(0, listen(listener, 128));
		ATF_REQUIRE_EQ(
		    0, getsockname(listener, (struct sockaddr *)&ss, &len));
		ATF_REQUIRE(netaddr_from_sockaddr(
		    &conf.upstream[0].socks, (struct sockaddr *)&ss));
		(void)strcpy(conf.upstream[0].socks_user, "me");
		(void)strcpy(conf.upstream[0].socks_password, "key");
	}
	say(TLS, IPC_CONNECT, &want, sizeof(want));
	ATF_REQUIRE_EQ(1, ipc_recv(&child[SOCKS], &buffer, &m, &wrong));
	ATF_REQUIRE_EQ(IPC_PROXY, m.type);
	memcpy(&asked, m.payload, sizeof(asked));
	ATF_REQUIRE(m.fd != -1);
	(void)close(m.fd);
	/* Nobody is answered yet. */
	ATF_CHECK_EQ(0, ipc_recv(&child[TLS], &buffer, &m, &wrong));
	return asked;
}

/* The TLS process is given a socket, or this error. */
static void
expect_socket(uint32_t serial, uint32_t error)
{
	const struct ipc_socket *answer;
	struct ipc_message m;
	const char *wrong;

	ATF_REQUIRE_EQ(1, ipc_recv(&child[TLS], &buffer, &m, &wrong));
	ATF_REQUIRE_EQ(IPC_SOCKET, m.type);
	answer = m.payload;
	ATF_CHECK_EQ(serial, answer->serial);
	ATF_CHECK_EQ_MSG(error, answer->error, "%#x", answer->error);
	ATF_CHECK_EQ(error == 0, m.fd != -1);
}

ATF_TC_WITHOUT_HEAD(a_proxy_is_asked_before_the_socket_is_handed_on);
ATF_TC_BODY(a_proxy_is_asked_before_the_socket_is_handed_on, tc)
{
	struct ipc_proxied done = { 0, 0 };
	struct ipc_proxy asked;

	begin(IPC_RUN);
	asked = ask_by_proxy(31);
	ATF_CHECK(netaddr_equal(&conf.upstream[0].address[0], &asked.target));
	ATF_CHECK_STREQ("me", asked.user);
	ATF_CHECK_STREQ("key", asked.password);
	done.serial = asked.serial;
	say(SOCKS, IPC_PROXIED, &done, sizeof(done));
	expect_socket(31, 0);
	/* What the proxy refused is told as it is. */
	done.serial = ask_by_proxy(32).serial;
	done.error = IPC_PROXY_REPLY + 4;
	say(SOCKS, IPC_PROXIED, &done, sizeof(done));
	expect_socket(32, IPC_PROXY_REPLY + 4);
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

ATF_TC_WITHOUT_HEAD(a_connection_proxied_that_nobody_asked_for_kills);
ATF_TC_BODY(a_connection_proxied_that_nobody_asked_for_kills, tc)
{
	struct ipc_proxied done = { 0, 0 };

	begin(IPC_RUN);
	done.serial = ask_by_proxy(31).serial;
	say(SOCKS, IPC_PROXIED, &done, sizeof(done));
	expect_socket(31, 0);
	say(SOCKS, IPC_PROXIED, &done, sizeof(done)); /* twice */
	expect_killed(SOCKS, "a connection that nobody asked it for");
}

ATF_TC_WITHOUT_HEAD(an_error_that_is_none_kills_the_socks_process);
ATF_TC_BODY(an_error_that_is_none_kills_the_socks_process, tc)
{
	struct ipc_proxied done = { 0, EACCES };

	begin(IPC_RUN);
	done.serial = ask_by_proxy(31).serial;
	say(SOCKS, IPC_PROXIED, &done, sizeof(done));
	expect_killed(SOCKS, "a connection that nobody asked it for");
}

/* Serials begin anew with it: it must not get its forebear's. */
ATF_TC_WITHOUT_HEAD(a_tls_process_is_not_given_what_one_before_asked_for);
ATF_TC_BODY(a_tls_process_is_not_given_what_one_before_asked_for, tc)
{
	struct ipc_proxied done = { 0, 0 };
	struct ipc_message m;
	const char *wrong;

	begin(IPC_RUN);
	done.serial = ask_by_proxy(31).serial;
	proxy_gone(&p.child[TLS]);
	say(SOCKS, IPC_PROXIED, &done, sizeof(done));
	ATF_CHECK_EQ(0, ipc_recv(&child[TLS], &buffer, &m, &wrong));
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

ATF_TC_WITHOUT_HEAD(what_a_dead_socks_process_had_under_way_has_failed);
ATF_TC_BODY(what_a_dead_socks_process_had_under_way_has_failed, tc)
{
	begin(IPC_RUN);
	(void)ask_by_proxy(31);
	proxy_gone(&p.child[SOCKS]);
	expect_socket(31, EAGAIN);
	ATF_CHECK_EQ(1, counter_value[COUNTER_connects_refused]);
}

ATF_TC_WITHOUT_HEAD(connections_under_way_by_proxy_have_a_bound);
ATF_TC_BODY(connections_under_way_by_proxy_have_a_bound, tc)
{
	struct ipc_connect want = { 0, 2, 0, 0, IPC_TCP };
	uint32_t i;

	begin(IPC_RUN);
	for (i = 0; i < IPC_PROXY_MAX; i++)
		(void)ask_by_proxy(i);
	want.serial = i;
	say(TLS, IPC_CONNECT, &want, sizeof(want));
	expect_socket(i, EAGAIN);
	ATF_CHECK_EQ(1, counter_value[COUNTER_connects_refused]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

/* Its indices may mean something else by now, which is nobody's fault. */
ATF_TC_WITHOUT_HEAD(a_connection_asked_for_before_a_reload_is_stale);
ATF_TC_BODY(a_connection_asked_for_before_a_reload_is_stale, tc)
{
	begin(IPC_RUN);
	ATF_CHECK_EQ(ESTALE, connection(1, 0, 1));
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

ATF_TC_WITHOUT_HEAD(connections_have_a_limit_and_are_counted_beyond);
ATF_TC_BODY(connections_have_a_limit_and_are_counted_beyond, tc)
{
	int i, error = 0;

	begin(IPC_RUN);
	for (i = 0; i < 10 * CONNECT_BURST && error == 0; i++)
		error = connection(2, 0, 0);
	ATF_CHECK_EQ(EAGAIN, error);
	ATF_CHECK_MSG(i > CONNECT_BURST, "%d", i);
	ATF_CHECK_EQ(1, counter_value[COUNTER_connects_refused]);
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

ATF_TC_WITHOUT_HEAD(a_child_that_lacks_a_layer_is_given_no_config);
ATF_TC_BODY(a_child_that_lacks_a_layer_is_given_no_config, tc)
{
	const struct ipc_confined none = { SANDBOX_ALL & ~SANDBOX_SECCOMP };

	begin(IPC_NEW);
	say(WORKER, IPC_CONFINED, &none, sizeof(none));
	expect_killed(WORKER, "it says that it is not confined");
	ATF_CHECK_EQ(0, p.child[WORKER].layers);
}

ATF_TC_WITHOUT_HEAD(a_child_of_root_that_kept_its_user_is_given_no_config);
ATF_TC_BODY(a_child_of_root_that_kept_its_user_is_given_no_config, tc)
{
	const struct ipc_confined same = { SANDBOX_ALL & ~SANDBOX_UID };

	begin(IPC_NEW);
	p.confine_uid = true;
	say(WORKER, IPC_CONFINED, &same, sizeof(same));
	expect_killed(WORKER, "it says that it is not confined");
}

ATF_TC_WITHOUT_HEAD(a_confined_child_is_given_its_config);
ATF_TC_BODY(a_confined_child_is_given_its_config, tc)
{
	const struct ipc_confined all = { SANDBOX_ALL };
	const struct ipc_generation ready = { 2 };
	struct ipc_message m;
	const char *wrong;

	begin(IPC_NEW);
	p.confine_uid = true;
	say(WORKER, IPC_CONFINED, &all, sizeof(all));
	ATF_CHECK_EQ(SANDBOX_ALL, p.child[WORKER].layers);
	child[WORKER].state = IPC_CONFIG;
	ATF_REQUIRE_EQ(1, ipc_recv(&child[WORKER], &buffer, &m, &wrong));
	ATF_CHECK_EQ(IPC_CONF_WORKER, m.type);
	ATF_CHECK(!was_ready);
	say(WORKER, IPC_READY, &ready, sizeof(ready));
	ATF_CHECK(was_ready);
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
}

/* Only in a trial, only of what is next, and only when all were told of. */
ATF_TC_WITHOUT_HEAD(a_trial_that_nobody_asked_for_kills_who_tells_of_it);
ATF_TC_BODY(a_trial_that_nobody_asked_for_kills_who_tells_of_it, tc)
{
	struct ipc_trial t = { .failure = "refused" };

	begin(IPC_RUN);
	say(TLS, IPC_TRIAL, &t, sizeof(t));
	expect_killed(TLS, "a trial that nobody asked for");
}

ATF_TC_WITHOUT_HEAD(a_trial_ends_when_each_address_was_told_of);
ATF_TC_BODY(a_trial_ends_when_each_address_was_told_of, tc)
{
	struct ipc_trial t = { .failure = "refused" };

	begin(IPC_RUN);
	p.trial = true;
	p.base = event_base_new();
	conf.upstream[0].naddress = 2;
	say(TLS, IPC_TRIAL, &t, sizeof(t));
	t.address = 1;
	say(TLS, IPC_TRIAL, &t, sizeof(t));
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
	say(TLS, IPC_TRIED, NULL, 0);
	ATF_CHECK_EQ(0, counter_value[COUNTER_child_broken]);
	say(TLS, IPC_TRIAL, &t, sizeof(t));
	expect_killed(TLS, "a trial that nobody asked for");
}

ATF_TC_WITHOUT_HEAD(a_trial_out_of_turn_kills_who_tells_of_it);
ATF_TC_BODY(a_trial_out_of_turn_kills_who_tells_of_it, tc)
{
	struct ipc_trial t = { .failure = "refused", .address = 1 };

	begin(IPC_RUN);
	p.trial = true;
	conf.upstream[0].naddress = 2;
	say(TLS, IPC_TRIAL, &t, sizeof(t));
	expect_killed(TLS, "a trial that nobody asked for");
}

ATF_TC_WITHOUT_HEAD(a_trial_that_ends_early_kills_who_says_so);
ATF_TC_BODY(a_trial_that_ends_early_kills_who_says_so, tc)
{
	begin(IPC_RUN);
	p.trial = true;
	say(TLS, IPC_TRIED, NULL, 0);
	expect_killed(TLS, "a trial that is not whole");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_configured_address_is_connected_to);
	ATF_TP_ADD_TC(tp, an_address_that_is_not_configured_kills_who_asks);
	ATF_TP_ADD_TC(tp, an_upstream_that_is_not_forwarded_to_kills_who_asks);
	ATF_TP_ADD_TC(tp, a_way_that_is_not_an_upstreams_kills_who_asks);
	ATF_TP_ADD_TC(tp, a_config_to_come_kills_who_asks_by_it);
	ATF_TP_ADD_TC(tp, a_plain_upstream_is_given_by_udp_and_by_tcp);
	ATF_TP_ADD_TC(tp, a_proxy_is_asked_before_the_socket_is_handed_on);
	ATF_TP_ADD_TC(tp, a_connection_proxied_that_nobody_asked_for_kills);
	ATF_TP_ADD_TC(tp, an_error_that_is_none_kills_the_socks_process);
	ATF_TP_ADD_TC(tp, a_tls_process_is_not_given_what_one_before_asked_for);
	ATF_TP_ADD_TC(tp, what_a_dead_socks_process_had_under_way_has_failed);
	ATF_TP_ADD_TC(tp, connections_under_way_by_proxy_have_a_bound);
	ATF_TP_ADD_TC(tp, a_connection_asked_for_before_a_reload_is_stale);
	ATF_TP_ADD_TC(tp, connections_have_a_limit_and_are_counted_beyond);
	ATF_TP_ADD_TC(tp, a_child_that_lacks_a_layer_is_given_no_config);
	ATF_TP_ADD_TC(
	    tp, a_child_of_root_that_kept_its_user_is_given_no_config);
	ATF_TP_ADD_TC(tp, a_confined_child_is_given_its_config);
	ATF_TP_ADD_TC(tp, a_trial_that_nobody_asked_for_kills_who_tells_of_it);
	ATF_TP_ADD_TC(tp, a_trial_ends_when_each_address_was_told_of);
	ATF_TP_ADD_TC(tp, a_trial_out_of_turn_kills_who_tells_of_it);
	ATF_TP_ADD_TC(tp, a_trial_that_ends_early_kills_who_says_so);
	return atf_no_error();
}
