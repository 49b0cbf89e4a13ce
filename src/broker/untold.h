/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens more often than the log is to tell: how many times since it was last told.
 */
#ifndef BROKER_UNTOLD_H
#define BROKER_UNTOLD_H

#include <stdint.h>

/* All zero: it has never happened. */
struct untold {
    uint32_t count;
    int64_t told_ms; /* 0: never */
};

/* It has happened once more. Returns how many times are to be told now, or 0: they were told less
 * than `every_ms` ago. */
static inline uint32_t untold_count(struct untold *untold, int64_t now_ms, int64_t every_ms)
{
    uint32_t count = ++untold->count;

    if (untold->told_ms > 0 && now_ms - untold->told_ms < every_ms)
        return 0;
    *untold = (struct untold){ .told_ms = now_ms };
    return count;
}

#endif
