/* libFuzzer: any bytes as a client's message. */
#include <stdio.h>
#include <stdlib.h>

#include "regress/dns/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *broken = check_query(data, size);

	if (broken != NULL) {
		fprintf(stderr, "not so: %s\n", broken);
		abort();
	}
	return 0;
}
