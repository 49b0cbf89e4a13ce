/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-size objects with handles: a slot number and a generation, which tells whether the object
 * in the slot is still the one that was meant. Handles cross threads; pointers do not.
 *
 * Objects lie in chunks that never move. Chunks are kept until the pool ends.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

enum { POOL_CHUNK_OBJECTS = 64 };

/* The first member of each object. */
struct pooled {
    uint32_t slot;
    uint32_t generation; /* odd: in use; even: free */
    uint32_t next_free;  /* while free */
};

struct pool {
    size_t object_size;
    uint8_t **chunks;
    uint32_t chunk_count;
    uint32_t chunk_capacity;
    uint32_t first_free; /* slot, or UINT32_MAX */
    uint32_t count;      /* in use */
};

void pool_init(struct pool *pool, size_t object_size);

/* All objects are gone with it. */
void pool_deinit(struct pool *pool, const struct memory *memory);

/* An object, all zero but its `pooled`; NULL when memory is short. */
void *pool_take(struct pool *pool, const struct memory *memory);

/* From here on the object's handle finds nothing. */
void pool_give(struct pool *pool, void *object);

/* The object of a handle; NULL when it is gone. */
static inline void *pool_find(const struct pool *pool, uint32_t slot, uint32_t generation)
{
    uint32_t chunk = slot / POOL_CHUNK_OBJECTS;
    struct pooled *object;

    if (chunk >= pool->chunk_count)
        return NULL;
    object = (void *)(pool->chunks[chunk] + slot % POOL_CHUNK_OBJECTS * pool->object_size);
    return object->generation == generation && (generation & 1) ? object : NULL;
}

/* As many slots as there ever were objects at once, and a few more: 0 up to this less 1. */
static inline uint32_t pool_slots(const struct pool *pool)
{
    return pool->chunk_count * POOL_CHUNK_OBJECTS;
}

/* The object in use in a slot; NULL where there is none. For walks that are to go on later. */
void *pool_at(const struct pool *pool, uint32_t slot);

/* Walks all objects in use: start with *slot 0; NULL at the end. Objects may come and go meanwhile.
 */
void *pool_next(const struct pool *pool, uint32_t *slot);

#endif
