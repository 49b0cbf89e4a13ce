/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <assert.h>

enum { CHUNKS_MIN = 16 };

void pool_init(struct pool *pool, size_t object_size)
{
    assert(object_size >= sizeof(struct pooled));
    assert(object_size % sizeof(void *) == 0); /* So that each object in a chunk is aligned. */
    *pool = (struct pool){ .object_size = object_size, .first_free = UINT32_MAX };
}

void pool_deinit(struct pool *pool, const struct memory *memory)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        memory_give(memory, pool->chunks[i], POOL_CHUNK_OBJECTS * pool->object_size);
    memory_give(memory, pool->chunks, pool->chunk_capacity * sizeof(*pool->chunks));
    pool_init(pool, pool->object_size);
}

static struct pooled *object_at(const struct pool *pool, uint32_t slot)
{
    return (void *)(pool->chunks[slot / POOL_CHUNK_OBJECTS] +
            slot % POOL_CHUNK_OBJECTS * pool->object_size);
}

static bool add_chunk(struct pool *pool, const struct memory *memory)
{
    uint32_t first = pool->chunk_count * POOL_CHUNK_OBJECTS;
    uint8_t *chunk;

    if (pool->chunk_count == pool->chunk_capacity) {
        uint32_t capacity = pool->chunk_capacity ? pool->chunk_capacity * 2 : CHUNKS_MIN;
        uint8_t **chunks = memory_resize(memory, pool->chunks,
                pool->chunk_capacity * sizeof(*chunks), capacity * sizeof(*chunks));

        if (!chunks)
            return false;
        pool->chunks = chunks;
        pool->chunk_capacity = capacity;
    }
    chunk = memory_take_zeroed(memory, POOL_CHUNK_OBJECTS * pool->object_size);
    if (!chunk)
        return false;
    pool->chunks[pool->chunk_count++] = chunk;
    for (uint32_t i = POOL_CHUNK_OBJECTS; i-- > 0;) {
        struct pooled *object = object_at(pool, first + i);

        object->slot = first + i;
        object->next_free = pool->first_free;
        pool->first_free = first + i;
    }
    return true;
}

void *pool_take(struct pool *pool, const struct memory *memory)
{
    struct pooled *object;
    struct pooled kept;

    if (pool->first_free == UINT32_MAX && !add_chunk(pool, memory))
        return NULL;
    object = object_at(pool, pool->first_free);
    pool->first_free = object->next_free;
    pool->count++;
    kept = (struct pooled){ object->slot, object->generation + 1, UINT32_MAX };
    memset(object, 0, pool->object_size);
    *object = kept;
    return object;
}

void pool_give(struct pool *pool, void *object)
{
    struct pooled *pooled = object;

    assert(pooled->generation & 1);
    pooled->generation++;
    pooled->next_free = pool->first_free;
    pool->first_free = pooled->slot;
    pool->count--;
}

void *pool_at(const struct pool *pool, uint32_t slot)
{
    struct pooled *object = slot < pool_slots(pool) ? object_at(pool, slot) : NULL;

    return object && (object->generation & 1) ? object : NULL;
}

void *pool_next(const struct pool *pool, uint32_t *slot)
{
    while (*slot < pool_slots(pool)) {
        void *object = pool_at(pool, (*slot)++);

        if (object)
            return object;
    }
    return NULL;
}
