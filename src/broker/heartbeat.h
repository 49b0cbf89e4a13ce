/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether every shard still takes turns: each is given an errand that does nothing, and must have
 * done it when it is asked for the next time. An idle shard is woken by that; one that hangs is
 * not.
 */
#ifndef BROKER_HEARTBEAT_H
#define BROKER_HEARTBEAT_H

#include "broker/core/core.h"
#include "broker/errand.h"

enum { HEARTBEAT_ALL_WELL = -1 };

/* Must stay where it is while shards run. */
struct heartbeat {
    int64_t period_ms; /* between two beats; 0: there are none */
    int64_t due_ms;    /* the next beat; INT64_MAX: never */
    unsigned shard_count;
    struct pulse {
        struct errand errand;
        atomic_bool out; /* given to the shard and not done */
    } pulses[SHARDS_MAX];
};

/* The first beat is due at once. */
void heartbeat_init(
        struct heartbeat *heartbeat, unsigned shard_count, int64_t period_ms, int64_t now_ms);

/*
 * A beat that is due: asks each shard, by errands_post() and what wakes it, all in `ask`. Returns
 * HEARTBEAT_ALL_WELL, or the number of a shard that has not done what it was given by the last
 * beat; that shard is not asked again until it has.
 */
int heartbeat_beat(struct heartbeat *heartbeat, int64_t now_ms,
        void (*ask)(void *context, unsigned shard, struct errand *errand), void *context);

#endif
