/*
 * The questions that pace asks, ready to be sent: from a file (a name a line;
 * what follows it is left out), over and over, or numbered.
 */
#ifndef REGRESS_BENCH_NAMES_H
#define REGRESS_BENCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file, or a name in which %u stands for first, first + 1, ... and after
 * modulo of them for first again. Ends the program if it is neither.
 */
void names_open(const char *what, uint64_t first, uint64_t modulo);
/* Writes the next question (A, IN, RD), with an OPT if edns; its length. */
size_t names_next(uint8_t buf[512], uint16_t id, bool edns);

#endif
