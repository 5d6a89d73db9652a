/*
 * Landlock: what the file system, TCP ports and other processes' signals are
 * to a confined process, which is nothing. It must never be entered with a
 * right that the kernel knows of left unhandled by mistake.
 */
#include <sys/auxv.h>
#include <sys/syscall.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sandbox_landlock.h"

/* The header on the building machine may be older than the kernel here. */
#define FS_ABI_1     ((UINT64_C(1) << 13) - 1) /* execute .. make_sym */
#define FS_REFER     (UINT64_C(1) << 13)
#define FS_TRUNCATE  (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_TCP	     UINT64_C(3) /* bind, connect */
#define SCOPE_UNIX   UINT64_C(1) /* abstract sockets outside */
#define SCOPE_SIGNAL UINT64_C(2) /* processes outside */

#define FS_READ	     (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* struct landlock_ruleset_attr as of ABI 6; a field an older kernel does not
 * know is zero, and then the kernel takes the longer struct. */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static struct ruleset_attr handled(enum sandbox_role, long);
static void allow_parent(int, const char *);
static void allow(int, const char *, uint64_t);
static const char *interpreter(void);

bool
sandbox_landlock_enter(enum sandbox_role role, const char *libexec)
{
	struct ruleset_attr attr;
	long abi;
	int ruleset;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	/* Not built in, or switched off at boot: the two that are left out. */
	if (abi == -1 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return false;
	if (abi == -1)
		fatal("sandbox: asking the kernel for its Landlock version");
	attr = handled(role, abi);
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset == -1)
		fatal("sandbox: making a Landlock ruleset");
	if (role == SANDBOX_PARENT)
		allow_parent(ruleset, libexec);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
		fatal("sandbox: entering the Landlock ruleset");
	(void)close(ruleset);
	return true;
}

static struct ruleset_attr
handled(enum sandbox_role role, long abi)
{
	struct ruleset_attr attr = { FS_ABI_1, 0, 0 };

	if (abi >= 2)
		attr.fs |= FS_REFER;
	if (abi >= 3)
		attr.fs |= FS_TRUNCATE;
	if (abi >= 5)
		attr.fs |= FS_IOCTL_DEV;
	/*
	 * The parent binds and connects to whatever the config names after
	 * the next reload, and NOTIFY_SOCKET may be an abstract socket. It
	 * signals nobody but its children, who are inside its domain.
	 */
	if (abi >= 4 && role != SANDBOX_PARENT)
		attr.net = NET_TCP;
	if (abi >= 6)
		attr.scoped = role == SANDBOX_PARENT
		    ? SCOPE_SIGNAL
		    : SCOPE_UNIX | SCOPE_SIGNAL;
	return attr;
}

/*
 * Reading is left whole: config and CA files lie where the operator put them.
 * The kernel opens a dynamic program's loader for execution too; the libraries
 * are only read and mapped.
 */
static void
allow_parent(int ruleset, const char *libexec)
{
	const char *loader = interpreter();

	allow(ruleset, "/", FS_READ);
	allow(ruleset, libexec, LANDLOCK_ACCESS_FS_EXECUTE);
	if (loader != NULL)
		allow(ruleset, loader, LANDLOCK_ACCESS_FS_EXECUTE);
}

static void
allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr beneath = { .allowed_access =
							  access };
	int fd;

	if ((fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		fatal("sandbox: %s", path);
	beneath.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&beneath, 0) == -1)
		fatal("sandbox: Landlock rule for %s", path);
	(void)close(fd);
}

/*
 * The loader that this program names, and so do its children, built as it is;
 * NULL in a static program. Read from memory, since there may be no /proc.
 */
static const char *
interpreter(void)
{
	const ElfW(Phdr) *phdr = (const void *)getauxval(AT_PHDR);
	unsigned long i, n = getauxval(AT_PHNUM);
	uintptr_t base = 0;

	for (i = 0; phdr != NULL && i < n; i++)
		if (phdr[i].p_type == PT_PHDR)
			base = (uintptr_t)phdr - phdr[i].p_vaddr;
	for (i = 0; phdr != NULL && i < n; i++)
		if (phdr[i].p_type == PT_INTERP)
			return (const char *)(base + phdr[i].p_vaddr);
	return NULL;
}
