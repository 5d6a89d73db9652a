/*
 * How many questions may be asked again because no answer came in time, and
 * whose turn comes last: names that nobody answers must not use up what all
 * others need. Pure.
 */
#ifndef UNPRIV_TLS_BUDGET_H
#define UNPRIV_TLS_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dotproxy/siphash.h"

/*
 * Extra questions: one for every BUDGET_EVERY that are asked, and one each
 * second, so that a proxy with little to do can ask again at once, too; at
 * most BUDGET_BURST saved up.
 */
#define BUDGET_EVERY 10
#define BUDGET_BURST 10

/*
 * Of domains of two labels: how many extras each had whose questions were not
 * answered, at most BUDGET_VAIN_MAX, half of them forgotten in each
 * BUDGET_FORGET. From BUDGET_VAIN on a domain comes last and leaves
 * BUDGET_KEPT of what is saved up to others. It loses nothing else by that, so
 * that there is little to win by making an honest one look so. Domains share
 * places by chance, which nobody outside can foresee.
 */
#define BUDGET_DOMAINS	1024
#define BUDGET_VAIN	5
#define BUDGET_VAIN_MAX 20
#define BUDGET_FORGET	4000 /* ms */
#define BUDGET_KEPT	5

struct budget_domain {
	uint64_t since; /* ms; when some were forgotten last */
	uint32_t vain;
};

/* All zero is a full one. */
struct budget {
	uint64_t last; /* ms; 0: never used */
	uint32_t tenths;
	struct budget_domain domain[BUDGET_DOMAINS];
};

/* The place of a name's domain, below BUDGET_DOMAINS; name is on the wire,
 * well formed and folded. */
uint16_t
budget_domain(const struct siphash_key *key, const uint8_t *name, size_t len);
/* Whether it comes last. */
bool budget_is_last(struct budget *b, uint16_t domain, uint64_t now);

/* A question is asked. */
void budget_earn(struct budget *b);
/* Takes one for a question of the domain; false: there is none for it. */
bool budget_take(struct budget *b, uint16_t domain, uint64_t now);
/* One that was taken is not needed. */
void budget_return(struct budget *b, uint16_t domain);
/* A question that had so many was answered. */
void budget_answered(struct budget *b, uint16_t domain, uint32_t extras);
/* When there will be one for it at the latest. */
uint64_t budget_next(struct budget *b, uint16_t domain, uint64_t now);

#endif
