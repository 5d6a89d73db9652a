/*
 * A layer of sandbox.c: Landlock, with every right that the kernel knows and
 * this program has heard of taken away. For sandbox.c and nobody else.
 */
#ifndef DOTPROXY_SANDBOX_LANDLOCK_H
#define DOTPROXY_SANDBOX_LANDLOCK_H

#include <stdbool.h>

#include "sandbox.h"

/*
 * A child is left no right at all; the parent may read, and execute what lies
 * beneath libexec. Needs no_new_privs. False when the kernel has no Landlock;
 * any other failure is fatal.
 */
bool sandbox_landlock_enter(enum sandbox_role role, const char *libexec);

#endif
