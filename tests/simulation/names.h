/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics that simulated clients publish to, and the filters that they subscribe with.
 */
#ifndef TESTS_SIMULATION_NAMES_H
#define TESTS_SIMULATION_NAMES_H

#include "base/bytes.h"

enum {
    TOPICS = 15,
    TOPIC_SERVER = 14, /* only the server publishes to this one */
    FILTERS = 16,
    GROUPS = 4,
    FILTER_SHARED_FIRST = 12, /* this one and those behind it are shared subscriptions */
    FILTER_ALL = 11,          /* "#" */
};

struct names {
    uint32_t topics_of[FILTERS]; /* bit t: topic t matches the filter */
    uint32_t filters_of[TOPICS];
};

struct names names_make(void);

struct bytes names_topic(unsigned topic);

/* As it stands in SUBSCRIBE, with "$share/" where it is shared. */
struct bytes names_filter(unsigned filter);

/* TOPICS when there is none of that name. */
unsigned names_find_topic(struct bytes topic);

static inline bool names_filter_shared(unsigned filter)
{
    return filter >= FILTER_SHARED_FIRST;
}

#endif
