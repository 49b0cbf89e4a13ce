/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/withheld.h"

#include <assert.h>

enum { CAPACITY_MIN = 8 };

bool withheld_add(struct withheld *withheld, const struct memory *memory)
{
    assert(withheld->count < WITHHELD_MAX);
    if (withheld->count == withheld->capacity) {
        uint16_t capacity =
                withheld->capacity ? (uint16_t)(withheld->capacity * 2) : (uint16_t)CAPACITY_MIN;
        struct acknowledgement *entries = memory_resize(memory, withheld->entries,
                withheld->capacity * sizeof(*entries), capacity * sizeof(*entries));

        if (!entries)
            return false;
        withheld->entries = entries;
        withheld->capacity = capacity;
    }
    withheld->entries[withheld->count++] =
            (struct acknowledgement){ .serial = withheld->serials++ };
    return true;
}

struct acknowledgement *withheld_last(const struct withheld *withheld)
{
    return withheld->count > 0 ? &withheld->entries[withheld->count - 1] : NULL;
}

struct acknowledgement *withheld_find(const struct withheld *withheld, uint32_t serial)
{
    uint32_t at;

    if (withheld->count == 0)
        return NULL;
    at = serial - withheld->entries[0].serial;
    return at < withheld->count ? &withheld->entries[at] : NULL;
}

bool withheld_take(
        struct withheld *withheld, const struct memory *memory, struct acknowledgement *out)
{
    if (withheld->count == 0 || withheld->entries[0].waits > 0 ||
            withheld->entries[0].packet_id == 0)
        return false;
    *out = withheld->entries[0];
    if (--withheld->count == 0)
        withheld_reset(withheld, memory);
    else
        memmove(withheld->entries, withheld->entries + 1,
                withheld->count * sizeof(*withheld->entries));
    return true;
}

void withheld_reset(struct withheld *withheld, const struct memory *memory)
{
    memory_give(memory, withheld->entries, withheld->capacity * sizeof(*withheld->entries));
    withheld->entries = NULL;
    withheld->capacity = 0;
    withheld->count = 0; /* Serials go on: an ask may still be out for one that was here. */
}
