/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pairs.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

enum { ROOM_MIN = 16 };

/* At most two thirds are in use: then a search that fails looks at few. */
static bool is_full(const struct pairs *pairs, size_t count)
{
    return count > pairs->room / 3 * 2;
}

/* The one that is searched, or the free one where it would be. */
static struct pair *slot_of(const struct pairs *pairs, uint64_t first, uint64_t second)
{
    size_t mask = pairs->room - 1;
    size_t at = (size_t)hash_mix(hash_mix(first) + second) & mask;

    while (pairs->slots[at].value != 0 &&
            (pairs->slots[at].keys[0] != first || pairs->slots[at].keys[1] != second))
        at = (at + 1) & mask;
    return &pairs->slots[at];
}

bool pairs_reserve(struct pairs *pairs, size_t more)
{
    struct pairs grown = { .room = pairs->room ? pairs->room : ROOM_MIN, .count = pairs->count };

    if (more == 0 || (pairs->room > 0 && !is_full(pairs, pairs->count + more)))
        return true;
    while (is_full(&grown, pairs->count + more))
        grown.room *= 2;
    grown.slots = calloc(grown.room, sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < pairs->room; i++) {
        const struct pair *pair = &pairs->slots[i];

        if (pair->value != 0)
            *slot_of(&grown, pair->keys[0], pair->keys[1]) = *pair;
    }
    free(pairs->slots);
    *pairs = grown;
    return true;
}

struct pair *pairs_find(const struct pairs *pairs, uint64_t first, uint64_t second)
{
    struct pair *pair = pairs->room > 0 ? slot_of(pairs, first, second) : NULL;

    return pair && pair->value != 0 ? pair : NULL;
}

struct pair *pairs_add(struct pairs *pairs, uint64_t first, uint64_t second)
{
    struct pair *pair;

    assert(pairs->room > 0);
    pair = slot_of(pairs, first, second);
    if (pair->value == 0) {
        assert(!is_full(pairs, pairs->count + 1));
        pairs->count++;
        pair->keys[0] = first;
        pair->keys[1] = second;
    }
    return pair;
}

void pairs_reset(struct pairs *pairs)
{
    free(pairs->slots);
    *pairs = (struct pairs){ 0 };
}
