/*
 * A dotproxy-tls of a test, with the upstreams that it has.
 */
#ifndef REGRESS_TLS_PROCESS_H
#define REGRESS_TLS_PROCESS_H

#include "harness.h"

#define CHAIN(...) ((const struct pki_cert *const[]){ __VA_ARGS__, NULL })

/* Certificates that are good today. */
struct house {
	struct pki_cert *root, *inter, *leaf;
	char *ca;
};

extern struct harness h;
extern struct harness_upstream one;

/* What a test made: it lives as long as that does. */
void *kept(void *made);
struct house new_house(const char *name);
struct pki_cert *
leaf_of(const struct house *house, const char *san, time_t begins, time_t ends);
/* pin: NULL, there is none. */
struct harness_upstream upstream(const struct house *house,
    struct netaddr address, const struct pki_cert *pin);
/* One upstream, one worker. */
void start_one(const struct house *house, const struct pki_cert *leaf,
    const struct pki_cert *pin, enum harness_fault fault);
void expect_answer(uint64_t id);
void expect_failure(uint64_t id, uint16_t ede, const char *text);
uint64_t counted(enum counter counter);

#endif
