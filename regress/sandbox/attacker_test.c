/*
 * Somebody else's code runs in a child, and tries what such code tries. Every
 * attempt ends the process, and what is on the list is told to the parent.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atf-c.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confined.h"

#define SIBLING (-12345) /* stands for the process id of a sibling */

struct attempt {
	const char *what;
	long nr;
	long arg[6];
	bool told; /* the parent learns which call it was */
};

static void attack(const struct attempt *);
static pid_t start_sibling(void);
static void make_attempt(void *);

/* Writable, since the kernel would write into some of them. */
static char text[] = "/etc/passwd";
static char zeroes[256];
static long sibling;

#define AT(x) (long)(intptr_t)(x)
#define TRY(name, call, told, ...)                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)                                                  \
	{                                                                      \
		static const struct attempt a = { #name, SYS_##call,           \
			{ __VA_ARGS__ }, told };                               \
		attack(&a);                                                    \
	}

TRY(opens_a_file, openat, true, AT_FDCWD, AT(text), O_RDONLY)
TRY(opens_a_file_the_old_way, open, true, AT(text), O_RDONLY)
TRY(opens_a_file_the_new_way, openat2, true, AT_FDCWD, AT(text), AT(zeroes), 24)
TRY(makes_a_socket, socket, true, AF_INET, SOCK_STREAM, 0)
TRY(makes_a_packet_socket, socket, true, AF_PACKET, SOCK_RAW, 0)
TRY(makes_a_socketpair, socketpair, true, AF_UNIX, SOCK_STREAM, 0, AT(zeroes))
TRY(connects_its_channel, connect, true, 3, AT(zeroes), 16)
TRY(binds_its_channel, bind, true, 3, AT(zeroes), 16)
TRY(listens, listen, true, 3, 1)
TRY(forks, fork, true, 0)
TRY(forks_by_vfork, vfork, true, 0)
TRY(forks_by_clone, clone, true, SIGCHLD, 0, 0, 0, 0)
TRY(forks_by_clone3, clone3, true, AT(zeroes), 88)
TRY(runs_a_program, execve, true, AT(text), 0, 0)
TRY(runs_a_program_it_holds, execveat, true, 3, AT(zeroes), 0, 0, AT_EMPTY_PATH)
TRY(traces_a_sibling, ptrace, true, PTRACE_ATTACH, SIBLING, 0, 0)
TRY(lets_itself_be_traced, ptrace, true, PTRACE_TRACEME, 0, 0, 0)
TRY(kills_a_sibling, kill, true, SIBLING, SIGKILL)
TRY(kills_a_sibling_by_thread, tgkill, true, SIBLING, SIBLING, SIGKILL)
TRY(kills_everybody, kill, true, -1, SIGKILL)
TRY(opens_a_siblings_handle, pidfd_open, true, SIBLING, 0)
TRY(takes_a_siblings_descriptor, pidfd_getfd, true, 3, 3, 0)
TRY(reads_a_siblings_memory, process_vm_readv, true, SIBLING, 0, 0, 0, 0, 0)
TRY(writes_a_siblings_memory, process_vm_writev, true, SIBLING, 0, 0, 0, 0, 0)
TRY(makes_a_file_of_memory, memfd_create, true, AT(text), 0)
TRY(sets_up_io_uring, io_uring_setup, true, 8, AT(zeroes))
TRY(loads_a_bpf_program, bpf, true, 5, AT(zeroes), 72)
TRY(handles_page_faults, userfaultfd, true, 0)
TRY(reads_the_keys, keyctl, true, KEYCTL_GET_KEYRING_ID, -4, 0)
TRY(becomes_root, setuid, true, 0)
TRY(becomes_root_for_good, setresuid, true, 0, 0, 0)
TRY(leaves_its_namespaces, unshare, true, CLONE_NEWUSER)
TRY(joins_a_namespace, setns, true, 3, 0)
TRY(mounts, mount, true, AT(zeroes), AT(zeroes), AT(zeroes), 0, 0)
TRY(changes_its_root, chroot, true, AT(zeroes))
TRY(counts_events, perf_event_open, true, AT(zeroes), 0, -1, -1, 0)
TRY(makes_memory_to_run, mmap, false, 0, 4096, PROT_READ | PROT_EXEC,
    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
TRY(makes_memory_run, mprotect, false, 0, 0, PROT_READ | PROT_EXEC)
TRY(asks_for_a_filter_of_its_own, seccomp, false, 1, 0, AT(zeroes))
TRY(catches_the_signal_of_refusal, rt_sigaction, false, SIGSYS, AT(zeroes), 0,
    8)
TRY(raises_its_limits, prlimit64, false, 0, 7, AT(zeroes), 0)
TRY(looks_at_a_terminal, ioctl, false, 0, 0x5412, AT(zeroes))
TRY(duplicates_a_descriptor, dup2, false, 3, 0)
TRY(waits_for_anybody, wait4, false, -1, 0, 0, 0)
TRY(sets_capabilities, capset, false, AT(zeroes), 0)
TRY(loads_a_module, init_module, false, AT(zeroes), 0, AT(zeroes))

/* Somebody who holds the process may hold its handler as well. */
static sigjmp_buf out;

static void
leave_the_handler(void)
{
	siglongjmp(out, 1);
}

static void
try_again(void *arg)
{
	(void)arg;
	if (sigsetjmp(out, 1) == 0)
		(void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	(void)syscall(SYS_connect, confined_channel(), zeroes, 16);
	_exit(0);
}

ATF_TC_WITHOUT_HEAD(handler_that_was_left_does_not_run_again);
ATF_TC_BODY(handler_that_was_left_does_not_run_again, tc)
{
	struct confined c = { .body = try_again,
		.after_report = leave_the_handler };
	struct outcome o;

	for (c.role = SANDBOX_WORKER; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_CHECK(outcome_is_sigsys(&o));
		ATF_CHECK_EQ(SYS_socket, o.refused);
	}
}

/* With every signal blocked the report is lost, the end is the same. */
static void
block_and_try(void *arg)
{
	sigset_t all;

	(void)arg;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	_exit(0);
}

ATF_TC_WITHOUT_HEAD(blocked_signals_do_not_save_it);
ATF_TC_BODY(blocked_signals_do_not_save_it, tc)
{
	struct confined c = { .role = SANDBOX_TLS, .body = block_and_try };
	struct outcome o = confined_run(&c);

	ATF_CHECK(outcome_is_sigsys(&o));
	ATF_CHECK_EQ(-1, o.refused);
}

/*
 * A socket that the parent connected and that was refused is free again, and
 * sendmsg can connect as well (MSG_FASTOPEN), past connect(2) and past
 * Landlock's rule for it: to an address that no config names.
 */
static int elsewhere, refused;
static struct sockaddr_in where;

static int
listen_anywhere(void)
{
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memset(&where, 0, sizeof(where));
	where.sin_family = AF_INET;
	where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE(fd != -1);
	ATF_REQUIRE(bind(fd, (struct sockaddr *)&where, len) == 0);
	ATF_REQUIRE(getsockname(fd, (struct sockaddr *)&where, &len) == 0);
	return fd;
}

static void
connect_by_sending(void *arg)
{
	struct iovec iov = { zeroes, 1 };
	struct msghdr msg = { .msg_name = &where,
		.msg_namelen = sizeof(where),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	struct mmsghdr many = { .msg_hdr = msg };
	int i;

	/* The first collects the error of the connect before. */
	for (i = 0; i < 2; i++)
		if (arg == NULL)
			(void)syscall(SYS_sendmsg, refused, &msg,
			    MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			(void)syscall(SYS_sendmmsg, refused, &many, 1,
			    MSG_FASTOPEN | MSG_DONTWAIT);
	_exit(0);
}

ATF_TC_WITHOUT_HEAD(connects_by_sending);
ATF_TC_BODY(connects_by_sending, tc)
{
	struct confined c = { .body = connect_by_sending };
	struct outcome o;
	int nobody, way;

	confined_skip_if_sanitized();
	for (c.role = SANDBOX_WORKER; c.role <= SANDBOX_SOCKS; c.role++)
		for (way = 0; way < 2; way++) {
			nobody = listen_anywhere(); /* bound only */
			refused = socket(AF_INET, SOCK_STREAM, 0);
			ATF_REQUIRE_EQ(-1,
			    connect(refused, (struct sockaddr *)&where,
				sizeof(where)));
			elsewhere = listen_anywhere();
			ATF_REQUIRE(listen(elsewhere, 8) == 0);
			c.arg = way == 0 ? NULL : &way;
			o = confined_run(&c);
			ATF_REQUIRE_MSG(o.entered, "%s", o.said);
			ATF_CHECK_EQ(-1, accept(elsewhere, NULL, NULL));
			ATF_CHECK_MSG(outcome_is_sigsys(&o),
			    "role %d, way %d: status %#x", c.role, way,
			    o.status);
			(void)close(nobody);
			(void)close(refused);
			(void)close(elsewhere);
		}
}

#define ADD(name) ATF_TP_ADD_TC(tp, name)

ATF_TP_ADD_TCS(tp)
{
	ADD(opens_a_file);
	ADD(opens_a_file_the_old_way);
	ADD(opens_a_file_the_new_way);
	ADD(makes_a_socket);
	ADD(makes_a_packet_socket);
	ADD(makes_a_socketpair);
	ADD(connects_its_channel);
	ADD(binds_its_channel);
	ADD(listens);
	ADD(forks);
	ADD(forks_by_vfork);
	ADD(forks_by_clone);
	ADD(forks_by_clone3);
	ADD(runs_a_program);
	ADD(runs_a_program_it_holds);
	ADD(traces_a_sibling);
	ADD(lets_itself_be_traced);
	ADD(kills_a_sibling);
	ADD(kills_a_sibling_by_thread);
	ADD(kills_everybody);
	ADD(opens_a_siblings_handle);
	ADD(takes_a_siblings_descriptor);
	ADD(reads_a_siblings_memory);
	ADD(writes_a_siblings_memory);
	ADD(makes_a_file_of_memory);
	ADD(sets_up_io_uring);
	ADD(loads_a_bpf_program);
	ADD(handles_page_faults);
	ADD(reads_the_keys);
	ADD(becomes_root);
	ADD(becomes_root_for_good);
	ADD(leaves_its_namespaces);
	ADD(joins_a_namespace);
	ADD(mounts);
	ADD(changes_its_root);
	ADD(counts_events);
	ADD(makes_memory_to_run);
	ADD(makes_memory_run);
	ADD(asks_for_a_filter_of_its_own);
	ADD(catches_the_signal_of_refusal);
	ADD(raises_its_limits);
	ADD(looks_at_a_terminal);
	ADD(duplicates_a_descriptor);
	ADD(waits_for_anybody);
	ADD(sets_capabilities);
	ADD(loads_a_module);
	ADD(connects_by_sending);
	ADD(handler_that_was_left_does_not_run_again);
	ADD(blocked_signals_do_not_save_it);
	return atf_no_error();
}

/* From inside each child. */
static void
attack(const struct attempt *a)
{
	struct confined c = { .body = make_attempt,
		.arg = (void *)(uintptr_t)a };
	struct outcome o;
	pid_t pid;
	int status;

	if (a->nr == SYS_open || a->nr == SYS_rt_sigaction ||
	    a->nr == SYS_prlimit64)
		confined_skip_if_sanitized();
	sibling = pid = start_sibling();
	for (c.role = SANDBOX_WORKER; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_REQUIRE_MSG(o.entered, "%s", o.said);
		ATF_CHECK_MSG(outcome_is_sigsys(&o), "%s, role %d: status %#x",
		    a->what, c.role, o.status);
		ATF_CHECK_MSG(o.refused == (a->told ? (int)a->nr : -1),
		    "%s, role %d: reported %d", a->what, c.role, o.refused);
	}
	/* It lives, and nobody but this test ends it. */
	ATF_CHECK_EQ(0, waitpid(pid, &status, WNOHANG));
	ATF_REQUIRE(kill(pid, SIGKILL) == 0);
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
}

static pid_t
start_sibling(void)
{
	pid_t pid = fork();

	ATF_REQUIRE(pid != -1);
	if (pid == 0) {
		(void)alarm(60);
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void
make_attempt(void *arg)
{
	const struct attempt *a = arg;
	long v[6];
	int i;

	for (i = 0; i < 6; i++)
		v[i] = a->arg[i] == SIBLING ? sibling : a->arg[i];
	(void)syscall(a->nr, v[0], v[1], v[2], v[3], v[4], v[5]);
	_exit(0);
}
