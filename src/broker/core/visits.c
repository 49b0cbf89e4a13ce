/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/visits.h"

enum {
    WAYS = 8, /* places that an id may have */
    US_PER_MS = 1000,
};

bool visits_init(struct visits *visits, const struct memory *memory)
{
    visits->places = memory_take_zeroed(memory, VISITS_MAX * sizeof(*visits->places));
    return visits->places != NULL;
}

void visits_deinit(struct visits *visits, const struct memory *memory)
{
    memory_give(memory, visits->places, VISITS_MAX * sizeof(*visits->places));
}

static int64_t weight(const struct visit *visit)
{
    const struct habit *losses = &visit->losses;
    const struct habit *fights = &visit->fights;

    if (visit->id_hash == 0)
        return INT64_MIN;
    return losses->paid_us > fights->paid_us ? losses->paid_us : fights->paid_us;
}

static struct visit *ways_of(const struct visits *visits, uint64_t id_hash)
{
    return &visits->places[id_hash % (VISITS_MAX / WAYS) * WAYS];
}

struct visit *visits_find(const struct visits *visits, uint64_t id_hash)
{
    struct visit *ways = ways_of(visits, id_hash);

    for (struct visit *visit = ways; visit < ways + WAYS; visit++) {
        if (visit->id_hash == id_hash)
            return visit;
    }
    return NULL;
}

struct visit *visits_of(struct visits *visits, uint64_t id_hash)
{
    struct visit *ways = ways_of(visits, id_hash);
    struct visit *found = visits_find(visits, id_hash);
    struct visit *lightest = ways;

    if (found)
        return found;
    for (struct visit *visit = ways + 1; visit < ways + WAYS; visit++) {
        if (weight(visit) < weight(lightest))
            lightest = visit;
    }
    *lightest = (struct visit){
        .id_hash = id_hash, .losses.paid_us = INT64_MIN, .fights.paid_us = INT64_MIN
    };
    return lightest;
}

static int64_t cost_us(struct visit_limit limit)
{
    return limit.window_ms * US_PER_MS / limit.times_max;
}

/* An id owes at most a window, or what the longest delay takes. Else whoever used it often enough
 * could make its owner wait for days. */
static int64_t debt_max_us(struct visit_limit limit)
{
    int64_t window_us = limit.window_ms * US_PER_MS;
    int64_t longest_us = cost_us(limit) * VISIT_DELAYS;

    return window_us > longest_us ? window_us : longest_us;
}

void habit_add(struct habit *habit, struct visit_limit limit, uint32_t share, int64_t now_ms)
{
    int64_t now_us = now_ms * US_PER_MS;
    int64_t earliest_us = now_us - limit.window_ms * US_PER_MS;
    int64_t latest_us;

    if (limit.times_max == 0)
        return;
    latest_us = now_us + debt_max_us(limit);
    if (habit->paid_us < earliest_us)
        habit->paid_us = earliest_us;
    habit->paid_us += cost_us(limit) / share;
    if (habit->paid_us > latest_us)
        habit->paid_us = latest_us;
}

uint32_t habit_delay_ms(const struct habit *habit, struct visit_limit limit, int64_t now_ms)
{
    uint32_t delay_ms = VISIT_DELAY_MIN_MS;
    int64_t ahead_us;

    if (limit.times_max == 0 || habit->paid_us <= now_ms * US_PER_MS)
        return 0;
    ahead_us = habit->paid_us - now_ms * US_PER_MS;
    for (int64_t times = (ahead_us - 1) / cost_us(limit);
            times > 0 && delay_ms < VISIT_DELAY_MAX_MS; times--)
        delay_ms *= 2;
    return delay_ms < VISIT_DELAY_MAX_MS ? delay_ms : VISIT_DELAY_MAX_MS;
}

uint32_t habit_tell(struct habit *habit, int64_t now_ms)
{
    uint32_t times;

    habit->untold++;
    if (habit->told_ms > 0 && now_ms - habit->told_ms < VISIT_TOLD_EVERY_MS)
        return 0;
    times = habit->untold;
    habit->untold = 0;
    habit->told_ms = now_ms;
    return times;
}
