/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/heartbeat.h"

#include "base/list.h"

static enum errand_state do_nothing(struct errand *errand, struct shard *shard)
{
    (void)errand;
    (void)shard;
    return ERRAND_DONE;
}

static void come_back(struct errand *errand)
{
    /* Release: the errand is ours again, with all that the shard wrote to it. */
    atomic_store_explicit(
            &container_of(errand, struct pulse, errand)->out, false, memory_order_release);
}

void heartbeat_init(
        struct heartbeat *heartbeat, unsigned shard_count, int64_t period_ms, int64_t now_ms)
{
    heartbeat->period_ms = period_ms;
    heartbeat->due_ms = period_ms > 0 ? now_ms : INT64_MAX;
    heartbeat->shard_count = shard_count;
    for (unsigned i = 0; i < shard_count; i++) {
        heartbeat->pulses[i].errand = (struct errand){ .run = do_nothing, .done = come_back };
        atomic_init(&heartbeat->pulses[i].out, false);
    }
}

int heartbeat_beat(struct heartbeat *heartbeat, int64_t now_ms,
        void (*ask)(void *context, unsigned shard, struct errand *errand), void *context)
{
    int missing = HEARTBEAT_ALL_WELL;

    heartbeat->due_ms = now_ms + heartbeat->period_ms;
    for (unsigned i = 0; i < heartbeat->shard_count; i++) {
        struct pulse *pulse = &heartbeat->pulses[i];

        if (atomic_load_explicit(&pulse->out, memory_order_acquire)) {
            missing = (int)i;
            continue;
        }
        /* Relaxed: posting the errand makes it visible. */
        atomic_store_explicit(&pulse->out, true, memory_order_relaxed);
        ask(context, i, &pulse->errand);
    }
    return missing;
}
