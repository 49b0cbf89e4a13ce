/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where code without a system takes its memory from: a small table of functions that the program
 * fills, so that a budget, a gauge, and a test that lets any allocation fail have one place.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <string.h>

struct memory {
    /* `size` bytes, or NULL when the budget or the system has no more; never called with 0. */
    void *(*take)(void *context, size_t size);
    /* Gives back what `take` gave; `size` is the size that was asked for. */
    void (*give)(void *context, void *block, size_t size);
    void *context;
};

static inline void *memory_take(const struct memory *memory, size_t size)
{
    return memory->take(memory->context, size);
}

static inline void *memory_take_zeroed(const struct memory *memory, size_t size)
{
    void *block = memory->take(memory->context, size);

    return block ? memset(block, 0, size) : NULL;
}

/* NULL is fine. */
static inline void memory_give(const struct memory *memory, void *block, size_t size)
{
    if (block)
        memory->give(memory->context, block, size);
}

/* A larger (or smaller) block with the old one's content; the old one stays when this gives NULL.
 */
static inline void *memory_resize(
        const struct memory *memory, void *block, size_t old_size, size_t new_size)
{
    void *resized = memory_take(memory, new_size);

    if (resized && block) {
        memcpy(resized, block, old_size < new_size ? old_size : new_size);
        memory_give(memory, block, old_size);
    }
    return resized;
}

#endif
