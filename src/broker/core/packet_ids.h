/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of packet ids, sorted; empty, it owns no memory.
 */
#ifndef BROKER_CORE_PACKET_IDS_H
#define BROKER_CORE_PACKET_IDS_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct packet_id_list {
    uint32_t count;
    uint32_t capacity;
    uint32_t old; /* at most so many of them are from before packet_ids_age() */
    uint16_t ids[];
};

/* All zero: empty. Every session has one, and most stay empty. */
struct packet_ids {
    struct packet_id_list *list;
};

static inline uint32_t packet_ids_count(const struct packet_ids *set)
{
    return set->list ? set->list->count : 0;
}

/* Those that are in it now become old. */
static inline void packet_ids_age(struct packet_ids *set)
{
    if (set->list)
        set->list->old = set->list->count;
}

/* Those added since, or fewer: which ids are old is not kept, so one that is taken out is taken for
 * a new one as long as there are new ones. */
static inline uint32_t packet_ids_count_new(const struct packet_ids *set)
{
    return set->list ? set->list->count - set->list->old : 0;
}

bool packet_ids_have(const struct packet_ids *set, uint16_t id);

/* The id must not be in it yet. False when memory is short. */
bool packet_ids_add(struct packet_ids *set, const struct memory *memory, uint16_t id);

/* True when it was there. */
bool packet_ids_remove(struct packet_ids *set, const struct memory *memory, uint16_t id);

void packet_ids_reset(struct packet_ids *set, const struct memory *memory);

#endif
