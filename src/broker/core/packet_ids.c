/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/packet_ids.h"

enum { CAPACITY_MIN = 8 };

/* Where the id is, or where it would go. Clients count upwards, so the end is looked at first. */
static uint32_t position(const struct packet_ids *set, uint16_t id)
{
    uint32_t low = 0;
    uint32_t high = packet_ids_count(set);

    if (high == 0 || set->list->ids[high - 1] < id)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (set->list->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool packet_ids_have(const struct packet_ids *set, uint16_t id)
{
    uint32_t at = position(set, id);

    return at < packet_ids_count(set) && set->list->ids[at] == id;
}

static size_t list_size(uint32_t capacity)
{
    return sizeof(struct packet_id_list) + capacity * sizeof(uint16_t);
}

/* Makes room for one more. False when memory is short. */
static bool grow(struct packet_ids *set, const struct memory *memory)
{
    struct packet_id_list *list = set->list;
    uint32_t capacity = list ? list->capacity * 2 : CAPACITY_MIN;

    if (list && list->count < list->capacity)
        return true;
    list = memory_resize(memory, list, list ? list_size(list->capacity) : 0, list_size(capacity));
    if (!list)
        return false;
    if (!set->list)
        list->count = list->old = 0;
    list->capacity = capacity;
    set->list = list;
    return true;
}

bool packet_ids_add(struct packet_ids *set, const struct memory *memory, uint16_t id)
{
    uint32_t at = position(set, id);
    struct packet_id_list *list;

    if (!grow(set, memory))
        return false;
    list = set->list;
    memmove(list->ids + at + 1, list->ids + at, (list->count - at) * sizeof(*list->ids));
    list->ids[at] = id;
    list->count++;
    return true;
}

bool packet_ids_remove(struct packet_ids *set, const struct memory *memory, uint16_t id)
{
    uint32_t at = position(set, id);
    struct packet_id_list *list = set->list;

    if (at == packet_ids_count(set) || list->ids[at] != id)
        return false;
    list->count--;
    if (list->old > list->count)
        list->old = list->count;
    memmove(list->ids + at, list->ids + at + 1, (list->count - at) * sizeof(*list->ids));
    if (list->count == 0 && list->capacity > CAPACITY_MIN)
        packet_ids_reset(set, memory);
    return true;
}

void packet_ids_reset(struct packet_ids *set, const struct memory *memory)
{
    if (set->list)
        memory_give(memory, set->list, list_size(set->list->capacity));
    *set = (struct packet_ids){ 0 };
}
