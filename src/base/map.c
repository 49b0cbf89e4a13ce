/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <assert.h>

enum { CAPACITY_MIN = 2 }; /* Most sessions have one subscription. */

/* A hash as a place keeps it: never 0, which is a free place. */
static uint32_t mark_of(uint64_t hash)
{
    return (uint32_t)hash ? (uint32_t)hash : 1;
}

/* Of a map that has places. */
static uint32_t *marks_of(const struct map *map)
{
    return (uint32_t *)(map->values + map->capacity);
}

static size_t block_size(uint32_t capacity)
{
    return capacity * (sizeof(void *) + sizeof(uint32_t));
}

void map_deinit(struct map *map, const struct memory *memory)
{
    memory_give(memory, map->values, block_size(map->capacity));
    map->values = NULL;
    map->capacity = 0;
    map->count = 0;
}

void *map_find(const struct map *map, uint64_t hash, struct bytes key)
{
    uint32_t mask = map->capacity - 1;
    uint32_t mark = mark_of(hash);
    const uint32_t *marks;

    if (map->count == 0)
        return NULL;
    marks = marks_of(map);
    for (uint32_t i = mark & mask; marks[i]; i = (i + 1) & mask) {
        if (marks[i] == mark && bytes_equal(map->key(map->values[i]), key))
            return map->values[i];
    }
    return NULL;
}

static void place(struct map *map, uint32_t mark, void *value)
{
    uint32_t mask = map->capacity - 1;
    uint32_t *marks = marks_of(map);
    uint32_t i = mark & mask;

    while (marks[i])
        i = (i + 1) & mask;
    marks[i] = mark;
    map->values[i] = value;
}

static bool rehash(struct map *map, const struct memory *memory, uint32_t capacity)
{
    struct map old = *map;
    void **values = memory_take_zeroed(memory, block_size(capacity));

    if (!values)
        return false;
    map->values = values;
    map->capacity = capacity;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (marks_of(&old)[i])
            place(map, marks_of(&old)[i], old.values[i]);
    }
    memory_give(memory, old.values, block_size(old.capacity));
    return true;
}

bool map_add(struct map *map, const struct memory *memory, uint64_t hash, void *value)
{
    assert(value);
    if ((map->count + 1) * 4 > map->capacity * 3 &&
            !rehash(map, memory, map->capacity ? map->capacity * 2 : CAPACITY_MIN))
        return false;
    place(map, mark_of(hash), value);
    map->count++;
    return true;
}

/* Moves later entries of the same run into the hole, so that no search ends too early. */
static void close_hole(struct map *map, uint32_t hole)
{
    uint32_t mask = map->capacity - 1;
    uint32_t *marks = marks_of(map);

    for (uint32_t i = (hole + 1) & mask; marks[i]; i = (i + 1) & mask) {
        uint32_t home = marks[i] & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            marks[hole] = marks[i];
            map->values[hole] = map->values[i];
            hole = i;
        }
    }
    marks[hole] = 0;
}

void map_remove(struct map *map, const struct memory *memory, uint64_t hash, const void *value)
{
    uint32_t mask = map->capacity - 1;
    uint32_t i = mark_of(hash) & mask;
    const uint32_t *marks;

    if (map->count == 0)
        return;
    marks = marks_of(map);
    while (marks[i] && map->values[i] != value)
        i = (i + 1) & mask;
    if (!marks[i])
        return;
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
        uint32_t i = (*position)++;

        if (marks_of(map)[i])
            return map->values[i];
    }
    return NULL;
}
