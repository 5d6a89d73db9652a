/*
 * Memory that processes share: a memfd of a size that nobody can change.
 */
#ifndef DOTPROXY_SHARED_H
#define DOTPROXY_SHARED_H

#include <stdint.h>

/* All zero, sealed against shrinking and growing; the caller's to close. -1 for
 * a size of 0; fatal without memory for it, though it is only address space
 * until it is written. */
int shared_memory(uint64_t size);

#endif
