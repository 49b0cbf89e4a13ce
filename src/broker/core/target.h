/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a subscription delivers to, as a handle that any shard may hold: its home alone can tell
 * whether the session or group behind it still is the one that was meant.
 */
#ifndef BROKER_CORE_TARGET_H
#define BROKER_CORE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum target_flags {
    TARGET_GROUP = 1, /* a shared group, not a session */
};

struct target {
    uint16_t shard; /* the home */
    uint16_t flags; /* enum target_flags */
    uint32_t slot;
    uint32_t generation;
};

static inline bool target_equal(const struct target *a, const struct target *b)
{
    return a->slot == b->slot && a->generation == b->generation && a->shard == b->shard &&
           a->flags == b->flags;
}

#endif
