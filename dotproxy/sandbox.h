/*
 * Confinement: one function and one table for each role. What fails ends the
 * process; nothing is tried again with less.
 */
#ifndef DOTPROXY_SANDBOX_H
#define DOTPROXY_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum sandbox_role {
	SANDBOX_PARENT,
	SANDBOX_WORKER,
	SANDBOX_TLS,
	SANDBOX_SOCKS
};

/* Layers in force after sandbox_enter, as a set of bits. */
#define SANDBOX_CHROOT	 0x01 /* root is an empty folder of root's */
#define SANDBOX_UID	 0x02 /* runs as another user than the parent */
#define SANDBOX_NOCAPS	 0x04 /* no capability, bounding set included */
#define SANDBOX_NNP	 0x08 /* PR_SET_NO_NEW_PRIVS */
#define SANDBOX_MDWE	 0x10 /* no memory both writable and executable */
#define SANDBOX_LANDLOCK 0x20
#define SANDBOX_SECCOMP	 0x40
#define SANDBOX_ALL	 0x7f

struct sandbox_params {
	uid_t uid; /* whom a child runs as */
	gid_t gid;
	const char *chroot; /* absolute; an empty folder of root's */
	uint32_t nofile; /* highest number of descriptors */
	const char *libexec; /* parent only: where its children lie */
	bool net_admin; /* parent only: it keeps CAP_NET_ADMIN, if it has it */
	/*
	 * Called for a reported system call (sandbox.c's list) just before
	 * the process dies of SIGSYS; async-signal-safe. May be NULL.
	 */
	void (*refused)(int nr);
};

/*
 * Confines this process as its role asks and returns the layers now in
 * force. Only without the capabilities for it (a container, an ordinary user)
 * are chroot and uid left out, and the return value says so (and NOCAPS unless
 * the bounding set was empty already: only CAP_SETPCAP empties it); a kernel
 * without Landlock or MDWE likewise. Everything else that fails is fatal, with
 * a line that says what to do about it. Call once, before reading a byte of
 * anyone, and have the libevent base made before. In a child nothing can be
 * logged to standard error from then on: its log must go over the channel by
 * then.
 */
uint32_t
sandbox_enter(enum sandbox_role role, const struct sandbox_params *params);

/*
 * Before all that: the user that children run as (looked up in /etc/passwd,
 * never by a name service), and the empty folder root, made if it is not
 * there. False when this process is not root's: then they run as it does. An
 * unknown user, or root itself, is fatal.
 */
bool sandbox_user(const char *name, const char *root, uid_t *uid, gid_t *gid);

/* Raises the limit of descriptors as far as it goes and returns it; fatal,
 * with what to do, if that is less than want. */
uint32_t sandbox_nofile(uint32_t want);

/* "chroot uid caps nnp mdwe landlock seccomp", of the layers set, into buf. */
#define SANDBOX_TEXT 64
const char *sandbox_layers_text(uint32_t layers, char buf[SANDBOX_TEXT]);
/* Whether a child with these layers may be told a config; privileged: the
 * parent could give it a chroot and a user. */
bool sandbox_is_enough(uint32_t layers, bool privileged);
/* The name of a system call, or "?", into buf. */
const char *sandbox_call_name(uint32_t nr, char buf[SANDBOX_TEXT]);

/* Writes the role's filter as PFC to fd, for the golden files in regress;
 * 0, or -1 with errno. */
int sandbox_print_filter(enum sandbox_role role, int fd);

#endif
