/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for items of one size that grows and is then kept: what a caller reuses as scratch.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

struct array {
    void *items;
    size_t count;    /* the user's; of items in use */
    size_t capacity; /* of items */
};

/* Room for `count` items in all; those in use are kept. False when memory is short. */
static inline bool array_reserve(
        struct array *array, const struct memory *memory, size_t item_size, size_t count)
{
    size_t capacity = array->capacity ? array->capacity : 8;
    void *items;

    if (count <= array->capacity)
        return true;
    while (capacity < count)
        capacity *= 2;
    items = memory_resize(memory, array->items, array->capacity * item_size, capacity * item_size);
    if (!items)
        return false;
    array->items = items;
    array->capacity = capacity;
    return true;
}

static inline void array_deinit(struct array *array, const struct memory *memory, size_t item_size)
{
    memory_give(memory, array->items, array->capacity * item_size);
    *array = (struct array){ 0 };
}

#endif
