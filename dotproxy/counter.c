/* The counters' names and this process's values. */
#include <stddef.h>

#include "counter.h"
#include "log.h"

const struct counter_text counter_text[COUNTERS] = {
#define COUNTER_ROW(name, help) { #name, help },
	COUNTER_TABLE(COUNTER_ROW)
#undef COUNTER_ROW
};

uint64_t counter_value[COUNTERS];

void
counter_log(const char *name, const uint64_t value[COUNTERS])
{
	size_t i, n = 0;

	for (i = 0; i < COUNTERS; i++)
		if (value[i] != 0) {
			log_info("%s: %s %llu", name, counter_text[i].name,
			    (unsigned long long)value[i]);
			n++;
		}
	log_info("%s: counters that are not 0: %zu", name, n);
}
