/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a subscription delivers to, as a handle that any shard may hold: its home alone can tell
 * whether the session or group behind it still is the one that was meant.
 */
#ifndef BROKER_CORE_TARGET_H
#define BROKER_CORE_TARGET_H

#include "base/hash.h"

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

/* For tables of targets; our own numbers need no key. */
static inline uint32_t target_hash(const struct target *target)
{
    uint64_t who = (uint64_t)target->slot << 32 | target->generation;
    uint64_t where = (uint64_t)target->shard << 16 | target->flags;

    return (uint32_t)hash_mix(hash_mix(who) ^ where);
}

#endif
