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

/*
 * Without a key, and not the same on every machine: for a cache, whose entries any input may push
 * out. Inputs chosen to collide make others be looked for again, and nothing else.
 */
static inline uint64_t hash_quick(struct bytes bytes)
{
    uint64_t hash = bytes.size;
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    uint64_t word;

    for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = (hash ^ word) * 0xd6e8feb86659fd93;
        hash ^= hash >> 32;
    }
    word = 0;
    /* The end of what is longer: the last eight bytes, some of them for a second time. */
    if (bytes.size >= sizeof(word))
        memcpy(&word, bytes.data + bytes.size - sizeof(word), sizeof(word));
    for (; bytes.size < sizeof(word) && left > 0; left--)
        word = word << 8 | *at++;
    hash = (hash ^ word) * 0xd6e8feb86659fd93;
    return hash ^ hash >> 32;
}

/* Spreads a number over 64 bits; a bijection, without a key. */
static inline uint64_t hash_mix(uint64_t number)
{
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    return number ^ number >> 32;
}

#endif
