/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/origin.h"

#include "base/decimal.h"

#include <assert.h>

struct origin_block {
    uint16_t size;
    uint8_t text[];
};

static struct bytes write_numbers(uint64_t word, struct origin_room *room)
{
    uint64_t bits = word >> 1;
    uint8_t *to = room->data;

    for (unsigned shift = 40; shift >= 16; shift -= 8) {
        to = decimal_write(to, bits >> shift & UINT8_MAX);
        *to++ = shift > 16 ? '.' : ':';
    }
    to = decimal_write(to, bits & UINT16_MAX);
    return bytes_of(room->data, (size_t)(to - room->data));
}

static struct origin_block *block_of(const struct origin *origin)
{
    return (struct origin_block *)(uintptr_t)origin->word;
}

bool origin_copy_text(struct origin *origin, const struct memory *memory, struct bytes text)
{
    struct origin_block *block;

    assert(text.size <= UINT16_MAX);
    origin->word = 0;
    if (text.size == 0)
        return true;
    block = memory_take(memory, sizeof(*block) + text.size);
    if (!block)
        return false;
    block->size = (uint16_t)text.size;
    memcpy(block->text, text.data, text.size);
    origin->word = (uintptr_t)block;
    assert((origin->word & 1) == 0);
    return true;
}

void origin_deinit(struct origin *origin, const struct memory *memory)
{
    struct origin_block *block = origin->word & 1 ? NULL : block_of(origin);

    if (block)
        memory_give(memory, block, sizeof(*block) + block->size);
    origin->word = 0;
}

struct bytes origin_text(const struct origin *origin, struct origin_room *room)
{
    if (origin->word & 1)
        return write_numbers(origin->word, room);
    if (origin->word == 0)
        return (struct bytes){ 0 };
    return bytes_of(block_of(origin)->text, block_of(origin)->size);
}
