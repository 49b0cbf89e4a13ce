/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/marks.h"

#include <assert.h>

enum { MARKS_MIN = 4 };

static bool grow(struct marks *marks, const struct memory *memory)
{
    uint32_t capacity = marks->capacity > 0 ? 2 * marks->capacity : MARKS_MIN;
    struct mark *items = memory_resize(
            memory, marks->items, marks->capacity * sizeof(*items), capacity * sizeof(*items));

    if (!items)
        return false;
    marks->items = items;
    marks->capacity = capacity;
    return true;
}

bool marks_add(struct marks *marks, const struct memory *memory, uint64_t amount)
{
    if (marks->count > 0 && marks->items[marks->count - 1].position == MARK_THIS_TURN) {
        marks->items[marks->count - 1].amount += amount;
        return true;
    }
    if (marks->count == marks->capacity && !grow(marks, memory))
        return false;
    marks->items[marks->count++] = (struct mark){ MARK_THIS_TURN, amount };
    return true;
}

void marks_settle(struct marks *marks, uint64_t position)
{
    if (marks->count > 0 && marks->items[marks->count - 1].position == MARK_THIS_TURN)
        marks->items[marks->count - 1].position = position;
}

uint64_t marks_take(struct marks *marks, uint64_t durable)
{
    uint64_t amount = 0;
    uint32_t taken = 0;

    while (taken < marks->count && marks->items[taken].position <= durable)
        amount += marks->items[taken++].amount;
    marks->count -= taken;
    if (taken > 0 && marks->count > 0)
        memmove(marks->items, marks->items + taken, marks->count * sizeof(*marks->items));
    return amount;
}

void marks_reset(struct marks *marks, const struct memory *memory)
{
    memory_give(memory, marks->items, marks->capacity * sizeof(*marks->items));
    *marks = (struct marks){ 0 };
}
