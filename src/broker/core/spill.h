/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a backlog that does not lie in memory: the ids of messages that the store has, and
 * behind which nothing but the store holds them. First come those that were there when the server
 * started, of which only the range of their ids is known; then a list, 16 bytes for each.
 *
 * Pure bookkeeping; who fetches and what becomes of it is backlog.h's.
 */
#ifndef BROKER_CORE_SPILL_H
#define BROKER_CORE_SPILL_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct spilled {
    uint64_t id;
    uint32_t size; /* bytes of its payload */
};

/* What an earlier run of the server has left. */
struct spill_range {
    uint64_t count; /* as far as is known */
    uint64_t bytes;
    uint64_t after; /* ids are greater than this */
    uint64_t before;
};

struct spill_chunk;

struct spill {
    struct spill_range range; /* before the list; count 0: there is none */
    struct spill_chunk *first;
    struct spill_chunk *last;
    uint32_t at;   /* the front in the first chunk */
    uint32_t used; /* entries of the last chunk */
    uint64_t count;
    uint64_t bytes;    /* of the list's payloads */
    uint32_t fetching; /* how many are asked for; 0: none */
};

/* Of both parts. */
static inline uint64_t spill_count(const struct spill *spill)
{
    return spill->range.count + spill->count;
}

static inline uint64_t spill_bytes(const struct spill *spill)
{
    return spill->range.bytes + spill->bytes;
}

/* At the list's end; false when memory is short. */
bool spill_add(struct spill *spill, const struct memory *memory, const struct spilled *entry);

/* The list's front; NULL: it is empty. */
const struct spilled *spill_front(const struct spill *spill);

/* The first ones of the list, in order, as many as have `bytes_max` bytes of payload or fewer, but
 * one at least. Returns how many there are, at most `max`. */
uint32_t spill_peek(const struct spill *spill, uint64_t ids[], uint32_t max, uint64_t bytes_max);

/* Takes the list's front off; there is one. */
void spill_drop_front(struct spill *spill, const struct memory *memory);

/* Empties both parts. */
void spill_reset(struct spill *spill, const struct memory *memory);

#endif
