/*
 * Whose files are believed. What a config names must be as hard to change as
 * the config itself.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "dotproxy/log.h"

#include "config.h"

bool
config_may_trust(const char *what, const char *path, const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		log_warnx("%s%s: belongs to user %u: it must be root's or of "
			  "who runs dotproxy; fix with chown",
		    what, path, (unsigned int)st->st_uid);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		log_warnx("%s%s: others than its owner may write it; fix with "
			  "chmod go-w",
		    what, path);
	else
		return true;
	return false;
}
