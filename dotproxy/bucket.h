/*
 * A token bucket: so many at once, and so many more each second.
 */
#ifndef DOTPROXY_BUCKET_H
#define DOTPROXY_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is a full one. */
struct bucket {
	uint64_t last; /* ms; 0: never used */
	uint64_t tokens; /* thousandths */
};

/* Takes a token; false when there is none. now is clock_ms(). */
bool bucket_take(struct bucket *b, uint64_t now, uint32_t burst, uint32_t rate);
/* One that was taken goes back. */
void bucket_give(struct bucket *b);

#endif
