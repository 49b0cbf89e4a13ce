/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the messages that matched one session or group: it adds up.
 */
#ifndef BROKER_CORE_LEDGER_H
#define BROKER_CORE_LEDGER_H

#include "base/memory.h"
#include "broker/core/counters.h"

struct ledger {
    uint64_t matched;   /* = delivered + waiting (queued, in flight) + expired + dropped */
    uint64_t delivered; /* QoS 0: written out; QoS 1 and 2: acknowledged */
    uint64_t expired;
    uint64_t unsorted; /* dropped while there was no memory to note why */
    uint64_t *dropped; /* DROP_REASONS of them, from the first one on; NULL: none yet */
};

/* What was dropped for that reason. What is unsorted counts as DROP_NO_MEMORY. */
static inline uint64_t ledger_dropped(const struct ledger *ledger, enum drop_reason reason)
{
    uint64_t count = ledger->dropped ? ledger->dropped[reason] : 0;

    return reason == DROP_NO_MEMORY ? count + ledger->unsorted : count;
}

/* One more is dropped for that reason. */
void ledger_drop(struct ledger *ledger, const struct memory *memory, enum drop_reason reason);

/* Its session or group ends. */
void ledger_release(struct ledger *ledger, const struct memory *memory);

#endif
