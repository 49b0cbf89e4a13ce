/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/delivery.h"

#include <assert.h>

enum {
    CAPACITY_MIN = 4,
    CAPACITY_KEPT_EMPTY = 16, /* so that a steady trickle does not allocate for each message */
    CAPACITY_KEPT = 128,
};

static bool resize(struct deliveries *ring, const struct memory *memory, uint32_t capacity)
{
    struct delivery *entries = memory_take(memory, capacity * sizeof(*entries));

    if (!entries)
        return false;
    for (uint32_t i = 0; i < ring->count; i++)
        entries[i] = *deliveries_at(ring, i);
    memory_give(memory, ring->entries, ring->capacity * sizeof(*entries));
    ring->entries = entries;
    ring->capacity = capacity;
    ring->first = 0;
    return true;
}

bool deliveries_reserve(struct deliveries *ring, const struct memory *memory)
{
    return ring->count < ring->capacity ||
            resize(ring, memory, ring->capacity ? ring->capacity * 2 : CAPACITY_MIN);
}

struct delivery *deliveries_add(struct deliveries *ring, const struct memory *memory)
{
    if (!deliveries_reserve(ring, memory))
        return NULL;
    return deliveries_at(ring, ring->count++);
}

void deliveries_release(struct deliveries *ring, const struct memory *memory)
{
    if (ring->count > 0)
        return;
    memory_give(memory, ring->entries, ring->capacity * sizeof(*ring->entries));
    *ring = (struct deliveries){ 0 };
}

/* A large ring that has become small gives back most of its memory. */
static void trim(struct deliveries *ring, const struct memory *memory)
{
    if (ring->count == 0 && ring->capacity > CAPACITY_KEPT_EMPTY) {
        deliveries_release(ring, memory);
    } else if (ring->capacity > CAPACITY_KEPT && ring->count < ring->capacity / 8) {
        resize(ring, memory, ring->capacity / 4); /* When that fails, it stays large. */
    }
}

struct delivery deliveries_take(struct deliveries *ring, const struct memory *memory)
{
    struct delivery taken;

    assert(ring->count > 0);
    taken = *deliveries_at(ring, 0);
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    trim(ring, memory);
    return taken;
}

void deliveries_cut(
        struct deliveries *ring, const struct memory *memory, uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i + count < ring->count; i++)
        *deliveries_at(ring, i) = *deliveries_at(ring, i + count);
    ring->count -= count;
    trim(ring, memory);
}

void deliveries_filter(struct deliveries *ring, const struct memory *memory,
        bool (*keep)(void *context, struct delivery *delivery), void *context)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < ring->count; i++) {
        struct delivery *delivery = deliveries_at(ring, i);

        if (keep(context, delivery))
            *deliveries_at(ring, kept++) = *delivery;
    }
    ring->count = kept;
    trim(ring, memory);
}
