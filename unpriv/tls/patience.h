/*
 * How long to wait for an answer before the question is asked again, learned
 * from the answers that came. Pure.
 */
#ifndef UNPRIV_TLS_PATIENCE_H
#define UNPRIV_TLS_PATIENCE_H

#include <stdint.h>

/* Milliseconds. */
#define PATIENCE_MIN	 20
#define PATIENCE_MAX	 400
#define PATIENCE_START	 100 /* before there are answers enough */

#define PATIENCE_SAMPLES 8 /* are enough */
#define PATIENCE_STEPS	 14

/* Answer times, the newer of more weight. All zero is none. */
struct patience {
	uint16_t count[PATIENCE_STEPS];
	uint16_t total;
	uint16_t ms; /* what is waited; 0: PATIENCE_START */
};

/* An answer took so many milliseconds. */
void patience_add(struct patience *p, uint64_t took);
/* The time within which 95 of 100 answers came, PATIENCE_MIN to PATIENCE_MAX:
 * the first step of a scale by quarters above it. */
uint64_t patience_ms(const struct patience *p);

#endif
