/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table from two numbers to a third one, which is never 0. Starts as { 0 }.
 */
#ifndef STORE_PAIRS_H
#define STORE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
    uint64_t keys[2];
    uint64_t value; /* 0: free */
};

struct pairs {
    struct pair *slots;
    size_t room; /* of slots: 0 or a power of two */
    size_t count;
};

/* Room for so many more. False when memory is short; nothing changed then. */
bool pairs_reserve(struct pairs *pairs, size_t more);

/* NULL when there is none. */
struct pair *pairs_find(const struct pairs *pairs, uint64_t first, uint64_t second);

/* What is there, or a new one whose value must be set at once: there must be room for it. */
struct pair *pairs_add(struct pairs *pairs, uint64_t first, uint64_t second);

/* Empty; the memory is given back. */
void pairs_reset(struct pairs *pairs);

#endif
