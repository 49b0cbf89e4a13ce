/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table whose links lie inside the objects, for millions of them under a lock that must not
 * be held for long: it grows and shrinks by one bucket at a time (linear hashing), so no call ever
 * rehashes it as a whole. Where that does not matter, map.h is quicker to search.
 *
 * Buckets lie in segments, each as large as all before it together; a segment that memory is too
 * short for only makes chains longer.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum { TABLE_SEGMENTS = 28, TABLE_FIRST_SEGMENT = 16 };

struct table_link {
    struct table_link *next;
    uint32_t hash;
};

struct table {
    uint32_t count;   /* of objects */
    uint32_t buckets; /* 0 only before the first object */
    struct table_link **segments[TABLE_SEGMENTS];
};

static inline void table_init(struct table *table)
{
    *table = (struct table){ 0 };
}

/* Gives the buckets back, and returns all objects, which are the caller's, as a chain of `next`. */
struct table_link *table_deinit(struct table *table, const struct memory *memory);

/* The first object of that hash; the caller compares keys and goes on with table_next(). */
struct table_link *table_first(const struct table *table, uint32_t hash);

/* The next object of the same hash. */
static inline struct table_link *table_next(const struct table_link *link)
{
    struct table_link *next = link->next;

    while (next && next->hash != link->hash)
        next = next->next;
    return next;
}

/* Adds an object whose link->hash is set. False when memory is too short for the first buckets. */
bool table_add(struct table *table, const struct memory *memory, struct table_link *link);

/* Takes an object out, which must be in it. */
void table_remove(struct table *table, const struct memory *memory, struct table_link *link);

#endif
