/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers in a hierarchical wheel: constant-time start and stop, nothing to do until one is due.
 *
 * Eight levels of 64 slots; a slot of level n spans 64^n milliseconds. A timer lies on the level of
 * the highest 6-bit group in which its due time differs from the present, and sinks as that comes
 * near. A timer that is never due for 2^48 ms (8,900 years) is clamped to that.
 */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include "base/list.h"

#include <stdint.h>

enum { TIMER_LEVELS = 8, TIMER_SLOTS = 64 };

/* Lies inside the object that it is for; give it to timer_init() once. */
struct timer {
    struct list link;
    int64_t due_ms;
};

struct timer_wheel {
    int64_t now_ms;
    uint64_t used[TIMER_LEVELS]; /* bit set: the slot may hold timers */
    unsigned levels;             /* bit set: the level has such a slot */
    struct list due;
    struct list slots[TIMER_LEVELS][TIMER_SLOTS];
};

void timer_wheel_init(struct timer_wheel *wheel, int64_t now_ms);

static inline void timer_init(struct timer *timer)
{
    list_init(&timer->link);
}

static inline bool timer_running(const struct timer *timer)
{
    return list_linked(&timer->link);
}

/* Starts the timer, or starts it anew; a time that is not after the wheel's is due at once. */
void timer_start(struct timer_wheel *wheel, struct timer *timer, int64_t due_ms);

/* Fine when it does not run. */
static inline void timer_stop(struct timer *timer)
{
    list_remove(&timer->link);
}

/* The time has come to now_ms (never back). The next timer that is due, stopped; NULL: no more. */
struct timer *timer_take_due(struct timer_wheel *wheel, int64_t now_ms);

/* No timer is due before this time: when to call timer_take_due(). INT64_MAX when none runs. */
int64_t timer_next_ms(struct timer_wheel *wheel);

#endif
