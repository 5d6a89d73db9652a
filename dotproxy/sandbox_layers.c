/*
 * What the parent knows of a child's confinement: whether it is enough, and how
 * it is told. A child's own word: it proves nothing of one that is broken into.
 * For the parent alone.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	uint32_t layer;
	const char *name;
} layer_names[] = {
	{ SANDBOX_CHROOT, "chroot" },
	{ SANDBOX_UID, "uid" },
	{ SANDBOX_NOCAPS, "caps" },
	{ SANDBOX_NNP, "nnp" },
	{ SANDBOX_MDWE, "mdwe" },
	{ SANDBOX_LANDLOCK, "landlock" },
	{ SANDBOX_SECCOMP, "seccomp" },
};

const char *
sandbox_layers_text(uint32_t layers, char buf[SANDBOX_TEXT])
{
	size_t i, used = 0;

	buf[0] = '\0';
	for (i = 0; i < ARRAY_LEN(layer_names); i++)
		if (layers & layer_names[i].layer)
			used += (size_t)snprintf(buf + used,
			    SANDBOX_TEXT - used, "%s%s", used > 0 ? " " : "",
			    layer_names[i].name);
	return buf;
}

bool
sandbox_is_enough(uint32_t layers, bool privileged)
{
	uint32_t wanted = SANDBOX_NNP | SANDBOX_SECCOMP;

	/* An ordinary user has no capability, but cannot empty the bounding
	 * set. */
	if (privileged)
		wanted |= SANDBOX_CHROOT | SANDBOX_UID | SANDBOX_NOCAPS;
	return (layers & wanted) == wanted &&
	    (layers & ~(uint32_t)SANDBOX_ALL) == 0;
}

const char *
sandbox_call_name(uint32_t nr, char buf[SANDBOX_TEXT])
{
	char *name =
	    seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);

	(void)snprintf(buf, SANDBOX_TEXT, "%s", name == NULL ? "?" : name);
	free(name);
	return buf;
}
