/* The counters' names and this process's values. */
#include "counter.h"

const struct counter_text counter_text[COUNTERS] = {
#define COUNTER_ROW(name, help) { #name, help },
	COUNTER_TABLE(COUNTER_ROW)
#undef COUNTER_ROW
};

uint64_t counter_value[COUNTERS];
