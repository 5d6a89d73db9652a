/*
 * Each layer holds, as the kernel tells it of a confined process, and what is
 * reported is what is in force.
 */
#include <sys/capability.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confined.h"

#define CONTAINER                                                              \
	(SANDBOX_NNP | SANDBOX_MDWE | SANDBOX_LANDLOCK | SANDBOX_SECCOMP)

static void check_status(pid_t, const char *, const char *);
static void check_limit(pid_t, const char *, const char *);
static void check_locked_up(pid_t);

/* What the kernel shows of a process that has nothing left. */
static void
watch_child(pid_t pid)
{
	char path[64];
	struct stat root, empty;

	check_status(pid, "Uid", "65001\t65001\t65001\t65001");
	check_status(pid, "Gid", "65002\t65002\t65002\t65002");
	check_status(pid, "Groups", "65002 ");
	check_status(pid, "CapInh", "0000000000000000");
	check_status(pid, "CapPrm", "0000000000000000");
	check_status(pid, "CapEff", "0000000000000000");
	check_status(pid, "CapBnd", "0000000000000000");
	check_status(pid, "CapAmb", "0000000000000000");
	check_locked_up(pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	ATF_REQUIRE(stat(path, &root) == 0 && stat("empty", &empty) == 0);
	ATF_CHECK(root.st_ino == empty.st_ino && root.st_dev == empty.st_dev);
	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	ATF_REQUIRE(stat(path, &root) == 0);
	ATF_CHECK(root.st_ino == empty.st_ino && root.st_dev == empty.st_dev);
	check_limit(pid, "Max open files", "64 64 files");
	check_limit(pid, "Max processes", "0 0 processes");
	check_limit(pid, "Max core file size", "0 0 bytes");
#ifndef DOTPROXY_SANITIZE
	check_limit(pid, "Max file size", "0 0 bytes");
	check_limit(pid, "Max data size", "536870912 536870912 bytes");
#endif
}

static void
check_child(enum sandbox_role role)
{
	struct confined c = { .role = role, .watch = watch_child };
	struct outcome o = confined_run(&c);
	char text[SANDBOX_TEXT];

	ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
	ATF_CHECK_STREQ("chroot uid caps nnp mdwe landlock seccomp",
	    sandbox_layers_text(o.layers, text));
#ifndef DOTPROXY_SANITIZE
	ATF_CHECK_STREQ("", o.said);
#endif
}

ATF_TC(worker_of_root_has_nothing_left);
ATF_TC_HEAD(worker_of_root_has_nothing_left, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(worker_of_root_has_nothing_left, tc)
{
	check_child(SANDBOX_WORKER);
}

ATF_TC(tls_process_of_root_has_nothing_left);
ATF_TC_HEAD(tls_process_of_root_has_nothing_left, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(tls_process_of_root_has_nothing_left, tc)
{
	check_child(SANDBOX_TLS);
	check_child(SANDBOX_SOCKS);
}

/* net_bind_service kill setuid setgid sys_chroot setpcap */
static void
watch_parent(pid_t pid)
{
	check_status(pid, "Uid", "0\t0\t0\t0");
	check_status(pid, "CapInh", "0000000000000000");
	check_status(pid, "CapPrm", "00000000000405e0");
	check_status(pid, "CapEff", "00000000000405e0");
	check_status(pid, "CapBnd", "00000000000405e0");
	check_status(pid, "CapAmb", "0000000000000000");
	check_locked_up(pid);
	check_limit(pid, "Max core file size", "0 0 bytes");
}

ATF_TC(parent_of_root_keeps_six_capabilities);
ATF_TC_HEAD(parent_of_root_keeps_six_capabilities, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(parent_of_root_keeps_six_capabilities, tc)
{
	struct confined c = { .role = SANDBOX_PARENT, .watch = watch_parent };
	struct outcome o = confined_run(&c);

	ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
	ATF_CHECK_EQ(CONTAINER, o.layers);
}

/* As confined_as_user, but with an empty bounding set: a container. */
static void
as_container_user(void)
{
	cap_value_t cap;

	for (cap = 0; cap_get_bound(cap) != -1; cap++)
		if (cap_drop_bound(cap) == -1)
			_exit(98);
	confined_as_user();
}

static void
watch_user(pid_t pid)
{
	check_status(pid, "Uid", "64999\t64999\t64999\t64999");
	check_status(pid, "CapPrm", "0000000000000000");
	check_status(pid, "CapEff", "0000000000000000");
	check_locked_up(pid);
	check_limit(pid, "Max processes", "0 0 processes");
}

ATF_TC(ordinary_user_goes_without_chroot_and_uid_and_says_so);
ATF_TC_HEAD(ordinary_user_goes_without_chroot_and_uid_and_says_so, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(ordinary_user_goes_without_chroot_and_uid_and_says_so, tc)
{
	struct confined c = { .before = confined_as_user, .watch = watch_user };
	struct outcome o;

	for (c.role = SANDBOX_WORKER; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
		ATF_CHECK_EQ(CONTAINER, o.layers);
		ATF_CHECK_MATCH(
		    "ordinary user: no chroot and no other user", o.said);
	}
}

ATF_TC(user_of_a_container_has_no_capability_left_to_lose);
ATF_TC_HEAD(user_of_a_container_has_no_capability_left_to_lose, tc)
{
	atf_tc_set_md_var(tc, "require.user", "root");
}
ATF_TC_BODY(user_of_a_container_has_no_capability_left_to_lose, tc)
{
	struct confined c = { .role = SANDBOX_WORKER,
		.before = as_container_user,
		.watch = watch_user };
	struct outcome o = confined_run(&c);

	ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
	ATF_CHECK_EQ(CONTAINER | SANDBOX_NOCAPS, o.layers);
}

ATF_TC(whoever_starts_as_an_ordinary_user_is_confined_too);
ATF_TC_HEAD(whoever_starts_as_an_ordinary_user_is_confined_too, tc)
{
	atf_tc_set_md_var(tc, "require.user", "unprivileged");
}
ATF_TC_BODY(whoever_starts_as_an_ordinary_user_is_confined_too, tc)
{
	struct confined c = { .body = NULL };
	struct outcome o;

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++) {
		o = confined_run(&c);
		ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
		ATF_CHECK_EQ(CONTAINER, o.layers & ~SANDBOX_NOCAPS);
	}
}

static void
layer_text(uint32_t layers, const char *expected)
{
	char text[SANDBOX_TEXT];

	ATF_CHECK_STREQ(expected, sandbox_layers_text(layers, text));
}

ATF_TC_WITHOUT_HEAD(layers_are_named_in_one_order);
ATF_TC_BODY(layers_are_named_in_one_order, tc)
{
	layer_text(0, "");
	layer_text(SANDBOX_SECCOMP, "seccomp");
	layer_text(SANDBOX_SECCOMP | SANDBOX_CHROOT, "chroot seccomp");
	layer_text(SANDBOX_ALL, "chroot uid caps nnp mdwe landlock seccomp");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, worker_of_root_has_nothing_left);
	ATF_TP_ADD_TC(tp, tls_process_of_root_has_nothing_left);
	ATF_TP_ADD_TC(tp, parent_of_root_keeps_six_capabilities);
	ATF_TP_ADD_TC(
	    tp, ordinary_user_goes_without_chroot_and_uid_and_says_so);
	ATF_TP_ADD_TC(tp, user_of_a_container_has_no_capability_left_to_lose);
	ATF_TP_ADD_TC(tp, whoever_starts_as_an_ordinary_user_is_confined_too);
	ATF_TP_ADD_TC(tp, layers_are_named_in_one_order);
	return atf_no_error();
}

/* What holds for all, whoever started them. */
static void
check_locked_up(pid_t pid)
{
	char path[64];
	struct stat st;

	check_status(pid, "NoNewPrivs", "1");
	check_status(pid, "Seccomp", "2");
	check_status(pid, "Seccomp_filters", "1");
	/* Not dumpable: /proc makes it root's. */
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	ATF_REQUIRE(stat(path, &st) == 0);
	ATF_CHECK_EQ(0, st.st_uid);
}

static void
check_status(pid_t pid, const char *field, const char *expected)
{
	char path[64], line[256];
	size_t len = strlen(field);
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	ATF_REQUIRE((in = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, field, len) != 0 || line[len] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		ATF_CHECK_MSG(strcmp(line + len + 2, expected) == 0,
		    "%s, expected %s", line, expected);
		(void)fclose(in);
		return;
	}
	atf_tc_fail("no %s in %s", field, path);
}

/* /proc/PID/limits, its columns a space apart. */
static void
check_limit(pid_t pid, const char *name, const char *expected)
{
	char path[64], line[256], soft[32], hard[32], unit[32], is[128];
	size_t len = strlen(name);
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	ATF_REQUIRE((in = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, name, len) != 0)
			continue;
		ATF_REQUIRE(sscanf(line + len, "%31s %31s %31s", soft, hard,
				unit) == 3);
		(void)snprintf(is, sizeof(is), "%s %s %s", soft, hard, unit);
		ATF_CHECK_STREQ(expected, is);
		(void)fclose(in);
		return;
	}
	atf_tc_fail("no %s in %s", name, path);
}
