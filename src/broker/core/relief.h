/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When memory is nearly used up, the fattest backlogs give way: not who asks next is to suffer, but
 * who has most waiting for it. core_relieve() in core.h is the way in.
 *
 * A backlog is what waits for a session, or for a shared group to be handed out. Each shard writes
 * down how much its fattest one has, where all can read it. Whoever has the fattest of all, or one
 * more than half as fat, cuts his to half of that; and so on, until it is enough or another shard
 * has fatter ones. So a thin backlog is safe while there is one twice as fat, on whichever shard.
 */
#ifndef BROKER_CORE_RELIEF_H
#define BROKER_CORE_RELIEF_H

#include "broker/core/core.h"

#include <stdatomic.h>

enum {
    RELIEF_ASKED_MS = 1,      /* for the other shards to look */
    RELIEF_PAUSE_MS = 20,     /* between two looks at all backlogs, */
    RELIEF_PER_MS = 1000,     /* and a millisecond more for each so many of them */
    RELIEF_IN_VAIN_MS = 1000, /* after a look that has found none that is fat */
    RELIEF_FRESH_MS = 3000,   /* for so long what a shard has written down counts */
    RELIEF_ASK_EVERY = 16,    /* messages dropped between two questions whether it is enough */
};

/* What a shard has written down. The two need not be of one moment: they guide, and bind nobody. */
struct fatness {
    _Atomic uint64_t bytes;
    _Atomic int64_t at_ms; /* INT64_MIN: never */
};

#endif
