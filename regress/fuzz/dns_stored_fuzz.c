/* libFuzzer: any bytes as what the cache's memory holds, and as an answer that
 * is stored and told again. */
#include <stdio.h>
#include <stdlib.h>

#include "regress/dns/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *broken = check_scribble(data, size);

	if (broken == NULL)
		broken = check_stored(data, size);
	if (broken != NULL) {
		fprintf(stderr, "not so: %s\n", broken);
		abort();
	}
	return 0;
}
