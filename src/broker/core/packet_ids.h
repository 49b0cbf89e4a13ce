/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of packet ids, sorted; empty, it owns no memory.
 */
#ifndef BROKER_CORE_PACKET_IDS_H
#define BROKER_CORE_PACKET_IDS_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct packet_ids {
    uint16_t *ids;
    uint32_t count;
    uint32_t capacity;
};

bool packet_ids_have(const struct packet_ids *set, uint16_t id);

/* The id must not be in it yet. False when memory is short. */
bool packet_ids_add(struct packet_ids *set, const struct memory *memory, uint16_t id);

/* True when it was there. */
bool packet_ids_remove(struct packet_ids *set, const struct memory *memory, uint16_t id);

void packet_ids_reset(struct packet_ids *set, const struct memory *memory);

#endif
