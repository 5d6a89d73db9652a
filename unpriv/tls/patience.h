/*
 * How long to wait for an answer before the question is asked again, learned
 * from the answers that came; and how many questions may be asked again so.
 * Pure.
 */
#ifndef UNPRIV_TLS_PATIENCE_H
#define UNPRIV_TLS_PATIENCE_H

#include <stdbool.h>
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

/*
 * Extra questions: one for every BUDGET_EVERY that are asked, and one each
 * second, so that a proxy with little to do can ask again at once, too; at
 * most BUDGET_BURST saved up.
 */
#define BUDGET_EVERY 10
#define BUDGET_BURST 10

/* All zero is a full one. */
struct budget {
	uint64_t last; /* ms; 0: never used */
	uint32_t tenths;
};

/* A question is asked. */
void budget_earn(struct budget *b);
/* Takes one; false: there is none. */
bool budget_take(struct budget *b, uint64_t now);
/* One that was taken is not needed. */
void budget_return(struct budget *b);
/* When there will be one at the latest. */
uint64_t budget_next(const struct budget *b, uint64_t now);

#endif
