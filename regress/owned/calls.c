/*
 * System calls that no worker needs: the kernel must refuse each.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dotproxy/ipc.h"

#include "calls.h"

static uint8_t bytes[256];

void
try_open(void)
{
	(void)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

void
try_socket(void)
{
	(void)syscall(
	    SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* The parent's filter, which is in force too, kills without a word for what
 * even the parent never asks. */
void
try_raw_socket(void)
{
	(void)syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}

void
try_connect(void)
{
	(void)syscall(SYS_connect, IPC_PARENT_FD, bytes, 16);
}

void
try_bind(void)
{
	(void)syscall(SYS_bind, IPC_PARENT_FD, bytes, 16);
}

void
try_fork(void)
{
	(void)syscall(SYS_clone,
	    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, 0, 0);
}

void
try_exec(void)
{
	char *argv[] = { NULL };

	(void)syscall(SYS_execve, "/bin/sh", argv, argv);
}

void
try_ptrace(void)
{
	(void)syscall(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
}

void
try_kill(void)
{
	(void)syscall(SYS_kill, 1, SIGKILL);
}

void
try_read_memory(void)
{
	(void)syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0);
}

void
try_exec_memory(void)
{
	(void)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void
try_uring(void)
{
	(void)syscall(SYS_io_uring_setup, 8, bytes);
}
