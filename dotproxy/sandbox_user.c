/*
 * Whom children run as and how many descriptors there may be: looked up
 * before anything is confined. It asks files only, never a name service.
 * For the parent alone.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

bool
sandbox_user(const char *name, const char *root, uid_t *uid, gid_t *gid)
{
	struct passwd *pw = NULL;
	FILE *f;

	*uid = getuid();
	*gid = getgid();
	if (geteuid() != 0)
		return false;
	if ((f = fopen("/etc/passwd", "re")) == NULL)
		fatal("/etc/passwd");
	while ((pw = fgetpwent(f)) != NULL)
		if (strcmp(pw->pw_name, name) == 0)
			break;
	if (pw == NULL)
		fatalx("user \"%s\" does not exist: make it with "
		       "`useradd --system --shell /usr/sbin/nologin %s`, "
		       "or name another with `user` in the config",
		    name, name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		fatalx("user \"%s\" is root: nothing would be confined", name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	(void)fclose(f);
	if (mkdir(root, 0755) == -1 && errno != EEXIST)
		fatal("chroot %s cannot be made; name an empty folder of "
		      "root's",
		    root);
	return true;
}

uint32_t
sandbox_nofile(uint32_t want)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("setrlimit");
	if (want > rl.rlim_max)
		fatalx("only %llu open files allowed: raise `ulimit -Hn` to "
		       "%u, or lower `tcp connections`",
		    (unsigned long long)rl.rlim_max, want);
	return rl.rlim_max < UINT32_MAX ? (uint32_t)rl.rlim_max : UINT32_MAX;
}
