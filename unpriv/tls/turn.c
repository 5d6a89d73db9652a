/*
 * The time of a turn. It must not be held over a wait for events.
 */
#include <stdbool.h>

#include "dotproxy/clock.h"

#include "turn.h"

static uint64_t now;
static bool read_already;

uint64_t
turn_now(void)
{
	if (!read_already)
		now = clock_ms();
	read_already = true;
	return now;
}

void
turn_end(void)
{
	read_already = false;
}
