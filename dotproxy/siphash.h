/*
 * SipHash-2-4 (Aumasson, Bernstein 2012): the hash of every table whose keys
 * a stranger chooses.
 */
#ifndef DOTPROXY_SIPHASH_H
#define DOTPROXY_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* Fills the key from getrandom(2); fatal when there is no randomness. */
void siphash_key_random(struct siphash_key *key);

/* The 64-bit hash of len bytes. */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

/* The same of 7 bytes, the first in the lowest bits of a word whose highest
 * byte is 0: half of the work. */
uint64_t siphash_7(const struct siphash_key *key, uint64_t bytes);

#endif
