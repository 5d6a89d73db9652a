/* The clock of every program. It must never be the wall clock. */
#include <time.h>

#include "clock.h"
#include "log.h"

uint64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

uint64_t
clock_us(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		fatal("clock_gettime");
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
