/*
 * Where a layer cannot be put on the process ends, and its last line says what
 * to do; what may be left out is left out aloud.
 */
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atf-c.h>
#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confined.h"

static void refuses(const struct confined *, const char *);
static const char *folder(mode_t, uid_t);
static void drop(cap_value_t);
static void deny(int, int, const struct scmp_arg_cmp *);

#define ROOT_ONLY(name)                                                        \
	ATF_TC(name);                                                          \
	ATF_TC_HEAD(name, tc)                                                  \
	{                                                                      \
		atf_tc_set_md_var(tc, "require.user", "root");                 \
	}                                                                      \
	ATF_TC_BODY(name, tc)

ROOT_ONLY(chroot_that_is_missing_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER,
		.chroot = "/nonexistent/empty" };

	refuses(&c, "chroot /nonexistent/empty .make it: install -d -o root");
}

ROOT_ONLY(chroot_that_is_not_empty_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER };

	c.chroot = folder(0755, 0);
	ATF_REQUIRE(mkdir("chroot/inside", 0755) == 0);
	refuses(&c, "is not empty; name an empty folder of root's");
}

ROOT_ONLY(chroot_of_another_user_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER };

	c.chroot = folder(0755, CONFINED_UID);
	refuses(&c, "must be root's .*chown root:root");
}

ROOT_ONLY(chroot_that_others_can_write_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER };

	c.chroot = folder(0775, 0);
	refuses(&c, "writable by nobody else .*chmod 755");
	c.chroot = folder(0757, 0);
	refuses(&c, "writable by nobody else .*chmod 755");
}

ROOT_ONLY(chroot_behind_a_symbolic_link_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER };
	char here[PATH_MAX], path[PATH_MAX + 6];

	(void)folder(0755, 0);
	ATF_REQUIRE(symlink("chroot", "link") == 0);
	ATF_REQUIRE(getcwd(here, sizeof(here)) != NULL);
	(void)snprintf(path, sizeof(path), "%s/link", here);
	c.chroot = path;
	refuses(&c, "chroot .*/link .*: (Not a directory|Too many levels)");
}

ROOT_ONLY(chroot_that_is_no_absolute_path_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER };

	(void)folder(0755, 0);
	c.chroot = "chroot";
	refuses(&c, "must be an absolute path");
}

static void
without_sys_chroot(void)
{
	drop(CAP_SYS_CHROOT);
}

static void
without_setuid(void)
{
	drop(CAP_SETUID);
}

static void
without_setpcap(void)
{
	drop(CAP_SETPCAP);
}

ROOT_ONLY(root_without_a_capability_is_told_which)
{
	struct confined c = { .before = without_sys_chroot };

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++) {
		c.before = without_sys_chroot;
		refuses(&c,
		    "root without CAP_SYS_CHROOT; give it back, or "
		    "start as an ordinary user");
		c.before = without_setuid;
		refuses(&c, "root without CAP_SETUID; ");
		c.before = without_setpcap;
		refuses(&c, "root without CAP_SETPCAP; ");
	}
}

/* One that could leave the chroot again, and become anybody. */
static void
user_with_sys_chroot(void)
{
	cap_value_t chroot_only = CAP_SYS_CHROOT;
	cap_t set = cap_init();

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
		_exit(97);
	confined_as_user();
	if (set == NULL ||
	    cap_set_flag(set, CAP_PERMITTED, 1, &chroot_only, CAP_SET) == -1 ||
	    cap_set_flag(set, CAP_EFFECTIVE, 1, &chroot_only, CAP_SET) == -1 ||
	    cap_set_proc(set) == -1)
		_exit(96);
	(void)cap_free(set);
}

ROOT_ONLY(user_with_half_of_the_capabilities_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER,
		.before = user_with_sys_chroot };

	refuses(&c,
	    "some capabilities, but not CAP_[A-Z]*; give it too, or "
	    "none");
}

static void
few_descriptors(void)
{
	struct rlimit few = { 63, 63 };

	if (setrlimit(RLIMIT_NOFILE, &few) == -1)
		_exit(95);
}

ATF_TC_WITHOUT_HEAD(limit_below_what_is_needed_is_refused);
ATF_TC_BODY(limit_below_what_is_needed_is_refused, tc)
{
	struct confined c = { .before = few_descriptors };

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++)
		refuses(&c,
		    "64 descriptors are needed and 63 allowed; raise "
		    "the limit");
}

static void
chroot_eperm(void)
{
	deny(SCMP_SYS(chroot), EPERM, NULL);
}

static void
setgroups_eperm(void)
{
	deny(SCMP_SYS(setgroups), EPERM, NULL);
}

/* As some containers' own filters do: never taken for "not needed". */
ROOT_ONLY(permission_denied_is_never_ignored)
{
	struct confined c = { .role = SANDBOX_WORKER, .before = chroot_eperm };

	refuses(&c, "chroot to .*: Operation not permitted");
	c.before = setgroups_eperm;
	refuses(&c, "setgroups: Operation not permitted");
}

/* setresuid(2) that says yes and does nothing. */
static void
setresuid_lies(void)
{
	deny(SCMP_SYS(setresuid), 0, NULL);
}

ROOT_ONLY(change_of_user_that_did_not_happen_is_seen)
{
	struct confined c = { .role = SANDBOX_TLS, .before = setresuid_lies };

	refuses(&c, "could become root again");
}

static void
lie(int option)
{
	const struct scmp_arg_cmp when = { 0, SCMP_CMP_EQ, (scmp_datum_t)option,
		0 };

	deny(SCMP_SYS(prctl), 0, &when);
}

static void
securebits_lie(void)
{
	lie(PR_SET_SECUREBITS);
}

static void
dumpable_lies(void)
{
	lie(PR_SET_DUMPABLE);
}

static void
bounding_set_lies(void)
{
	lie(PR_CAPBSET_DROP);
}

static void
mdwe_lies(void)
{
	lie(65);
}

static void
chroot_lies(void)
{
	deny(SCMP_SYS(chroot), 0, NULL);
}

ROOT_ONLY(layer_that_the_kernel_only_claims_is_seen)
{
	struct confined c = { .role = SANDBOX_WORKER };

	c.before = chroot_lies;
	refuses(&c, "the root is not /");
	c.before = bounding_set_lies;
	refuses(&c, "bounding capability [0-9]+ is left");
	c.before = securebits_lie;
	refuses(&c, "securebits are not what was asked for");
	c.before = mdwe_lies;
	refuses(&c, "PR_SET_MDWE did not stay");
	/* A child's change of user has made it so before. */
	c.role = SANDBOX_PARENT;
	c.before = dumpable_lies;
	refuses(&c, "PR_SET_DUMPABLE");
}

static void
old_kernel(void)
{
	const struct scmp_arg_cmp get = { 0, SCMP_CMP_EQ, 66, 0 };
	const struct scmp_arg_cmp set = { 0, SCMP_CMP_EQ, 65, 0 };

	deny(SCMP_SYS(landlock_create_ruleset), ENOSYS, NULL);
	deny(SCMP_SYS(prctl), EINVAL, &get);
	deny(SCMP_SYS(prctl), EINVAL, &set);
}

ROOT_ONLY(kernel_without_landlock_and_mdwe_is_said_aloud)
{
	struct confined c = { .role = SANDBOX_WORKER, .before = old_kernel };
	struct outcome o = confined_run(&c);

	ATF_CHECK_MSG(outcome_is_exit(&o, 0), "%s", o.said);
	ATF_CHECK_EQ(
	    SANDBOX_ALL & ~(SANDBOX_LANDLOCK | SANDBOX_MDWE), o.layers);
	ATF_CHECK_MATCH("this kernel has no Landlock", o.said);
	ATF_CHECK_MATCH("this kernel has no PR_SET_MDWE", o.said);
}

static void
user_without_landlock(void)
{
	confined_as_user();
	deny(SCMP_SYS(landlock_create_ruleset), EOPNOTSUPP, NULL);
}

ROOT_ONLY(user_without_chroot_and_landlock_is_refused)
{
	struct confined c = { .role = SANDBOX_WORKER,
		.before = user_without_landlock };

	refuses(&c,
	    "neither chroot nor Landlock: .*start as root, or on a "
	    "kernel with Landlock");
}

static void
landlock_eperm(void)
{
	deny(SCMP_SYS(landlock_restrict_self), EPERM, NULL);
}

static void
landlock_forbidden(void)
{
	deny(SCMP_SYS(landlock_create_ruleset), EPERM, NULL);
}

ATF_TC_WITHOUT_HEAD(landlock_that_is_denied_is_not_landlock_that_is_missing);
ATF_TC_BODY(landlock_that_is_denied_is_not_landlock_that_is_missing, tc)
{
	struct confined c = { .before = landlock_eperm };

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++) {
		c.before = landlock_eperm;
		refuses(&c, "Landlock ruleset: Operation not permitted");
		c.before = landlock_forbidden;
		refuses(&c, "Landlock version: Operation not permitted");
	}
}

static void
seccomp_eperm(void)
{
	deny(SCMP_SYS(prctl), EPERM,
	    &(struct scmp_arg_cmp){ 0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0 });
	deny(SCMP_SYS(seccomp), EPERM, NULL);
}

ATF_TC_WITHOUT_HEAD(filter_that_cannot_be_loaded_ends_the_process);
ATF_TC_BODY(filter_that_cannot_be_loaded_ends_the_process, tc)
{
	struct confined c = { .before = seccomp_eperm };

	for (c.role = SANDBOX_PARENT; c.role <= SANDBOX_SOCKS; c.role++)
		refuses(&c, "seccomp, loading the filter");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, chroot_that_is_missing_is_refused);
	ATF_TP_ADD_TC(tp, chroot_that_is_not_empty_is_refused);
	ATF_TP_ADD_TC(tp, chroot_of_another_user_is_refused);
	ATF_TP_ADD_TC(tp, chroot_that_others_can_write_is_refused);
	ATF_TP_ADD_TC(tp, chroot_behind_a_symbolic_link_is_refused);
	ATF_TP_ADD_TC(tp, chroot_that_is_no_absolute_path_is_refused);
	ATF_TP_ADD_TC(tp, root_without_a_capability_is_told_which);
	ATF_TP_ADD_TC(tp, user_with_half_of_the_capabilities_is_refused);
	ATF_TP_ADD_TC(tp, limit_below_what_is_needed_is_refused);
	ATF_TP_ADD_TC(tp, permission_denied_is_never_ignored);
	ATF_TP_ADD_TC(tp, change_of_user_that_did_not_happen_is_seen);
	ATF_TP_ADD_TC(tp, layer_that_the_kernel_only_claims_is_seen);
	ATF_TP_ADD_TC(tp, kernel_without_landlock_and_mdwe_is_said_aloud);
	ATF_TP_ADD_TC(tp, user_without_chroot_and_landlock_is_refused);
	ATF_TP_ADD_TC(
	    tp, landlock_that_is_denied_is_not_landlock_that_is_missing);
	ATF_TP_ADD_TC(tp, filter_that_cannot_be_loaded_ends_the_process);
	return atf_no_error();
}

static void
refuses(const struct confined *c, const char *expected)
{
	struct outcome o = confined_run(c);

	ATF_CHECK(!o.entered);
	ATF_CHECK_MSG(outcome_is_exit(&o, 1), "status %#x", o.status);
	ATF_CHECK_MSG(atf_utils_grep_string("sandbox: .*%s", o.said, expected),
	    "role %d said \"%s\", expected \"%s\"", c->role, o.said, expected);
}

/* An empty folder of this mode and owner; its absolute path. */
static const char *
folder(mode_t mode, uid_t owner)
{
	static char path[PATH_MAX];

	ATF_REQUIRE(mkdir("chroot", 0755) == 0 || errno == EEXIST);
	ATF_REQUIRE(chmod("chroot", mode) == 0);
	ATF_REQUIRE(chown("chroot", owner, (gid_t)-1) == 0);
	ATF_REQUIRE(realpath("chroot", path) != NULL);
	return path;
}

static void
drop(cap_value_t cap)
{
	cap_t now = cap_get_proc();

	if (now == NULL ||
	    cap_set_flag(now, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR) == -1 ||
	    cap_set_flag(now, CAP_PERMITTED, 1, &cap, CAP_CLEAR) == -1 ||
	    cap_set_proc(now) == -1)
		_exit(94);
	(void)cap_free(now);
}

/* Makes the kernel answer a call with this error (0: success). */
static void
deny(int nr, int error, const struct scmp_arg_cmp *when)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (ctx == NULL ||
	    seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(error), nr,
		when == NULL ? 0 : 1, when) != 0 ||
	    seccomp_load(ctx) != 0)
		_exit(93);
	seccomp_release(ctx);
}
