/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of pointers to objects that hold their own key. Empty, it owns no memory.
 *
 * Linear probing with removal by shifting back, so there are no tombstones. Each place has a
 * pointer and a mark, which is half of the hash. The caller computes hashes (with a key that peers
 * do not know) and compares keys.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"
#include "base/memory.h"

struct map {
    void **values;     /* as many as `capacity`, and behind them their marks */
    uint32_t capacity; /* 0 or a power of two */
    uint32_t count;
    struct bytes (*key)(const void *value);
};

/* The function tells the key of an object; it must not change while the object is in the map. */
static inline void map_init(struct map *map, struct bytes (*key)(const void *value))
{
    *map = (struct map){ .key = key };
}

/* Gives the table's memory back; the objects are the caller's. */
void map_deinit(struct map *map, const struct memory *memory);

/* NULL when there is none. */
void *map_find(const struct map *map, uint64_t hash, struct bytes key);

/* The key must not be there yet. False when memory is short; nothing changed then. */
bool map_add(struct map *map, const struct memory *memory, uint64_t hash, void *value);

/* Takes out this very object; fine when it is not there. Memory shrinks when little is left. */
void map_remove(struct map *map, const struct memory *memory, uint64_t hash, const void *value);

/* Walks all objects: start with *position 0; NULL at the end. No change of the map in between. */
void *map_next(const struct map *map, uint32_t *position);

#endif
