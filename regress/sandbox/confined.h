/*
 * Runs a function inside the sandbox of a role, in a process of its own, and
 * tells what came of it. Shared by the tests of this folder.
 */
#ifndef REGRESS_SANDBOX_CONFINED_H
#define REGRESS_SANDBOX_CONFINED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dotproxy/sandbox.h"

/* An ordinary user; and whom children become. Nobody's, on any machine. */
#define CONFINED_USER 64999
#define CONFINED_UID  65001
#define CONFINED_GID  65002

struct confined {
	enum sandbox_role role;
	void (*before)(void); /* in the process, before it is confined */
	void (*body)(void *); /* in the process, confined; may be NULL */
	void *arg;
	void (*after_report)(void); /* in the handler, may be NULL */
	/* In the test, while the process waits, confined, after body. */
	void (*watch)(pid_t pid);
	const char *chroot; /* default: a folder as it should be */
};

struct outcome {
	int status; /* as wait(2) has it */
	bool entered; /* sandbox_enter returned */
	uint32_t layers;
	int refused; /* the system call reported, -1 if none was */
	char said[2048]; /* log lines, each with "; " behind it */
};

struct outcome confined_run(const struct confined *what);

bool outcome_is_sigsys(const struct outcome *o);
bool outcome_is_exit(const struct outcome *o, int status);

/* A sanitizer's runtime is allowed more, which is not what is tested. */
void confined_skip_if_sanitized(void);

/* For before: become an ordinary user without any capability. */
void confined_as_user(void);

/* The end of the channel, for a body that sends or receives. */
int confined_channel(void);

#endif
