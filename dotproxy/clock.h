/*
 * The one clock: CLOCK_MONOTONIC in milliseconds. It is read once for each
 * turn of a loop and passed down, so that a test passes its own.
 */
#ifndef DOTPROXY_CLOCK_H
#define DOTPROXY_CLOCK_H

#include <stdint.h>

/* Milliseconds since some point before the start; never runs backwards. */
uint64_t clock_ms(void);
/* Likewise in microseconds, for what is measured. */
uint64_t clock_us(void);

#endif
