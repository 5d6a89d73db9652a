/*
 * The order of confinement: each layer is put on, read back, and where it can
 * be, tried to be undone. A layer that fails must never be passed over.
 */
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"
#include "sandbox_filter.h"
#include "sandbox_landlock.h"

#ifndef PR_SET_MDWE /* Linux 6.3 */
#define PR_SET_MDWE		 65
#define PR_GET_MDWE		 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* Of a child, private and writable: more than all its tables and buffers full
 * take, and little enough that an owned one cannot take the machine. */
#define MEMORY_MAX ((rlim_t)512 << 20)

#define LOCKED_SECUREBITS                                                      \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |       \
	    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |          \
	    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A set of capabilities, by number. */
struct caps {
	cap_value_t value[CAP_LAST_CAP + 1];
	int n;
};

static void limits(enum sandbox_role, const struct sandbox_params *);
static void limit(int, const char *, rlim_t, rlim_t);
static bool may_become_another(void);
static void enter_empty_root(const char *);
static int open_empty_folder(const char *);
static bool folder_is_empty(int);
static void become(uid_t, gid_t);
static void check_no_way_back(uid_t, gid_t);
static bool empty_capabilities(void);
static void reduce_parent_capabilities(bool);
static bool cap_is_effective(cap_value_t);
static void set_capabilities(const struct caps *);
static void empty_ambient(void);
static void drop_bounding(const struct caps *);
static bool bounding_is_empty(void);
static void lock_securebits(void);
static uint32_t process_flags(void);
static bool refuse_exec_gain(void);

/* What the parent keeps: to bind on a reload, and to start and kill children
 * who confine themselves. CAP_NET_ADMIN beside it only for blocks in the
 * kernel: for the one netlink socket that is open then. */
static const struct {
	const char *name;
	cap_value_t value;
	bool must; /* a root without it could not run a child */
} kept[] = {
	{ "CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE, false },
	{ "CAP_KILL", CAP_KILL, true },
	{ "CAP_SETUID", CAP_SETUID, true },
	{ "CAP_SETGID", CAP_SETGID, true },
	{ "CAP_SYS_CHROOT", CAP_SYS_CHROOT, true },
	{ "CAP_SETPCAP", CAP_SETPCAP, true },
};

#ifdef DOTPROXY_SANITIZE
/* A leak is looked for by a thread that traces this one: not in here. */
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_DISABLED;
}
#endif

uint32_t
sandbox_enter(enum sandbox_role role, const struct sandbox_params *params)
{
	uint32_t layers = 0;
	bool another = may_become_another();

	limits(role, params);
	if (role == SANDBOX_PARENT) {
		reduce_parent_capabilities(params->net_admin);
	} else if (another) {
		enter_empty_root(params->chroot);
		become(params->uid, params->gid);
		layers |= SANDBOX_CHROOT | SANDBOX_UID;
	} else
		log_info("sandbox: an ordinary user: no chroot and no other "
			 "user, Landlock and seccomp stand in their place");
	if (role != SANDBOX_PARENT && empty_capabilities())
		layers |= SANDBOX_NOCAPS;
	layers |= process_flags();
	if (sandbox_landlock_enter(role, params->libexec))
		layers |= SANDBOX_LANDLOCK;
	else if (role != SANDBOX_PARENT && !(layers & SANDBOX_CHROOT))
		fatalx("sandbox: neither chroot nor Landlock: nothing would "
		       "keep the file system away; start as root, or on a "
		       "kernel with Landlock (lsm=landlock)");
	else
		log_info("sandbox: this kernel has no Landlock");
	sandbox_filter_load(role, params->refused);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		fatalx("sandbox: the kernel says that no filter is on");
	return layers | SANDBOX_SECCOMP;
}

/*
 * The parent's hard NOFILE stays, since its children take theirs from it; and
 * it has no FSIZE: its standard error may be a file, and memfds have a size.
 */
static void
limits(enum sandbox_role role, const struct sandbox_params *params)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == -1)
		fatal("sandbox: getrlimit");
	if (params->nofile > now.rlim_max)
		fatalx("sandbox: %u descriptors are needed and %ju allowed; "
		       "raise the limit (ulimit -n, LimitNOFILE=)",
		    params->nofile, (uintmax_t)now.rlim_max);
	limit(RLIMIT_CORE, "CORE", 0, 0);
	if (role == SANDBOX_PARENT) {
		limit(RLIMIT_NOFILE, "NOFILE", params->nofile, now.rlim_max);
		return;
	}
	limit(RLIMIT_NOFILE, "NOFILE", params->nofile, params->nofile);
#ifndef DOTPROXY_SANITIZE /* whose report may go to a file */
	limit(RLIMIT_FSIZE, "FSIZE", 0, 0);
	limit(RLIMIT_DATA, "DATA", MEMORY_MAX, MEMORY_MAX);
#endif
	limit(RLIMIT_NPROC, "NPROC", 0, 0);
}

static void
limit(int what, const char *name, rlim_t soft, rlim_t hard)
{
	struct rlimit set = { soft, hard }, now;

	if (setrlimit(what, &set) == -1 || getrlimit(what, &now) == -1)
		fatal("sandbox: limit %s", name);
	if (now.rlim_cur != soft || now.rlim_max != hard)
		fatalx("sandbox: limit %s did not stay", name);
}

/*
 * Whether this process has what chroot and setuid take. One that has none of
 * it and is not root is an ordinary user; anything between is a mistake of
 * whoever started it, and would be a sandbox with a hole.
 */
static bool
may_become_another(void)
{
	size_t i, has = 0, must = 0;
	const char *missing = NULL;

	for (i = 0; i < ARRAY_LEN(kept); i++) {
		if (!kept[i].must)
			continue;
		must++;
		if (cap_is_effective(kept[i].value))
			has++;
		else
			missing = kept[i].name;
	}
	if (has == must)
		return true;
	if (geteuid() == 0 || getuid() == 0)
		fatalx("sandbox: root without %s; give it back, or start as "
		       "an ordinary user",
		    missing);
	if (cap_is_effective(CAP_SYS_CHROOT) || cap_is_effective(CAP_SETUID) ||
	    cap_is_effective(CAP_SETGID))
		fatalx("sandbox: some capabilities, but not %s; give it too, "
		       "or none but CAP_NET_BIND_SERVICE",
		    missing);
	return false;
}

static void
enter_empty_root(const char *path)
{
	struct stat folder, root;
	int fd = open_empty_folder(path);

	if (fstat(fd, &folder) == -1)
		fatal("sandbox: %s", path);
	if (fchdir(fd) == -1 || chroot(".") == -1 || chdir("/") == -1)
		fatal("sandbox: chroot to %s", path);
	if (stat("/", &root) == -1)
		fatal("sandbox: the new root");
	if (root.st_dev != folder.st_dev || root.st_ino != folder.st_ino)
		fatalx("sandbox: the root is not %s", path);
	/* A folder left open outside is the classic way out. */
	(void)close(fd);
}

static int
open_empty_folder(const char *path)
{
	struct stat st;
	int fd;

	if (path == NULL || path[0] != '/')
		fatalx("sandbox: the chroot must be an absolute path");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		fatal("sandbox: chroot %s (make it: install -d -o root -g root "
		      "-m 755 %s)",
		    path, path);
	if (fstat(fd, &st) == -1)
		fatal("sandbox: chroot %s", path);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatalx("sandbox: chroot %s must be root's and writable by "
		       "nobody else (chown root:root %s; chmod 755 %s)",
		    path, path, path);
	if (!folder_is_empty(fd))
		fatalx("sandbox: chroot %s is not empty; name an empty folder "
		       "of root's",
		    path);
	return fd;
}

static bool
folder_is_empty(int fd)
{
	DIR *dir;
	int copy, n = 0;

	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    (dir = fdopendir(copy)) == NULL)
		fatal("sandbox: reading the chroot folder");
	errno = 0;
	while (n <= 2 && readdir(dir) != NULL)
		n++;
	if (errno != 0)
		fatal("sandbox: reading the chroot folder");
	(void)closedir(dir);
	return n <= 2; /* "." and ".." */
}

/*
 * CAP_SETPCAP outlives the change of user, as the bounding set and the
 * securebits are still to be dealt with; nothing else does.
 */
static void
become(uid_t uid, gid_t gid)
{
	static const struct caps setpcap = { { CAP_SETPCAP }, 1 };

	if (uid == 0 || gid == 0)
		fatalx("sandbox: a child must not run as root; name another "
		       "user in the config");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
		fatal("sandbox: PR_SET_KEEPCAPS");
	if (setgroups(1, &gid) == -1)
		fatal("sandbox: setgroups");
	if (setresgid(gid, gid, gid) == -1)
		fatal("sandbox: setresgid %u", gid);
	if (setresuid(uid, uid, uid) == -1)
		fatal("sandbox: setresuid %u", uid);
	set_capabilities(&setpcap);
	check_no_way_back(uid, gid);
}

static void
check_no_way_back(uid_t uid, gid_t gid)
{
	gid_t group, r, e, s;
	uid_t ru, eu, su;

	if (setuid(0) != -1 || seteuid(0) != -1 || setresuid(0, 0, 0) != -1 ||
	    setreuid((uid_t)-1, 0) != -1)
		fatalx("sandbox: could become root again");
	if (setgid(0) != -1 || setegid(0) != -1 || setresgid(0, 0, 0) != -1 ||
	    setgroups(0, NULL) != -1)
		fatalx("sandbox: could join root's group again");
	if (getresuid(&ru, &eu, &su) == -1 || getresgid(&r, &e, &s) == -1)
		fatal("sandbox: getresuid");
	if (ru != uid || eu != uid || su != uid || r != gid || e != gid ||
	    s != gid || getgroups(1, &group) != 1 || group != gid)
		fatalx("sandbox: user and groups are not what was asked for");
}

/*
 * True when the bounding set is empty too. Who has no CAP_SETPCAP cannot empty
 * it; it is then of no use either, for no_new_privs keeps exec from using it.
 */
static bool
empty_capabilities(void)
{
	static const struct caps none;
	cap_t now, nothing;

	empty_ambient();
	if (cap_is_effective(CAP_SETPCAP)) {
		drop_bounding(&none);
		lock_securebits();
	}
	set_capabilities(&none);
	if ((now = cap_get_proc()) == NULL || (nothing = cap_init()) == NULL)
		fatal("sandbox: reading the capabilities");
	if (cap_compare(now, nothing) != 0)
		fatalx("sandbox: capabilities are left");
	(void)cap_free(now);
	(void)cap_free(nothing);
	return bounding_is_empty();
}

static void
reduce_parent_capabilities(bool net_admin)
{
	struct caps keep = { .n = 0 };
	size_t i;

	for (i = 0; i < ARRAY_LEN(kept); i++)
		if (cap_is_effective(kept[i].value))
			keep.value[keep.n++] = kept[i].value;
	if (net_admin && cap_is_effective(CAP_NET_ADMIN))
		keep.value[keep.n++] = CAP_NET_ADMIN;
	empty_ambient();
	if (cap_is_effective(CAP_SETPCAP))
		drop_bounding(&keep);
	set_capabilities(&keep);
}

static bool
cap_is_effective(cap_value_t cap)
{
	cap_flag_value_t set;
	cap_t now;

	if ((now = cap_get_proc()) == NULL ||
	    cap_get_flag(now, cap, CAP_EFFECTIVE, &set) == -1)
		fatal("sandbox: reading the capabilities");
	(void)cap_free(now);
	return set == CAP_SET;
}

/* Permitted and effective are what is given; inheritable is empty. */
static void
set_capabilities(const struct caps *caps)
{
	cap_t set;

	if ((set = cap_init()) == NULL)
		fatal("sandbox: cap_init");
	if (caps->n > 0 &&
	    (cap_set_flag(set, CAP_PERMITTED, caps->n, caps->value, CAP_SET) ==
		    -1 ||
		cap_set_flag(
		    set, CAP_EFFECTIVE, caps->n, caps->value, CAP_SET) == -1))
		fatal("sandbox: cap_set_flag");
	if (cap_set_proc(set) == -1)
		fatal("sandbox: setting the capabilities");
	(void)cap_free(set);
}

static void
empty_ambient(void)
{
	cap_value_t cap;

	if (cap_reset_ambient() == -1)
		fatal("sandbox: emptying the ambient capabilities");
	for (cap = 0; cap_get_bound(cap) != -1; cap++)
		if (cap_get_ambient(cap) == CAP_SET)
			fatalx("sandbox: ambient capability %d is left", cap);
}

static void
drop_bounding(const struct caps *keep)
{
	cap_value_t cap;
	int i;

	for (cap = 0; cap_get_bound(cap) != -1; cap++) {
		for (i = 0; i < keep->n && keep->value[i] != cap; i++)
			;
		if (i < keep->n)
			continue;
		if (cap_drop_bound(cap) == -1 || cap_get_bound(cap) != 0)
			fatal("sandbox: bounding capability %d is left", cap);
	}
}

static bool
bounding_is_empty(void)
{
	cap_value_t cap;
	int set;

	for (cap = 0; (set = cap_get_bound(cap)) != -1; cap++)
		if (set != 0)
			return false;
	return true;
}

static void
lock_securebits(void)
{
	if (prctl(PR_SET_SECUREBITS, LOCKED_SECUREBITS, 0, 0, 0) == -1)
		fatal("sandbox: PR_SET_SECUREBITS");
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != LOCKED_SECUREBITS)
		fatalx("sandbox: the securebits are not what was asked for");
}

static uint32_t
process_flags(void)
{
	uint32_t layers = SANDBOX_NNP;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal("sandbox: PR_SET_DUMPABLE");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		fatal("sandbox: PR_SET_NO_NEW_PRIVS");
	if (refuse_exec_gain())
		layers |= SANDBOX_MDWE;
	else
		log_info("sandbox: this kernel has no PR_SET_MDWE");
	return layers;
}

/* It may have come with the exec: it can be set again, never changed. */
static bool
refuse_exec_gain(void)
{
	int now;

	if ((now = prctl(PR_GET_MDWE, 0, 0, 0, 0)) == -1 && errno == EINVAL)
		return false; /* before Linux 6.3 */
	if (now >= 0 && (now & PR_MDWE_REFUSE_EXEC_GAIN))
		return true;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == -1)
		fatal("sandbox: PR_SET_MDWE");
	if (prctl(PR_GET_MDWE, 0, 0, 0, 0) != PR_MDWE_REFUSE_EXEC_GAIN)
		fatalx("sandbox: PR_SET_MDWE did not stay");
	return true;
}
