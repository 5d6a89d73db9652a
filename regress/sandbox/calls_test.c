/*
 * What is outside a role's table ends in SIGSYS, call by call. The table is
 * taken from the golden file, not from the code that makes the filter.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <asm/prctl.h>
#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "confined.h"

/* Past the last number of any kernel so far; x32's own begin at 512. */
#define NUMBERS 600
#define X32_BIT 0x40000000L

struct call {
	const char *name;
	long nr;
	long arg[6];
};

static void every_call_outside_dies(const atf_tc_t *, enum sandbox_role);
static bool is_beyond_filters(long);
static void read_table(const char *, const char *, bool[NUMBERS]);
static void dies(enum sandbox_role, const struct call *);
static void all_die(enum sandbox_role, const struct call *, size_t);
static void make_call(void *);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BAD(text, name, ...)                                                   \
	{                                                                      \
		text, SYS_##name,                                              \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Allowed in part to every role, and not like this. */
static const struct call bad_anywhere[] = {
	BAD("memory written and executed", mmap, 0, 4096,
	    PROT_READ | PROT_WRITE | PROT_EXEC, ANON, -1, 0),
	BAD("memory executed", mmap, 0, 4096, PROT_EXEC, ANON, -1, 0),
	BAD("shared memory", mmap, 0, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0),
	BAD("a file shared", mmap, 0, 4096, PROT_READ, MAP_SHARED, 0, 0),
	BAD("memory made executable", mprotect, 0, 0, PROT_READ | PROT_EXEC),
	BAD("memory at a chosen place", mremap, 0, 0, 0,
	    MREMAP_MAYMOVE | MREMAP_FIXED),
	BAD("memory poisoned", madvise, 0, 0, 100),
	BAD("memory merged", madvise, 0, 0, MADV_MERGEABLE),
	BAD("a shared futex", futex, 0, FUTEX_WAKE),
	BAD("a futex requeued", futex, 0, FUTEX_CMP_REQUEUE_PI_PRIVATE),
	BAD("a foreign name", prctl, PR_SET_NAME),
	BAD("a tracer", prctl, PR_SET_PTRACER),
	BAD("an inherited connection", accept4, -1, 0, 0, 0),
	BAD("a peer's identity", getsockopt, -1, SOL_SOCKET, SO_PEERCRED),
	BAD("a socket's filter", setsockopt, -1, SOL_SOCKET, SO_ATTACH_FILTER),
	BAD("a filter off", setsockopt, -1, SOL_SOCKET, SO_DETACH_FILTER),
	BAD("timestamps", setsockopt, -1, SOL_SOCKET, SO_TIMESTAMPING),
	BAD("a protocol on top", setsockopt, -1, SOL_TCP, TCP_ULP),
	BAD("a socket's signals", fcntl, 0, F_SETOWN, 0),
	BAD("a lease", fcntl, 0, F_SETLEASE, 0),
	BAD("a byte into a terminal", ioctl, 0, TIOCSTI, 0),
};

/* A child's dumpable and privileges are as they are. */
static const struct call bad_in_a_child[] = {
	BAD("a device", setsockopt, -1, SOL_SOCKET, SO_BINDTODEVICE),
	BAD("a socket's name", getsockname, -1, 0, 0),
	BAD("dumpable", prctl, PR_SET_DUMPABLE, 1),
	BAD("securebits", prctl, PR_SET_SECUREBITS, 0),
	BAD("a filter of its own", seccomp, 1, 0, 0),
	BAD("a handler for SIGSYS", rt_sigaction, SIGSYS, 0, 0, 8),
	BAD("a file mapped", mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0),
	BAD("flags of a descriptor", fcntl, 0, F_GETFL),
};

static const struct call bad_in_a_worker[] = {
	BAD("a datagram to an address", sendto, -1, 0, 0, 0, 4096, 16),
	BAD("read", read, -1, 0, 0),
	BAD("write", write, -1, 0, 0),
};

static const struct call bad_in_tls[] = {
	BAD("a file's attributes", newfstatat, AT_FDCWD, 0, 0, 0),
	BAD("accept4", accept4, -1, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	BAD("a datagram", sendto, -1, 0, 0, 0, 0, 0),
};

static const struct call bad_in_socks[] = {
	BAD("a file's attributes", newfstatat, AT_FDCWD, 0, 0, 0),
	BAD("a file read at a place", pread64, -1, 0, 0, 0),
	BAD("accept4", accept4, -1, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
	BAD("a datagram", sendto, -1, 0, 0, 0, 0, 0),
	BAD("many datagrams", sendmmsg, -1, 0, 0, 0),
};

static const struct call bad_in_the_parent[] = {
	BAD("a netlink socket", socket, AF_NETLINK, SOCK_RAW, 0),
	BAD("a packet socket", socket, AF_PACKET, SOCK_RAW, 0),
	BAD("a raw socket", socket, AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1),
	BAD("a stream to a local socket", socket, AF_UNIX, SOCK_STREAM, 0),
	BAD("a kernel crypto socket", socket, AF_ALG, SOCK_SEQPACKET, 0),
	BAD("an internet socketpair", socketpair, AF_INET, SOCK_STREAM),
	BAD("a new user namespace", clone, CLONE_NEWUSER | SIGCHLD),
	BAD("a thread", clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND),
	BAD("vfork's clone", clone, CLONE_VM | CLONE_VFORK | SIGCHLD),
	BAD("a library written", mmap, 0, 4096, PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_DENYWRITE, 0, 0),
	BAD("a file to write", openat, AT_FDCWD, 0, O_WRONLY),
	BAD("a file to read and write", openat, AT_FDCWD, 0, O_RDWR),
	BAD("a new file", openat, AT_FDCWD, 0, O_RDONLY | O_CREAT),
	BAD("a shorter file", openat, AT_FDCWD, 0, O_RDONLY | O_TRUNC),
	BAD("a file of no name", openat, AT_FDCWD, 0, O_RDWR | O_TMPFILE),
	BAD("huge pages", memfd_create, 0, MFD_HUGETLB),
	BAD("limits of another", prlimit64, 1, RLIMIT_NOFILE, 0, 0),
	BAD("seccomp by prctl", prctl, PR_SET_SECCOMP, 0),
	BAD("strict mode", seccomp, 0, 0, 0),
	BAD("another base of gs", arch_prctl, ARCH_SET_GS, 0),
};

ATF_TC_WITHOUT_HEAD(every_call_outside_the_parents_table_dies);
ATF_TC_BODY(every_call_outside_the_parents_table_dies, tc)
{
	every_call_outside_dies(tc, SANDBOX_PARENT);
}

ATF_TC_WITHOUT_HEAD(every_call_outside_the_workers_table_dies);
ATF_TC_BODY(every_call_outside_the_workers_table_dies, tc)
{
	every_call_outside_dies(tc, SANDBOX_WORKER);
}

ATF_TC_WITHOUT_HEAD(every_call_outside_the_tls_table_dies);
ATF_TC_BODY(every_call_outside_the_tls_table_dies, tc)
{
	every_call_outside_dies(tc, SANDBOX_TLS);
}

ATF_TC_WITHOUT_HEAD(every_call_outside_the_socks_table_dies);
ATF_TC_BODY(every_call_outside_the_socks_table_dies, tc)
{
	every_call_outside_dies(tc, SANDBOX_SOCKS);
}

ATF_TC_WITHOUT_HEAD(allowed_call_with_other_arguments_dies_in_the_parent);
ATF_TC_BODY(allowed_call_with_other_arguments_dies_in_the_parent, tc)
{
	all_die(SANDBOX_PARENT, bad_anywhere, ARRAY_LEN(bad_anywhere));
	all_die(
	    SANDBOX_PARENT, bad_in_the_parent, ARRAY_LEN(bad_in_the_parent));
}

ATF_TC_WITHOUT_HEAD(allowed_call_with_other_arguments_dies_in_a_worker);
ATF_TC_BODY(allowed_call_with_other_arguments_dies_in_a_worker, tc)
{
	all_die(SANDBOX_WORKER, bad_anywhere, ARRAY_LEN(bad_anywhere));
	all_die(SANDBOX_WORKER, bad_in_a_child, ARRAY_LEN(bad_in_a_child));
	all_die(SANDBOX_WORKER, bad_in_a_worker, ARRAY_LEN(bad_in_a_worker));
}

ATF_TC_WITHOUT_HEAD(allowed_call_with_other_arguments_dies_in_tls);
ATF_TC_BODY(allowed_call_with_other_arguments_dies_in_tls, tc)
{
	all_die(SANDBOX_TLS, bad_anywhere, ARRAY_LEN(bad_anywhere));
	all_die(SANDBOX_TLS, bad_in_a_child, ARRAY_LEN(bad_in_a_child));
	all_die(SANDBOX_TLS, bad_in_tls, ARRAY_LEN(bad_in_tls));
}

ATF_TC_WITHOUT_HEAD(allowed_call_with_other_arguments_dies_in_socks);
ATF_TC_BODY(allowed_call_with_other_arguments_dies_in_socks, tc)
{
	all_die(SANDBOX_SOCKS, bad_anywhere, ARRAY_LEN(bad_anywhere));
	all_die(SANDBOX_SOCKS, bad_in_a_child, ARRAY_LEN(bad_in_a_child));
	all_die(SANDBOX_SOCKS, bad_in_socks, ARRAY_LEN(bad_in_socks));
}

/* Numbers that are allowed without the bit, and x32's own with it. */
ATF_TC_WITHOUT_HEAD(x32_numbers_die);
ATF_TC_BODY(x32_numbers_die, tc)
{
	static const long numbers[] = { SYS_read, SYS_mmap, SYS_getpid,
		SYS_exit_group, SYS_socket, 512, 519, 520, 547 };
	struct call call = { .name = "x32" };
	enum sandbox_role role;
	size_t i;

	for (role = SANDBOX_PARENT; role <= SANDBOX_SOCKS; role++)
		for (i = 0; i < ARRAY_LEN(numbers); i++) {
			call.nr = X32_BIT | numbers[i];
			dies(role, &call);
		}
}

#ifdef __x86_64__
static void
i386_getpid(void *arg)
{
	long r;

	(void)arg;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory", "cc");
	_exit(r > 0 ? 0 : 1);
}

ATF_TC_WITHOUT_HEAD(calls_of_a_foreign_architecture_die);
ATF_TC_BODY(calls_of_a_foreign_architecture_die, tc)
{
	struct confined c = { .body = i386_getpid };
	struct outcome o;
	int status;
	pid_t pid;

	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0)
		i386_getpid(NULL);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	if (status != 0)
		atf_tc_skip("this kernel has no 32-bit system calls");
	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_CHECK(o.entered);
		ATF_CHECK_MSG(outcome_is_sigsys(&o), "role %d: status %#x",
		    c.role, o.status);
	}
}
#endif

/* Dies in the middle, if a table lacks what any program needs. */
static void
live(void *arg)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct timespec ts;
	char *small, *large, *larger, byte;

	(void)arg;
	if ((small = malloc(100)) == NULL || (large = malloc(1 << 20)) == NULL)
		_exit(1);
	memset(large, 1, 1 << 20);
	if ((larger = realloc(large, 8 << 20)) == NULL || larger[100] != 1)
		_exit(2);
	free(larger);
	free(small);
	if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == -1 ||
	    getrandom(&byte, 1, 0) != 1 || getpid() <= 0)
		_exit(3);
	/* The channel is no epoll descriptor, which the kernel says. */
	if (epoll_ctl(confined_channel(), EPOLL_CTL_ADD, confined_channel(),
		&event) != -1 ||
	    errno != EINVAL)
		_exit(4);
	(void)syscall(SYS_sysinfo, NULL); /* an error, not death */
	exit(0);
}

ATF_TC_WITHOUT_HEAD(what_every_program_needs_is_allowed);
ATF_TC_BODY(what_every_program_needs_is_allowed, tc)
{
	struct confined c = { .body = live };
	struct outcome o;

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_CHECK_MSG(outcome_is_exit(&o, 0),
		    "role %d: status %#x, refused %d, said %s", c.role,
		    o.status, o.refused, o.said);
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, every_call_outside_the_parents_table_dies);
	ATF_TP_ADD_TC(tp, every_call_outside_the_workers_table_dies);
	ATF_TP_ADD_TC(tp, every_call_outside_the_tls_table_dies);
	ATF_TP_ADD_TC(tp, every_call_outside_the_socks_table_dies);
	ATF_TP_ADD_TC(tp, allowed_call_with_other_arguments_dies_in_the_parent);
	ATF_TP_ADD_TC(tp, allowed_call_with_other_arguments_dies_in_a_worker);
	ATF_TP_ADD_TC(tp, allowed_call_with_other_arguments_dies_in_tls);
	ATF_TP_ADD_TC(tp, allowed_call_with_other_arguments_dies_in_socks);
	ATF_TP_ADD_TC(tp, x32_numbers_die);
#ifdef __x86_64__
	ATF_TP_ADD_TC(tp, calls_of_a_foreign_architecture_die);
#endif
	ATF_TP_ADD_TC(tp, what_every_program_needs_is_allowed);
	return atf_no_error();
}

static void
every_call_outside_dies(const atf_tc_t *tc, enum sandbox_role role)
{
	static const char *const files[] = { "parent.pfc", "worker.pfc",
		"tls.pfc", "socks.pfc" };
	static const long impossible[] = { 1000, 0x3fffffff, -1 };
	struct call call = { .name = "outside the table" };
	bool inside[NUMBERS] = { false };
	size_t i;

#ifndef __x86_64__
	atf_tc_skip("the golden files are of x86_64");
#endif
	confined_skip_if_sanitized();
	read_table(atf_tc_get_config_var(tc, "srcdir"), files[role], inside);
	for (call.nr = 0; call.nr < NUMBERS; call.nr++)
		if (!inside[call.nr] && !is_beyond_filters(call.nr))
			dies(role, &call);
	for (i = 0; i < ARRAY_LEN(impossible); i++) {
		call.nr = impossible[i];
		dies(role, &call);
	}
}

/*
 * uretprobe and uprobe: on x86_64 the kernel keeps every filter's hands off
 * these, since they are what its probes put into a program. Made by a program
 * itself they come to nothing.
 */
static bool
is_beyond_filters(long nr)
{
	return nr == 335 || nr == 336;
}

/*
 * Inside is a call with any other end than TRAP, which kills as well:
 *   # filter for syscall "brk" (12) [priority: 65535]
 *     action ALLOW;
 */
static void
read_table(const char *folder, const char *file, bool inside[NUMBERS])
{
	char path[PATH_MAX], line[256], name[64];
	int nr = -1, n = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	ATF_REQUIRE((in = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, " # filter for syscall \"%63[^\"]\" (%d)",
			name, &nr) == 2) {
			ATF_REQUIRE(nr >= 0 && nr < NUMBERS);
			n++;
		} else if (strstr(line, "# default action") != NULL ||
		    strstr(line, "# invalid architecture action") != NULL)
			nr = -1;
		else if (strstr(line, "action ") != NULL &&
		    strstr(line, "action TRAP") == NULL && nr != -1)
			inside[nr] = true;
	}
	(void)fclose(in);
	ATF_REQUIRE(n > 40 && inside[SYS_exit_group] && !inside[SYS_ptrace]);
}

static void
all_die(enum sandbox_role role, const struct call *call, size_t n)
{
	size_t i;

	confined_skip_if_sanitized();
	for (i = 0; i < n; i++)
		dies(role, &call[i]);
}

static void
dies(enum sandbox_role role, const struct call *call)
{
	struct confined c = {
		.role = role, .body = make_call, .arg = (void *)(uintptr_t)call
	};
	struct outcome o = confined_run(&c);

	ATF_REQUIRE_MSG(o.entered, "%s", o.said);
	ATF_CHECK_MSG(outcome_is_sigsys(&o),
	    "%s (system call %ld) in role %d: status %#x", call->name, call->nr,
	    role, o.status);
}

static void
make_call(void *arg)
{
	const struct call *call = arg;

	(void)syscall(call->nr, call->arg[0], call->arg[1], call->arg[2],
	    call->arg[3], call->arg[4], call->arg[5]);
}
