/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer.h"

#include <assert.h>

enum { SLOT_BITS = 6 };

static const int64_t due_max_ms = ((int64_t)1 << (TIMER_LEVELS * SLOT_BITS)) - 1;

static unsigned slot_at(int64_t time_ms, unsigned level)
{
    return (unsigned)(time_ms >> (level * SLOT_BITS)) & (TIMER_SLOTS - 1);
}

/* The level of the highest group of bits in which the two times differ; they must differ. */
static unsigned level_between(int64_t a_ms, int64_t b_ms)
{
    return (unsigned)(63 - __builtin_clzll((uint64_t)(a_ms ^ b_ms))) / SLOT_BITS;
}

void timer_wheel_init(struct timer_wheel *wheel, int64_t now_ms)
{
    assert(now_ms >= 0 && now_ms < due_max_ms);
    wheel->now_ms = now_ms;
    wheel->levels = 0;
    list_init(&wheel->due);
    for (unsigned level = 0; level < TIMER_LEVELS; level++) {
        wheel->used[level] = 0;
        for (unsigned slot = 0; slot < TIMER_SLOTS; slot++)
            list_init(&wheel->slots[level][slot]);
    }
}

static void place(struct timer_wheel *wheel, struct timer *timer)
{
    unsigned level;
    unsigned slot;

    if (timer->due_ms <= wheel->now_ms) {
        list_append(&wheel->due, &timer->link);
        return;
    }
    level = level_between(timer->due_ms, wheel->now_ms);
    slot = slot_at(timer->due_ms, level);
    list_append(&wheel->slots[level][slot], &timer->link);
    wheel->used[level] |= (uint64_t)1 << slot;
    wheel->levels |= 1u << level;
}

/* No timer lies in that slot any more. */
static void clear(struct timer_wheel *wheel, unsigned level, unsigned slot)
{
    wheel->used[level] &= ~((uint64_t)1 << slot);
    if (wheel->used[level] == 0)
        wheel->levels &= ~(1u << level);
}

void timer_start(struct timer_wheel *wheel, struct timer *timer, int64_t due_ms)
{
    timer_stop(timer);
    timer->due_ms = due_ms < due_max_ms ? due_ms : due_max_ms;
    place(wheel, timer);
}

/*
 * The first slot that may hold timers, and when it begins. Timers of a level lie in slots after the
 * present one, and every slot of a lower level begins before any of a higher one.
 */
static bool first_slot(
        const struct timer_wheel *wheel, unsigned *level, unsigned *slot, int64_t *begin_ms)
{
    unsigned i;
    int64_t round_ms;

    if (wheel->levels == 0)
        return false;
    i = (unsigned)__builtin_ctz(wheel->levels);
    *level = i;
    *slot = (unsigned)__builtin_ctzll(wheel->used[i]);
    round_ms = wheel->now_ms >> ((i + 1) * SLOT_BITS) << ((i + 1) * SLOT_BITS);
    *begin_ms = round_ms + ((int64_t)*slot << (i * SLOT_BITS));
    return true;
}

/* Takes all timers of a slot whose time has come and places them anew, lower or as due. */
static void sink(struct timer_wheel *wheel, unsigned level, unsigned slot, int64_t begin_ms)
{
    struct list *from = &wheel->slots[level][slot];
    struct list timers;
    struct list *link;

    list_init(&timers);
    list_move_all(&timers, from);
    clear(wheel, level, slot);
    if (list_empty(&timers))
        return; /* They were all stopped. */
    if (begin_ms > wheel->now_ms)
        wheel->now_ms = begin_ms;
    while ((link = list_take_first(&timers)))
        place(wheel, container_of(link, struct timer, link));
}

struct timer *timer_take_due(struct timer_wheel *wheel, int64_t now_ms)
{
    unsigned level;
    unsigned slot;
    int64_t begin_ms;
    struct list *link;

    assert(now_ms >= 0);
    while (list_empty(&wheel->due) && first_slot(wheel, &level, &slot, &begin_ms) &&
            begin_ms <= now_ms)
        sink(wheel, level, slot, begin_ms);
    link = list_take_first(&wheel->due);
    if (link)
        return container_of(link, struct timer, link);
    /* Every slot up to now is empty, so no timer changes its level by this step. */
    if (now_ms > wheel->now_ms)
        wheel->now_ms = now_ms;
    return NULL;
}

int64_t timer_next_ms(struct timer_wheel *wheel)
{
    unsigned level;
    unsigned slot;
    int64_t begin_ms;

    if (!list_empty(&wheel->due))
        return wheel->now_ms;
    while (first_slot(wheel, &level, &slot, &begin_ms)) {
        if (!list_empty(&wheel->slots[level][slot]))
            return begin_ms;
        clear(wheel, level, slot);
    }
    return INT64_MAX;
}
