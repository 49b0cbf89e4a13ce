/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/spill.h"

#include <assert.h>

enum { CHUNK_ENTRIES = 255 };

struct spill_chunk {
    struct spill_chunk *next;
    struct spilled entries[CHUNK_ENTRIES];
};

bool spill_add(struct spill *spill, const struct memory *memory, const struct spilled *entry)
{
    if (!spill->last || spill->used == CHUNK_ENTRIES) {
        struct spill_chunk *chunk = memory_take(memory, sizeof(*chunk));

        if (!chunk)
            return false;
        chunk->next = NULL;
        if (spill->last)
            spill->last->next = chunk;
        else
            spill->first = chunk;
        spill->last = chunk;
        spill->used = 0;
    }
    spill->last->entries[spill->used++] = *entry;
    spill->count++;
    spill->bytes += entry->size;
    return true;
}

const struct spilled *spill_front(const struct spill *spill)
{
    return spill->count > 0 ? &spill->first->entries[spill->at] : NULL;
}

uint32_t spill_peek(const struct spill *spill, uint64_t ids[], uint32_t max, uint64_t bytes_max)
{
    const struct spill_chunk *chunk = spill->first;
    uint32_t at = spill->at;
    uint32_t count = 0;
    uint64_t bytes = 0;

    while (count < max && count < spill->count) {
        if (at == CHUNK_ENTRIES) {
            chunk = chunk->next;
            at = 0;
        }
        bytes += chunk->entries[at].size;
        if (count > 0 && bytes > bytes_max)
            break;
        ids[count++] = chunk->entries[at++].id;
    }
    return count;
}

void spill_drop_front(struct spill *spill, const struct memory *memory)
{
    struct spill_chunk *chunk = spill->first;

    assert(spill->count > 0);
    spill->bytes -= chunk->entries[spill->at++].size;
    spill->count--;
    if (spill->at < CHUNK_ENTRIES && spill->count > 0)
        return;
    spill->at = 0;
    spill->first = chunk->next;
    if (!spill->first) {
        spill->last = NULL;
        spill->used = 0;
    }
    memory_give(memory, chunk, sizeof(*chunk));
}

void spill_reset(struct spill *spill, const struct memory *memory)
{
    while (spill->count > 0)
        spill_drop_front(spill, memory);
    *spill = (struct spill){ 0 };
}
