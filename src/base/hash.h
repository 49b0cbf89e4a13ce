/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyed hashing of bytes (SipHash-1-3): who does not know the key cannot choose colliding inputs.
 * Fit for tables in memory; not a message authentication code.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/bytes.h"

/* Drawn at random once per process, or from the seed of a simulation. */
struct hash_key {
    uint64_t words[2];
};

/* All 64 bits are equally good, on every machine the same for the same key and bytes. */
uint64_t hash_bytes(const struct hash_key *key, struct bytes bytes);

/* Spreads a number over 64 bits; a bijection, without a key. */
static inline uint64_t hash_mix(uint64_t number)
{
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    return number ^ number >> 32;
}

#endif
