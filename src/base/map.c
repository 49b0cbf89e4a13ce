/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <assert.h>

enum { CAPACITY_MIN = 8 };

void map_deinit(struct map *map, const struct memory *memory)
{
    memory_give(memory, map->entries, map->capacity * sizeof(*map->entries));
    map->entries = NULL;
    map->capacity = 0;
    map->count = 0;
}

void *map_find(const struct map *map, uint64_t hash, struct bytes key)
{
    uint32_t mask = map->capacity - 1;

    if (map->count == 0)
        return NULL;
    for (uint32_t i = (uint32_t)hash & mask; map->entries[i].value; i = (i + 1) & mask) {
        if (map->entries[i].hash == hash && bytes_equal(map->key(map->entries[i].value), key))
            return map->entries[i].value;
    }
    return NULL;
}

static void place(struct map *map, uint64_t hash, void *value)
{
    uint32_t mask = map->capacity - 1;
    uint32_t i = (uint32_t)hash & mask;

    while (map->entries[i].value)
        i = (i + 1) & mask;
    map->entries[i] = (struct map_entry){ hash, value };
}

static bool rehash(struct map *map, const struct memory *memory, uint32_t capacity)
{
    struct map old = *map;

    map->entries = memory_take_zeroed(memory, capacity * sizeof(*map->entries));
    if (!map->entries) {
        map->entries = old.entries;
        return false;
    }
    map->capacity = capacity;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].value)
            place(map, old.entries[i].hash, old.entries[i].value);
    }
    memory_give(memory, old.entries, old.capacity * sizeof(*old.entries));
    return true;
}

bool map_add(struct map *map, const struct memory *memory, uint64_t hash, void *value)
{
    assert(value);
    if ((map->count + 1) * 4 > map->capacity * 3 &&
            !rehash(map, memory, map->capacity ? map->capacity * 2 : CAPACITY_MIN))
        return false;
    place(map, hash, value);
    map->count++;
    return true;
}

/* Moves later entries of the same run into the hole, so that no search ends too early. */
static void close_hole(struct map *map, uint32_t hole)
{
    uint32_t mask = map->capacity - 1;

    for (uint32_t i = (hole + 1) & mask; map->entries[i].value; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)map->entries[i].hash & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->entries[hole] = map->entries[i];
            hole = i;
        }
    }
    map->entries[hole].value = NULL;
}

void map_remove(struct map *map, const struct memory *memory, uint64_t hash, const void *value)
{
    uint32_t mask = map->capacity - 1;
    uint32_t i = (uint32_t)hash & mask;

    if (map->count == 0)
        return;
    while (map->entries[i].value != value) {
        if (!map->entries[i].value)
            return;
        i = (i + 1) & mask;
    }
    close_hole(map, i);
    map->count--;
    if (map->count == 0)
        map_deinit(map, memory);
    else if (map->capacity > CAPACITY_MIN && map->count < map->capacity / 8)
        rehash(map, memory, map->capacity / 4 > CAPACITY_MIN ? map->capacity / 4 : CAPACITY_MIN);
}

void *map_next(const struct map *map, uint32_t *position)
{
    while (*position < map->capacity) {
        void *value = map->entries[(*position)++].value;

        if (value)
            return value;
    }
    return NULL;
}
