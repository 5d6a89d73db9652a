/*
 * Prints the seccomp filter of a role as PFC, for the golden files. With
 * --comparable it only says whether this build's can be compared with them:
 * 0, or 1 and why not.
 */
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/sandbox.h"

static const char *incomparable(void);

int
main(int argc, char *argv[])
{
	static const char *const names[] = { "parent", "worker", "tls",
		"socks" };
	const char *why;
	size_t role;

	if (argc != 2)
		fatalx(
		    "usage: print_filter parent|worker|tls|socks|--comparable");
	if (strcmp(argv[1], "--comparable") == 0) {
		if ((why = incomparable()) != NULL)
			(void)puts(why);
		return why != NULL;
	}
	for (role = 0; role < sizeof(names) / sizeof(names[0]); role++)
		if (strcmp(argv[1], names[role]) == 0)
			break;
	if (role == sizeof(names) / sizeof(names[0]))
		fatalx("no such role: %s", argv[1]);
	if (sandbox_print_filter((enum sandbox_role)role, STDOUT_FILENO) == -1)
		fatal("sandbox_print_filter");
	return 0;
}

static const char *
incomparable(void)
{
#ifdef DOTPROXY_SANITIZE
	return "built with sanitizers: another table";
#else
	const struct scmp_version *version = seccomp_version();

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return "the golden files are of x86_64";
	if (version->major != 2 || version->minor != 5)
		return "the golden files are as libseccomp 2.5 prints them";
	return NULL;
#endif
}
