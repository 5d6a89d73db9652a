/* Real workers with the cache that their parent hands them: they share it, it
 * outlives them, and a parent's word of it is checked. */
#include <sys/mman.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct harness first, second;
static struct ipc_counters counters;
static uint8_t buf[DNS_MESSAGE_MAX];

static int
memory_of(size_t size)
{
	int fd = memfd_create("cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE_EQ(0, ftruncate(fd, (off_t)size));
	return fd;
}

static void
start(struct harness *h, uint32_t index, int memory)
{
	harness_start(h);
	h->index = index;
	h->workers = 2;
	h->cache = memory;
	h->cache_size = CONF_CACHE_SIZE_MIN;
	(void)harness_listen(h, "127.0.0.1", IPC_UDP);
	(void)harness_listen(h, "127.0.0.1", IPC_TCP);
	harness_configure(h);
	harness_tls(h);
}

/* Which is answered by an upstream. */
static void
miss(struct harness *h, const char *name)
{
	int fd = client_connect(&h->socket[0]);
	struct dns_question question;
	struct ipc_query q;

	client_ask(fd, IPC_UDP, 1, name, 0);
	harness_question(h, &q, &question);
	harness_answer(h, q.id, &question, 3);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_REQUIRE_EQ(DNS_NOERROR, message_rcode(buf));
	(void)close(fd);
}

/* Which is answered by the worker alone. */
static void
hit(struct harness *h, enum ipc_proto proto, const char *name)
{
	int fd = client_connect(&h->socket[proto == IPC_TCP]);
	struct dns_answer answer;
	size_t len;

	client_ask(fd, proto, 4242, name, 0);
	len = client_receive(fd, proto, buf);
	ATF_REQUIRE(dns_answer_read(&answer, buf, len));
	ATF_CHECK_EQ(4242, answer.id);
	ATF_CHECK_EQ(DNS_NOERROR, answer.rcode);
	ATF_CHECK_EQ(3, answer.ancount);
	ATF_CHECK(!harness_has_question(h, 0));
	(void)close(fd);
}

static void
expect_counts(struct harness *h, uint64_t hits, uint64_t forwarded)
{
	harness_counters(h, &counters);
	ATF_CHECK_EQ(hits, counters.value[COUNTER_cache_hits]);
	ATF_CHECK_EQ(forwarded, counters.value[COUNTER_queries_forwarded]);
}

CASE(what_is_known_never_reaches_the_tls_process)
{
	(void)tc;
	start(&first, 0, memory_of(CONF_CACHE_SIZE_MIN));
	miss(&first, "www.example.");
	hit(&first, IPC_UDP, "www.example.");
	hit(&first, IPC_TCP, "WWW.example.");
	expect_counts(&first, 2, 1);
	miss(&first, "other.example.");
	expect_counts(&first, 2, 2);
	harness_stop(&first);
}

CASE(without_a_cache_each_question_reaches_it)
{
	(void)tc;
	harness_up(&first);
	miss(&first, "www.example.");
	miss(&first, "www.example.");
	expect_counts(&first, 0, 2);
	harness_stop(&first);
}

CASE(what_one_worker_learns_the_other_knows)
{
	int memory = memory_of(CONF_CACHE_SIZE_MIN);

	(void)tc;
	start(&first, 0, memory);
	start(&second, 1, memory);
	miss(&first, "www.example.");
	hit(&second, IPC_UDP, "www.example.");
	miss(&second, "other.example.");
	hit(&first, IPC_TCP, "other.example.");
	expect_counts(&first, 1, 1);
	expect_counts(&second, 1, 1);
	harness_stop(&first);
	hit(&second, IPC_UDP, "www.example.");
	harness_stop(&second);
}

CASE(what_a_killed_worker_learned_is_not_lost)
{
	int memory = memory_of(CONF_CACHE_SIZE_MIN);

	(void)tc;
	start(&first, 0, memory);
	miss(&first, "www.example.");
	ATF_REQUIRE_EQ(0, kill(first.pid, SIGKILL));
	(void)harness_end(&first);
	start(&second, 0, memory);
	hit(&second, IPC_UDP, "www.example.");
	expect_counts(&second, 1, 0);
	harness_stop(&second);
}

CASE(a_reload_keeps_what_is_known)
{
	(void)tc;
	start(&first, 0, memory_of(CONF_CACHE_SIZE_MIN));
	miss(&first, "www.example.");
	first.udp_size = 4096;
	harness_configure(&first);
	hit(&first, IPC_UDP, "www.example.");
	expect_counts(&first, 1, 1);
	harness_stop(&first);
}

CASE(without_a_tls_process_what_is_known_is_still_told)
{
	int fd;

	(void)tc;
	start(&first, 0, memory_of(CONF_CACHE_SIZE_MIN));
	miss(&first, "www.example.");
	ipc_close(&first.tls);
	fd = client_connect(&first.socket[0]);
	client_ask(fd, IPC_UDP, 4711, "www.example.", 0);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(4711, message_id(buf));
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	harness_stop(&first);
}

CASE(in_other_memory_nothing_is_known_and_the_memory_before_is_let_go)
{
	int before = memory_of(CONF_CACHE_SIZE_MIN);

	(void)tc;
	start(&first, 0, before);
	miss(&first, "www.example.");
	hit(&first, IPC_UDP, "www.example.");
	/* Nobody can forbid to write to it while it is mapped for that. */
	ATF_REQUIRE_EQ(-1, fcntl(before, F_ADD_SEALS, F_SEAL_WRITE));
	first.cache = memory_of(CONF_CACHE_SIZE_MIN);
	harness_cache(&first);
	harness_counters(&first, &counters);
	ATF_CHECK_EQ(0, fcntl(before, F_ADD_SEALS, F_SEAL_WRITE));
	miss(&first, "www.example.");
	hit(&first, IPC_TCP, "www.example.");
	harness_stop(&first);
}

/* Who answers it may be whom the memory before is no longer trusted for. */
CASE(what_was_asked_before_other_memory_is_answered_but_not_kept)
{
	struct dns_question question;
	struct ipc_query q;
	int fd;

	(void)tc;
	start(&first, 0, memory_of(CONF_CACHE_SIZE_MIN));
	fd = client_connect(&first.socket[0]);
	client_ask(fd, IPC_UDP, 1, "www.example.", 0);
	harness_question(&first, &q, &question);
	first.cache = memory_of(CONF_CACHE_SIZE_MIN);
	harness_cache(&first);
	harness_counters(&first, &counters);
	harness_answer(&first, q.id, &question, 3);
	ATF_REQUIRE(client_receive(fd, IPC_UDP, buf) > 0);
	ATF_CHECK_EQ(DNS_NOERROR, message_rcode(buf));
	miss(&first, "www.example.");
	hit(&first, IPC_UDP, "www.example.");
	harness_stop(&first);
}

CASE(without_a_cache_at_start_none_is_taken_later)
{
	int status;

	(void)tc;
	harness_up(&first);
	first.cache = memory_of(CONF_CACHE_SIZE_MIN);
	first.cache_size = CONF_CACHE_SIZE_MIN;
	harness_cache(&first);
	status = harness_end(&first);
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	ATF_CHECK_MSG(
	    strstr(first.log, "a cache after all") != NULL, "%s", first.log);
}

/* The worker ends over it, and says what is wrong. */
static void
refuses(size_t real, uint64_t said, uint32_t times, const char *why)
{
	int status;

	harness_start(&first);
	first.cache = memory_of(real);
	first.cache_size = said;
	first.cache_times = times;
	(void)harness_listen(&first, "127.0.0.1", IPC_UDP);
	harness_misconfigure(&first);
	status = harness_end(&first);
	ATF_CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	ATF_CHECK_MSG(
	    strstr(first.log, why) != NULL, "%s, not %s", first.log, why);
	ipc_close(&first.parent);
	(void)close(first.cache);
	(void)close(first.socket[0].fd);
}

CASE(a_cache_out_of_bounds_is_not_taken)
{
	(void)tc;
	refuses(4096, 0, 1, "a cache out of bounds");
	refuses(4096, CONF_CACHE_SIZE_MIN - 4096, 1, "a cache out of bounds");
	refuses(4096, CONF_CACHE_SIZE_MAX + 4096, 1, "a cache out of bounds");
	refuses(4096, UINT64_MAX, 1, "a cache out of bounds");
	refuses(CONF_CACHE_SIZE_MIN + 4096, CONF_CACHE_SIZE_MIN + 1, 1,
	    "the cache cannot be used");
}

CASE(a_second_cache_is_not_taken)
{
	(void)tc;
	refuses(CONF_CACHE_SIZE_MIN, CONF_CACHE_SIZE_MIN, 2, "a second cache");
}

/* The parent seals the size it says. If that were wrong, the worker is to end
 * of it, and not to read what is not its own. */
CASE(memory_that_is_not_there_ends_the_worker)
{
	int status;

	(void)tc;
	harness_start(&first);
	first.cache = memory_of(0);
	first.cache_size = CONF_CACHE_SIZE_MIN;
	(void)harness_listen(&first, "127.0.0.1", IPC_UDP);
	harness_misconfigure(&first);
	status = harness_end(&first);
	ATF_CHECK(status != 0);
	/* By SIGBUS; a sanitizer that wants to tell of it dies of SIGSYS. */
	ATF_CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGBUS ||
	    WTERMSIG(status) == SIGSYS);
	ATF_CHECK_MSG(
	    strstr(first.log, "the parent sent") == NULL, "%s", first.log);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_known_never_reaches_the_tls_process);
	ATF_TP_ADD_TC(tp, without_a_cache_each_question_reaches_it);
	ATF_TP_ADD_TC(tp, what_one_worker_learns_the_other_knows);
	ATF_TP_ADD_TC(tp, what_a_killed_worker_learned_is_not_lost);
	ATF_TP_ADD_TC(tp, a_reload_keeps_what_is_known);
	ATF_TP_ADD_TC(tp, without_a_tls_process_what_is_known_is_still_told);
	ATF_TP_ADD_TC(tp,
	    in_other_memory_nothing_is_known_and_the_memory_before_is_let_go);
	ATF_TP_ADD_TC(
	    tp, what_was_asked_before_other_memory_is_answered_but_not_kept);
	ATF_TP_ADD_TC(tp, without_a_cache_at_start_none_is_taken_later);
	ATF_TP_ADD_TC(tp, a_cache_out_of_bounds_is_not_taken);
	ATF_TP_ADD_TC(tp, a_second_cache_is_not_taken);
	ATF_TP_ADD_TC(tp, memory_that_is_not_there_ends_the_worker);
	return atf_no_error();
}
