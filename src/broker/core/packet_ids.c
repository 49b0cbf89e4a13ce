/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/packet_ids.h"

enum { CAPACITY_MIN = 8 };

/* Where the id is, or where it would go. Clients count upwards, so the end is looked at first. */
static uint32_t position(const struct packet_ids *set, uint16_t id)
{
    uint32_t low = 0;
    uint32_t high = set->count;

    if (high == 0 || set->ids[high - 1] < id)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (set->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool packet_ids_have(const struct packet_ids *set, uint16_t id)
{
    uint32_t at = position(set, id);

    return at < set->count && set->ids[at] == id;
}

bool packet_ids_add(struct packet_ids *set, const struct memory *memory, uint16_t id)
{
    uint32_t at = position(set, id);

    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity ? set->capacity * 2 : CAPACITY_MIN;
        uint16_t *ids = memory_resize(
                memory, set->ids, set->capacity * sizeof(*ids), capacity * sizeof(*ids));

        if (!ids)
            return false;
        set->ids = ids;
        set->capacity = capacity;
    }
    memmove(set->ids + at + 1, set->ids + at, (set->count - at) * sizeof(*set->ids));
    set->ids[at] = id;
    set->count++;
    return true;
}

bool packet_ids_remove(struct packet_ids *set, const struct memory *memory, uint16_t id)
{
    uint32_t at = position(set, id);

    if (at == set->count || set->ids[at] != id)
        return false;
    set->count--;
    memmove(set->ids + at, set->ids + at + 1, (set->count - at) * sizeof(*set->ids));
    if (set->count == 0 && set->capacity > CAPACITY_MIN)
        packet_ids_reset(set, memory);
    return true;
}

void packet_ids_reset(struct packet_ids *set, const struct memory *memory)
{
    memory_give(memory, set->ids, set->capacity * sizeof(*set->ids));
    *set = (struct packet_ids){ 0 };
}
