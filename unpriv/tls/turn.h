/* The time of this turn of the loop: the clock is read once in each. */
#ifndef UNPRIV_TLS_TURN_H
#define UNPRIV_TLS_TURN_H

#include <stdint.h>

/* Milliseconds, as clock_ms; the same until turn_end. */
uint64_t turn_now(void);
void turn_end(void);

#endif
