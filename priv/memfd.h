/*
 * Memory that processes share: memfds of a size that nobody can change.
 */
#ifndef PRIV_MEMFD_H
#define PRIV_MEMFD_H

#include <stddef.h>
#include <stdint.h>

/* All zero, sealed against shrinking and growing, in the place of old, which is
 * closed (-1: there was none). -1 for a size of 0; fatal without memory for it,
 * though it is only address space until it is written. */
int memfd_renew(int old, uint64_t size);

/* These bytes, which nobody can change either; -1 with errno. */
int memfd_copy(const char *name, const void *bytes, size_t len);

#endif
