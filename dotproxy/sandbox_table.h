/*
 * What a table of system calls is made of. For sandbox_table.c, which has the
 * tables, and sandbox_filter.c, which makes filters of them.
 */
#ifndef DOTPROXY_SANDBOX_TABLE_H
#define DOTPROXY_SANDBOX_TABLE_H

#include <seccomp.h>

#include "sandbox.h"

#define RULE_ARGS 3

/* One system call, allowed if all conditions on its arguments hold. */
struct rule {
	int nr;
	struct scmp_arg_cmp arg[RULE_ARGS]; /* op 0: no more conditions */
};

/* Calls of one purpose; ends with nr NO_RULE. */
#define NO_RULE (-1000000)
typedef const struct rule rules[];

/* What a role may call, what it is told does not exist, and what is reported
 * before the process dies. The first that names a call wins. */
struct table {
	const struct rule *const *allowed; /* groups, the last is NULL */
	const struct rule *absent; /* ENOSYS */
	const struct rule *reported;
};

const struct table *sandbox_table(enum sandbox_role role);

#endif
