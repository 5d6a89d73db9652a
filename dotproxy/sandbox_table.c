/*
 * What each role may ask of the kernel: one system call a line, in groups by
 * purpose. A line here is a door: none may be added without saying for what.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "sandbox_table.h"

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef ARCH_CET_STATUS /* never in the kernel, asked by glibc before 2.39 */
#define ARCH_CET_STATUS 0x3001
#endif
#ifndef ARCH_SHSTK_STATUS /* Linux 6.6, asked by glibc since */
#define ARCH_SHSTK_STATUS 0x5005
#endif

/*
 * Only equality, plain or under a mask: libseccomp merges LT and LE wrongly
 * (GHSA-4q85-33p6-j5g6). All 64 bits of an argument are compared.
 */
#define CALL(name, ...)                                                        \
	{                                                                      \
		SCMP_SYS(name),                                                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define EQ(n, value)                                                           \
	{                                                                      \
		(n), SCMP_CMP_EQ, (scmp_datum_t)(value), 0                     \
	}
#define BITS(n, mask, value)                                                   \
	{                                                                      \
		(n), SCMP_CMP_MASKED_EQ, (mask), (value)                       \
	}
#define END                                                                    \
	{                                                                      \
		.nr = NO_RULE                                                  \
	}

#define NO_EXEC(n) BITS(n, PROT_EXEC, 0)
#define ANONYMOUS  (MAP_PRIVATE | MAP_ANONYMOUS)

/* What any program calls by living: allocator, clock, random, exit. */
static rules libc = {
	CALL(brk),
	CALL(mmap, NO_EXEC(2), EQ(3, ANONYMOUS)),
	CALL(munmap),
	CALL(mremap, EQ(3, MREMAP_MAYMOVE)),
	CALL(mprotect, NO_EXEC(2)),
	CALL(madvise, EQ(2, MADV_DONTNEED)),
	CALL(futex, EQ(1, FUTEX_WAIT_PRIVATE)),
	CALL(futex, EQ(1, FUTEX_WAKE_PRIVATE)),
	CALL(getrandom),
	CALL(getpid), /* has a generator been forked? */
	CALL(clock_gettime), /* these three where there is no vDSO */
	CALL(gettimeofday),
	CALL(time),
	CALL(rt_sigprocmask), /* abort() */
	CALL(rt_sigreturn),
	CALL(restart_syscall),
	CALL(exit_group),
	CALL(prctl, EQ(0, PR_GET_SECCOMP)), /* sandbox_enter's last look */
	END,
};

/* libevent's loop. */
static rules loop = {
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait), /* architectures without the other */
	CALL(close),
	END,
};

/*
 * No flag but these, of 32 bits: sendmsg with MSG_FASTOPEN is a connect(2) that
 * neither a filter of that name nor Landlock sees.
 */
#define FLAGS(n, may) BITS(n, (uint32_t) ~(may), 0)

/* Messages between processes. */
static rules ipc = {
	CALL(recvmsg, FLAGS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
	CALL(sendmsg, FLAGS(2, MSG_DONTWAIT | MSG_NOSIGNAL)),
	END,
};

/* Clients, over UDP and TCP. */
static rules clients = {
	CALL(recvmmsg, FLAGS(3, MSG_DONTWAIT)),
	CALL(sendmmsg, FLAGS(3, MSG_DONTWAIT)),
	CALL(accept4, EQ(3, SOCK_NONBLOCK | SOCK_CLOEXEC)),
	CALL(getsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_MEMINFO)), /* drops */
	CALL(timerfd_settime), /* the clock of sockets that rest */
	CALL(pread64), /* local data, a sealed memfd */
	/* The cache, which all workers share. */
	CALL(mmap, EQ(2, PROT_READ | PROT_WRITE), EQ(3, MAP_SHARED)),
	END,
};

/* TLS over the sockets that the parent connected. */
static rules upstreams = {
	CALL(read),
	CALL(write),
	CALL(getsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_ERROR)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_QUICKACK)),
	CALL(pread64), /* the CA bundle, a sealed memfd */
	END,
};

/* SOCKS over the sockets that the parent connected. */
static rules proxies = {
	CALL(read),
	CALL(write),
	CALL(getsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_ERROR)),
	END,
};

/* The parent: sockets for the others. */
static rules sockets = {
	CALL(socket, EQ(0, AF_INET),
	    EQ(1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(socket, EQ(0, AF_INET),
	    EQ(1, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(socket, EQ(0, AF_INET6),
	    EQ(1, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(socket, EQ(0, AF_INET6),
	    EQ(1, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(bind),
	CALL(listen),
	CALL(connect),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_REUSEPORT)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_ATTACH_REUSEPORT_CBPF)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_REUSEADDR)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_RCVBUF)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_SNDBUF)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_KEEPALIVE)),
	CALL(setsockopt, EQ(1, SOL_SOCKET), EQ(2, SO_BINDTODEVICE)),
	CALL(setsockopt, EQ(1, IPPROTO_IP), EQ(2, IP_PKTINFO)),
	CALL(setsockopt, EQ(1, IPPROTO_IP), EQ(2, IP_MTU_DISCOVER)),
	CALL(setsockopt, EQ(1, IPPROTO_IP), EQ(2, IP_BIND_ADDRESS_NO_PORT)),
	CALL(setsockopt, EQ(1, IPPROTO_IPV6), EQ(2, IPV6_V6ONLY)),
	CALL(setsockopt, EQ(1, IPPROTO_IPV6), EQ(2, IPV6_RECVPKTINFO)),
	CALL(setsockopt, EQ(1, IPPROTO_IPV6), EQ(2, IPV6_MTU_DISCOVER)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_NODELAY)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_DEFER_ACCEPT)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_USER_TIMEOUT)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_KEEPIDLE)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_KEEPINTVL)),
	CALL(setsockopt, EQ(1, IPPROTO_TCP), EQ(2, TCP_KEEPCNT)),
	CALL(getsockname), /* which way a connection would go */
	END,
};

/* The parent: syslog and the service manager. */
static rules reports = {
	CALL(
	    socket, EQ(0, AF_UNIX), EQ(1, SOCK_DGRAM | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(sendto),
	CALL(write), /* standard error; the bytes of a CA bundle */
	CALL(writev), /* the libc's last words */
	END,
};

/* The parent: config and CA files, read anew on SIGHUP. */
static rules files = {
	CALL(openat, BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)),
	CALL(read),
	CALL(lseek),
	CALL(access),
	CALL(faccessat), /* architectures without the other */
	CALL(fstat),
	CALL(newfstatat),
	CALL(ioctl, EQ(1, TCGETS)), /* stdio: is it a terminal? */
	CALL(ioctl, EQ(1, SIOCGIFINDEX)), /* fe80::1%eth0 */
	CALL(memfd_create, EQ(1, MFD_CLOEXEC | MFD_ALLOW_SEALING)),
	CALL(ftruncate), /* the cache begins anew */
	CALL(fcntl, EQ(1, F_ADD_SEALS)),
	CALL(fcntl, EQ(1, F_GETFL)), /* fdopen() */
	END,
};

/* The parent: the life of its children, up to their exec. */
static rules children = {
	CALL(socketpair, EQ(0, AF_UNIX),
	    EQ(1, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC), EQ(2, 0)),
	CALL(clone, EQ(0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)),
	CALL(set_robust_list), /* fork() in the child */
	CALL(dup),
	CALL(dup2),
	CALL(dup3), /* architectures without dup2 */
	CALL(close_range),
	CALL(rt_sigaction),
	CALL(execve),
	CALL(wait4),
	CALL(kill),
	END,
};

/*
 * Filters add up across exec, so these two are what a child does under the
 * parent's filter before it puts on its own: first the loader and the libc.
 */
static rules child_start = {
	CALL(arch_prctl, EQ(0, ARCH_SET_FS)),
	CALL(arch_prctl, EQ(0, ARCH_CET_STATUS)),
	CALL(arch_prctl, EQ(0, ARCH_SHSTK_STATUS)),
	CALL(set_tid_address),
	CALL(rseq),
	CALL(prlimit64, EQ(0, 0)),
	CALL(readlink), /* a static program asks where it lies */
	CALL(readlinkat),
	CALL(pread64),
	CALL(mmap, NO_EXEC(2), EQ(3, MAP_PRIVATE)),
	CALL(mmap, NO_EXEC(2), EQ(3, MAP_PRIVATE | MAP_DENYWRITE)),
	CALL(mmap, NO_EXEC(2), EQ(3, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE)),
	CALL(mmap, NO_EXEC(2), EQ(3, ANONYMOUS | MAP_FIXED)),
	/* A library's text: of a file, and never writable. */
	CALL(mmap, EQ(2, PROT_READ | PROT_EXEC),
	    EQ(3, MAP_PRIVATE | MAP_DENYWRITE)),
	CALL(mmap, EQ(2, PROT_READ | PROT_EXEC),
	    EQ(3, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE)),
	CALL(epoll_create1, EQ(0, EPOLL_CLOEXEC)), /* libevent's start */
	CALL(timerfd_create, EQ(0, CLOCK_MONOTONIC),
	    EQ(1, TFD_NONBLOCK | TFD_CLOEXEC)), /* the worker's clock */
	CALL(pipe2),
	CALL(clock_getres),
	CALL(sysinfo),
	END,
};

/* Then sandbox_enter. */
static rules child_confinement = {
	CALL(getdents64), /* is the chroot empty? */
	CALL(fcntl, EQ(1, F_DUPFD_CLOEXEC)),
	CALL(fcntl, EQ(1, F_SETFD)),
	CALL(fchdir),
	CALL(chdir),
	CALL(chroot),
	CALL(setgroups),
	CALL(setgid),
	CALL(setregid),
	CALL(setresgid),
	CALL(setuid),
	CALL(setreuid),
	CALL(setresuid),
	CALL(getgroups),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(getresuid),
	CALL(getresgid),
	CALL(gettid),
	CALL(capget),
	CALL(capset),
	CALL(prctl, EQ(0, PR_SET_KEEPCAPS)),
	CALL(prctl, EQ(0, PR_CAP_AMBIENT)),
	CALL(prctl, EQ(0, PR_CAPBSET_READ)),
	CALL(prctl, EQ(0, PR_CAPBSET_DROP)),
	CALL(prctl, EQ(0, PR_SET_SECUREBITS)),
	CALL(prctl, EQ(0, PR_GET_SECUREBITS)),
	CALL(prctl, EQ(0, PR_SET_DUMPABLE)),
	CALL(prctl, EQ(0, PR_GET_DUMPABLE)),
	CALL(prctl, EQ(0, PR_SET_NO_NEW_PRIVS)),
	CALL(prctl, EQ(0, PR_GET_NO_NEW_PRIVS)),
	CALL(prctl, EQ(0, PR_SET_MDWE)),
	CALL(prctl, EQ(0, PR_GET_MDWE)),
	CALL(landlock_create_ruleset),
	CALL(landlock_restrict_self),
	CALL(seccomp, EQ(0, SECCOMP_SET_MODE_FILTER)),
	/* libseccomp looks what there is; the first is never valid. */
	CALL(seccomp, EQ(0, SECCOMP_SET_MODE_STRICT), EQ(1, 1)),
	CALL(seccomp, EQ(0, SECCOMP_GET_ACTION_AVAIL)),
	CALL(seccomp, EQ(0, SECCOMP_GET_NOTIF_SIZES)),
	END,
};

#ifdef DOTPROXY_SANITIZE
/* What a sanitizer's runtime does, in programs that nobody should deploy. */
static rules sanitizer = {
	CALL(mmap, NO_EXEC(2)),
	CALL(madvise),
	CALL(sigaltstack),
	CALL(write),
	CALL(gettid),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(prlimit64, EQ(0, 0)),
	CALL(rt_sigaction),
	CALL(open, BITS(1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)),
	CALL(read),
	CALL(readlink),
	CALL(ioctl, EQ(1, TCGETS)),
	END,
};
#else
static rules sanitizer = { END };
#endif

/* Asked for by libcs that do well without. */
static rules child_absent = {
	CALL(sysinfo), /* qsort(): is there memory for a merge sort? */
	END,
};

static rules parent_absent = {
	CALL(clone3), /* its flags lie where no filter sees them */
	END,
};

/*
 * What somebody who took a process over would try. It is worth a log line,
 * which costs the attacker nothing and gains them nothing: the call is not
 * made, and the process dies.
 */
static rules reported = {
	CALL(open),
	CALL(openat),
	CALL(openat2),
	CALL(creat),
	CALL(unlink),
	CALL(rename),
	CALL(socket),
	CALL(socketpair),
	CALL(bind),
	CALL(listen),
	CALL(connect),
	CALL(fork),
	CALL(vfork),
	CALL(clone),
	CALL(clone3),
	CALL(execve),
	CALL(execveat),
	CALL(kill),
	CALL(tkill),
	CALL(tgkill), /* abort() is one of these */
	CALL(pidfd_open),
	CALL(pidfd_getfd),
	CALL(ptrace),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(memfd_create),
	CALL(setuid),
	CALL(setresuid),
	CALL(chroot),
	CALL(mount),
	CALL(unshare),
	CALL(setns),
	CALL(bpf),
	CALL(io_uring_setup),
	CALL(userfaultfd),
	CALL(keyctl),
	CALL(perf_event_open),
	END,
};

static const struct rule *const worker_allowed[] = {
	libc,
	loop,
	ipc,
	clients,
	sanitizer,
	NULL,
};

static const struct rule *const tls_allowed[] = {
	libc,
	loop,
	ipc,
	upstreams,
	sanitizer,
	NULL,
};

static const struct rule *const socks_allowed[] = {
	libc,
	loop,
	ipc,
	proxies,
	sanitizer,
	NULL,
};

static const struct rule *const parent_allowed[] = {
	libc,
	loop,
	ipc,
	sockets,
	reports,
	files,
	children,
	child_start,
	child_confinement,
	clients, /* what its children run on, under its filter and theirs */
	upstreams,
	proxies,
	sanitizer,
	NULL,
};

static const struct table tables[] = {
	[SANDBOX_PARENT] = { parent_allowed, parent_absent, reported },
	[SANDBOX_WORKER] = { worker_allowed, child_absent, reported },
	[SANDBOX_TLS] = { tls_allowed, child_absent, reported },
	[SANDBOX_SOCKS] = { socks_allowed, child_absent, reported },
};

const struct table *
sandbox_table(enum sandbox_role role)
{
	return &tables[role];
}
