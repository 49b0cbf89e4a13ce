/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/subscribers.h"

#include <assert.h>

enum {
    SEARCHED_MAX = 32, /* a block of this capacity is searched; a larger one has positions */
    NOWHERE = -1,
};

/* The marks of a free place among the positions. */
static const uint32_t FREE = UINT32_MAX;

static_assert(sizeof(struct subscriber) == 32, "a million of these must stay small");

/* Positions: twice as many places as items, so that probing stays short. 0: there are none. */
static uint32_t place_count(uint32_t capacity)
{
    return capacity > SEARCHED_MAX ? 2 * capacity : 0;
}

static size_t block_size(uint32_t capacity)
{
    return sizeof(struct subscribers) + capacity * sizeof(struct subscriber) +
            place_count(capacity) * sizeof(uint32_t);
}

static uint32_t *places(struct subscribers *set)
{
    return (uint32_t *)(void *)&set->items[set->capacity];
}

static uint32_t home_place(const struct subscribers *set, const struct target *target)
{
    return target_hash(target) & (place_count(set->capacity) - 1);
}

static uint32_t next_place(const struct subscribers *set, uint32_t place)
{
    return (place + 1) & (place_count(set->capacity) - 1);
}

/* The place that names the item of that target, or the free one where it would be. */
static uint32_t find_place(struct subscribers *set, const struct target *target)
{
    const uint32_t *at = places(set);
    uint32_t place = home_place(set, target);

    while (at[place] != FREE && !target_equal(&set->items[at[place]].target, target))
        place = next_place(set, place);
    return place;
}

/* The position of a target's item, or NOWHERE. */
static int64_t find(struct subscribers *set, const struct target *target)
{
    if (place_count(set->capacity) > 0) {
        uint32_t position = places(set)[find_place(set, target)];

        return position == FREE ? NOWHERE : (int64_t)position;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (target_equal(&set->items[i].target, target))
            return i;
    }
    return NOWHERE;
}

/* Moves *set into a block of another capacity. False when memory is short; nothing changed then. */
static bool resize(struct subscribers **set, const struct memory *memory, uint32_t capacity)
{
    struct subscribers *old = *set;
    struct subscribers *resized = memory_take(memory, block_size(capacity));

    if (!resized)
        return false;
    resized->count = old ? old->count : 0;
    resized->capacity = capacity;
    if (old)
        memcpy(resized->items, old->items, old->count * sizeof(*old->items));
    if (place_count(capacity) > 0) {
        memset(places(resized), 0xff, place_count(capacity) * sizeof(uint32_t));
        for (uint32_t i = 0; i < resized->count; i++)
            places(resized)[find_place(resized, &resized->items[i].target)] = i;
    }
    subscribers_clear(set, memory);
    *set = resized;
    return true;
}

enum subscribers_result subscribers_add(
        struct subscribers **set, const struct memory *memory, const struct subscriber *subscriber)
{
    uint32_t capacity = *set ? (*set)->capacity : 0;
    int64_t position = *set ? find(*set, &subscriber->target) : NOWHERE;

    if (position != NOWHERE) {
        uint64_t retained_from = (*set)->items[position].retained_from;

        (*set)->items[position] = *subscriber;
        (*set)->items[position].retained_from = retained_from;
        return SUBSCRIBERS_REPLACED;
    }
    if (!*set || (*set)->count == capacity) {
        if (!resize(set, memory, capacity ? 2 * capacity : 1))
            return SUBSCRIBERS_NO_MEMORY;
    }
    if (place_count((*set)->capacity) > 0)
        places(*set)[find_place(*set, &subscriber->target)] = (*set)->count;
    (*set)->items[(*set)->count++] = *subscriber;
    return SUBSCRIBERS_ADDED;
}

/* Moves later positions of the same run into the hole, so that no search ends too early. */
static void free_place(struct subscribers *set, uint32_t hole)
{
    uint32_t *at = places(set);
    uint32_t mask = place_count(set->capacity) - 1;

    for (uint32_t i = next_place(set, hole); at[i] != FREE; i = next_place(set, i)) {
        uint32_t home = home_place(set, &set->items[at[i]].target);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            at[hole] = at[i];
            hole = i;
        }
    }
    at[hole] = FREE;
}

/* The last item takes the place of the one at `position`. */
static void take_out(struct subscribers *set, uint32_t position)
{
    const struct subscriber *last = &set->items[set->count - 1];

    if (place_count(set->capacity) > 0) {
        uint32_t hole = find_place(set, &set->items[position].target);

        places(set)[find_place(set, &last->target)] = position;
        set->items[position] = *last;
        free_place(set, hole);
    } else {
        set->items[position] = *last;
    }
    set->count--;
}

bool subscribers_remove(
        struct subscribers **set, const struct memory *memory, const struct target *target)
{
    int64_t position = *set ? find(*set, target) : NOWHERE;

    if (position == NOWHERE)
        return false;
    take_out(*set, (uint32_t)position);
    if ((*set)->count == 0)
        subscribers_clear(set, memory);
    else if ((*set)->count <= (*set)->capacity / 4)
        resize(set, memory, (*set)->capacity / 2); /* when memory is short, it just stays large */
    return true;
}

void subscribers_clear(struct subscribers **set, const struct memory *memory)
{
    if (*set)
        memory_give(memory, *set, block_size((*set)->capacity));
    *set = NULL;
}
