/*
 * Landlock alone, without the filter above it: what would stand between an
 * attacker and the file system if the filter had a hole.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atf-c.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/sandbox_landlock.h"

static void in_landlock(enum sandbox_role, int (*)(void));
static long landlock_abi(void);

/* Set by the tests, for the process under test. */
static struct sockaddr_in listening;
static struct sockaddr_un abstract;

/* Each returns 0, or the number of what went wrong. */
static int
child_touches_files(void)
{
	struct stat st;

	if (open("file", O_RDONLY) != -1 || errno != EACCES)
		return 1;
	if (open("/", O_RDONLY | O_DIRECTORY) != -1 || errno != EACCES)
		return 2;
	if (open("file", O_WRONLY) != -1 || errno != EACCES)
		return 3;
	if (open("new", O_WRONLY | O_CREAT, 0600) != -1 || errno != EACCES)
		return 4;
	if (unlink("file") != -1 || errno != EACCES)
		return 5;
	if (mkdir("folder", 0700) != -1 || errno != EACCES)
		return 6;
	if (rename("file", "other") != -1 || errno != EACCES)
		return 7;
	if (symlink("file", "link") != -1 || errno != EACCES)
		return 8;
	if (execl("/bin/true", "true", (char *)NULL) != -1 || errno != EACCES)
		return 9;
	return stat("file", &st) == 0 ? 0 : 10;
}

ATF_TC_WITHOUT_HEAD(child_can_touch_no_file);
ATF_TC_BODY(child_can_touch_no_file, tc)
{
	atf_utils_create_file("file", "text\n");
	in_landlock(SANDBOX_WORKER, child_touches_files);
	in_landlock(SANDBOX_TLS, child_touches_files);
	in_landlock(SANDBOX_SOCKS, child_touches_files);
}

static int
child_touches_ports(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&listening, sizeof(listening)) !=
		-1 ||
	    errno != EACCES)
		return 1;
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) != -1 ||
	    errno != EACCES)
		return 2;
	return 0;
}

static int
parent_touches_ports(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&listening, sizeof(listening)) == -1)
		return 1;
	(void)close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(only_the_parent_binds_and_connects);
ATF_TC_BODY(only_the_parent_binds_and_connects, tc)
{
	socklen_t len = sizeof(listening);
	int fd;

	if (landlock_abi() < 4)
		atf_tc_skip("this kernel's Landlock knows no ports");
	ATF_REQUIRE((fd = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	listening.sin_family = AF_INET;
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ATF_REQUIRE(bind(fd, (struct sockaddr *)&listening, len) == 0);
	ATF_REQUIRE(listen(fd, 8) == 0);
	ATF_REQUIRE(getsockname(fd, (struct sockaddr *)&listening, &len) == 0);
	in_landlock(SANDBOX_WORKER, child_touches_ports);
	in_landlock(SANDBOX_TLS, child_touches_ports);
	in_landlock(SANDBOX_SOCKS, child_touches_ports);
	in_landlock(SANDBOX_PARENT, parent_touches_ports);
}

static int
signals_outside(void)
{
	pid_t pid;
	int status;

	if (kill(getppid(), 0) != -1 || errno != EPERM)
		return 1;
	/* Its own children are inside, whatever role they take. */
	if ((pid = fork()) == 0) {
		(void)pause();
		_exit(0);
	}
	if (kill(pid, SIGKILL) == -1 || waitpid(pid, &status, 0) != pid)
		return 2;
	return WIFSIGNALED(status) ? 0 : 3;
}

ATF_TC_WITHOUT_HEAD(nobody_signals_a_process_outside);
ATF_TC_BODY(nobody_signals_a_process_outside, tc)
{
	if (landlock_abi() < 6)
		atf_tc_skip("this kernel's Landlock knows no signals");
	in_landlock(SANDBOX_WORKER, signals_outside);
	in_landlock(SANDBOX_TLS, signals_outside);
	in_landlock(SANDBOX_SOCKS, signals_outside);
	in_landlock(SANDBOX_PARENT, signals_outside);
}

static int
connects_abstract(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&abstract, sizeof(abstract)) == 0)
		return 1;
	return errno == EPERM ? 0 : 2;
}

ATF_TC_WITHOUT_HEAD(child_reaches_no_abstract_socket);
ATF_TC_BODY(child_reaches_no_abstract_socket, tc)
{
	int fd;

	if (landlock_abi() < 6)
		atf_tc_skip("this kernel's Landlock knows no local sockets");
	abstract.sun_family = AF_UNIX;
	(void)snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1,
	    "dotproxy-landlock-%d", (int)getpid());
	ATF_REQUIRE((fd = socket(AF_UNIX, SOCK_STREAM, 0)) != -1);
	ATF_REQUIRE(
	    bind(fd, (struct sockaddr *)&abstract, sizeof(abstract)) == 0);
	ATF_REQUIRE(listen(fd, 8) == 0);
	in_landlock(SANDBOX_WORKER, connects_abstract);
	in_landlock(SANDBOX_TLS, connects_abstract);
	in_landlock(SANDBOX_SOCKS, connects_abstract);
}

static int
parent_touches_files(void)
{
	char byte;
	int fd;

	if ((fd = open("file", O_RDONLY)) == -1 || read(fd, &byte, 1) != 1)
		return 1;
	if (open(".", O_RDONLY | O_DIRECTORY) == -1)
		return 2;
	if (open("file", O_WRONLY) != -1 || errno != EACCES)
		return 3;
	if (open("file", O_RDONLY | O_TRUNC) != -1 || errno != EACCES)
		return 4;
	if (open("new", O_WRONLY | O_CREAT, 0600) != -1 || errno != EACCES)
		return 5;
	if (unlink("file") != -1 || errno != EACCES)
		return 6;
	if (mkdir("folder", 0700) != -1 || errno != EACCES)
		return 7;
	return 0;
}

ATF_TC_WITHOUT_HEAD(parent_reads_files_and_changes_none);
ATF_TC_BODY(parent_reads_files_and_changes_none, tc)
{
	atf_utils_create_file("file", "text\n");
	in_landlock(SANDBOX_PARENT, parent_touches_files);
}

/* A copy of true(1) in libexec, and one beside it. */
static int
parent_runs(void)
{
	pid_t pid;
	int status;

	if (execl("elsewhere", "elsewhere", (char *)NULL) != -1 ||
	    errno != EACCES)
		return 1;
	if (execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL) != -1 ||
	    errno != EACCES)
		return 2;
	if ((pid = fork()) == 0) {
		(void)execl("libexec/child", "child", (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 3;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 4;
}

ATF_TC_WITHOUT_HEAD(parent_runs_what_lies_in_libexec_alone);
ATF_TC_BODY(parent_runs_what_lies_in_libexec_alone, tc)
{
	ATF_REQUIRE(mkdir("libexec", 0755) == 0);
	atf_utils_copy_file("/bin/true", "libexec/child");
	atf_utils_copy_file("/bin/true", "elsewhere");
	ATF_REQUIRE(chmod("libexec/child", 0755) == 0);
	ATF_REQUIRE(chmod("elsewhere", 0755) == 0);
	in_landlock(SANDBOX_PARENT, parent_runs);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, child_can_touch_no_file);
	ATF_TP_ADD_TC(tp, only_the_parent_binds_and_connects);
	ATF_TP_ADD_TC(tp, nobody_signals_a_process_outside);
	ATF_TP_ADD_TC(tp, child_reaches_no_abstract_socket);
	ATF_TP_ADD_TC(tp, parent_reads_files_and_changes_none);
	ATF_TP_ADD_TC(tp, parent_runs_what_lies_in_libexec_alone);
	return atf_no_error();
}

static void
in_landlock(enum sandbox_role role, int (*attempt)(void))
{
	char libexec[PATH_MAX];
	int status;
	pid_t pid;

	if (landlock_abi() < 1)
		atf_tc_skip("this kernel has no Landlock");
	/* The folder that a test has made for children, or any. */
	ATF_REQUIRE(realpath(access("libexec", F_OK) == 0 ? "libexec" : "/usr",
			libexec) != NULL);
	(void)fflush(NULL);
	ATF_REQUIRE((pid = fork()) != -1);
	if (pid == 0) {
		(void)alarm(20);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		    !sandbox_landlock_enter(role, libexec))
			_exit(100);
		_exit(attempt());
	}
	ATF_REQUIRE(waitpid(pid, &status, 0) == pid);
	ATF_CHECK_MSG(status == 0, "role %d: exit %d, status %#x", role,
	    WEXITSTATUS(status), status);
}

static long
landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}
