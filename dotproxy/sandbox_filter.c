/*
 * Makes a seccomp filter of a role's table and loads it. Whatever no table
 * names kills the process; it must never get an error to work around.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox_filter.h"
#include "sandbox_table.h"

/* No kernel has it, nor x32: a call that only the default action answers. */
#define IMPOSSIBLE_CALL 0x3fffffffL

/*
 * How libseccomp lays out a filter: what is loaded is searched as a tree, what
 * is printed is a list, in which one more rule is one more paragraph.
 */
#define LIST 1
#define TREE 2

static scmp_filter_ctx make(enum sandbox_role, uint32_t);
static void
add(scmp_filter_ctx, uint32_t, const struct rule *, const struct table *);
static bool is_named(const struct rule *, int);
static bool is_allowed(const struct table *, int);
static void check(int, const char *);
static void catch_reported(void (*)(int));
static void on_sigsys(int, siginfo_t *, void *);

static void (*tell_refused)(int nr);

void
sandbox_filter_load(enum sandbox_role role, void (*refused)(int nr))
{
	scmp_filter_ctx ctx = make(role, TREE);

	catch_reported(refused);
#ifdef DOTPROXY_SANITIZE
	log_info("sandbox: built with sanitizers: weaker");
#endif
	check(seccomp_load(ctx), "loading the filter");
	seccomp_release(ctx);
	/* What the filter was built in is most of an idle parent's heap. */
	(void)malloc_trim(0);
}

int
sandbox_print_filter(enum sandbox_role role, int fd)
{
	scmp_filter_ctx ctx = make(role, LIST);
	int r = seccomp_export_pfc(ctx, fd);

	seccomp_release(ctx);
	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}

static scmp_filter_ctx
make(enum sandbox_role role, uint32_t layout)
{
	const struct table *table = sandbox_table(role);
	const struct rule *const *group;
	scmp_filter_ctx ctx;

	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL)
		fatalx("sandbox: libseccomp cannot make a filter");
	/* A foreign architecture's numbers, and x32's. */
	check(seccomp_attr_set(
		  ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
	    "the foreign architecture");
	/* From libseccomp 2.5 on; before it all is a list. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, layout);
	for (group = table->allowed; *group != NULL; group++)
		add(ctx, SCMP_ACT_ALLOW, *group, NULL);
	add(ctx, SCMP_ACT_ERRNO(ENOSYS), table->absent, table);
	add(ctx, SCMP_ACT_TRAP, table->reported, table);
	return ctx;
}

/* If table is given, what it names before is left as it is. */
static void
add(scmp_filter_ctx ctx, uint32_t action, const struct rule *rule,
    const struct table *table)
{
	char text[80];
	unsigned int n;

	for (; rule->nr != NO_RULE; rule++) {
		if (table != NULL &&
		    (is_allowed(table, rule->nr) ||
			(action == SCMP_ACT_TRAP &&
			    is_named(table->absent, rule->nr))))
			continue;
		for (n = 0; n < RULE_ARGS && rule->arg[n].op != 0; n++)
			;
		(void)snprintf(
		    text, sizeof(text), "rule for system call %d", rule->nr);
		check(
		    seccomp_rule_add_array(ctx, action, rule->nr, n, rule->arg),
		    text);
	}
}

static bool
is_allowed(const struct table *table, int nr)
{
	const struct rule *const *group;

	for (group = table->allowed; *group != NULL; group++)
		if (is_named(*group, nr))
			return true;
	return false;
}

static bool
is_named(const struct rule *rule, int nr)
{
	for (; rule->nr != NO_RULE; rule++)
		if (rule->nr == nr)
			return true;
	return false;
}

/* libseccomp returns negated errnos. */
static void
check(int r, const char *what)
{
	if (r == 0)
		return;
	errno = -r;
	fatal("sandbox: seccomp, %s (the kernel needs CONFIG_SECCOMP_FILTER "
	      "and Linux 4.14)",
	    what);
}

/*
 * The kernel does not tell the parent which call a killed child made; so
 * some calls are trapped, to be told. The handler is gone once it runs.
 */
static void
catch_reported(void (*refused)(int))
{
	struct sigaction action;

	tell_refused = refused;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_sigsys;
	action.sa_flags = SA_SIGINFO | (int)SA_RESETHAND;
	(void)sigfillset(&action.sa_mask);
	if (sigaction(SIGSYS, &action, NULL) == -1)
		fatal("sandbox: sigaction");
}

static void
on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (tell_refused != NULL)
		tell_refused(info->si_syscall);
	for (;;)
		(void)syscall(IMPOSSIBLE_CALL);
}
