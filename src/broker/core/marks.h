/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of something waits for which position of the store: a few amounts in order, of which the
 * last one may wait for the turn that is under way.
 */
#ifndef BROKER_CORE_MARKS_H
#define BROKER_CORE_MARKS_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

struct mark {
    uint64_t position; /* what is before it must be durable; MARK_THIS_TURN */
    uint64_t amount;
};

/* One for each turn between two of which nothing has become durable: a disk that does not answer
 * lets no more in, for who waits for it is left unread. */
struct marks {
    struct mark *items;
    uint32_t count;
    uint32_t capacity;
};

static const uint64_t MARK_THIS_TURN = UINT64_MAX;

/* So much more waits for this turn. False when memory is short. */
bool marks_add(struct marks *marks, const struct memory *memory, uint64_t amount);

/* This turn's position is known. */
void marks_settle(struct marks *marks, uint64_t position);

/* Takes off, and returns, how much has waited for what is durable by now. */
uint64_t marks_take(struct marks *marks, uint64_t durable);

void marks_reset(struct marks *marks, const struct memory *memory);

#endif
