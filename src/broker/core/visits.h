/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What client ids have been up to lately: whose connections are lost again and again, and for which
 * ids two clients fight, each taking the session over from the other. Who does that too often waits
 * for his next CONNACK, longer each time.
 *
 * Everything is counted as in rate.h: it costs time, of which an id has saved up the window of its
 * limit and no more, and owes as much at most. A shard has one table of fixed size for the ids that
 * are at home there; when it is full, the id that has cost least gives way. Places are chosen by a
 * keyed hash, so nobody can aim at another one's.
 */
#ifndef BROKER_CORE_VISITS_H
#define BROKER_CORE_VISITS_H

#include "base/memory.h"
#include "broker/core/settings.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    VISITS_MAX = 1024, /* ids of one shard */
    VISIT_DELAY_MIN_MS = 100,
    VISIT_DELAY_MAX_MS = 5000, /* less than clients wait for a CONNACK */
    VISIT_DELAYS = 7,          /* from the first of these to the last, each twice the one before */
    ID_FIGHT_WINDOW_MS = 60000,
    /* A take-over from the same address counts for a third: it may be one client whose connection
     * broke without a word. */
    ID_FIGHT_SAME_ADDRESS = 3,
    VISIT_TOLD_EVERY_MS = 60000, /* for each id, and for each of the two */
};

/* So many times in so long a time; 0 times: no limit. */
struct visit_limit {
    uint32_t times_max;
    int64_t window_ms;
};

static inline struct visit_limit visit_limit_of_losses(const struct core_settings *settings)
{
    return (struct visit_limit){ settings->flapping_max, settings->flapping_window_ms };
}

static inline struct visit_limit visit_limit_of_fights(const struct core_settings *settings)
{
    return (struct visit_limit){ settings->id_fight_max, ID_FIGHT_WINDOW_MS };
}

/* How often an id has done something. */
struct habit {
    int64_t paid_us;
    int64_t told_ms;
    uint32_t untold;
};

struct visit {
    uint64_t id_hash; /* 0: nobody */
    struct habit losses;
    struct habit fights;
};

struct visits {
    struct visit *places; /* VISITS_MAX of them */
};

bool visits_init(struct visits *visits, const struct memory *memory);
void visits_deinit(struct visits *visits, const struct memory *memory);

/* The entry of an id; NULL: it has none. Good until the next visits_of(). */
struct visit *visits_find(const struct visits *visits, uint64_t id_hash);

/* The same, but a new one where it has none. */
struct visit *visits_of(struct visits *visits, uint64_t id_hash);

/* It has happened once more; `share` of them count as one. */
void habit_add(struct habit *habit, struct visit_limit limit, uint32_t share, int64_t now_ms);

/* How long an id with that habit has to wait, in milliseconds; 0: not at all. */
uint32_t habit_delay_ms(const struct habit *habit, struct visit_limit limit, int64_t now_ms);

/* An id has to wait for it. Returns how often that was so since the log was told of it, or 0: it is
 * not time to tell it again. */
uint32_t habit_tell(struct habit *habit, int64_t now_ms);

#endif
