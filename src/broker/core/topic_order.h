/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which retained topics lie, and how a filter finds its way through them.
 *
 * Topics are ordered as bytes, but '/' before all others; so a topic stands right before all that
 * lie below it. A reader with a filter looks at one topic after the other, and where one shows that
 * the next ones cannot match, it seeks the first that can. So it looks at little more than what
 * matches and the branches between.
 */
#ifndef BROKER_CORE_TOPIC_ORDER_H
#define BROKER_CORE_TOPIC_ORDER_H

#include "base/bytes.h"

/* A place in the order: before the topic of these bytes, one part after the other. */
struct topic_bound {
    struct bytes head;
    struct bytes tail;
};

/* Less than 0, 0 or more: whether the topic is before, at or after the bound. */
int topic_compare(struct bytes topic, const struct topic_bound *bound);

/* Where a filter with wildcards begins to match, or later. Borrows from filter. */
struct topic_bound topic_first(struct bytes filter);

/* The place right after a topic. Borrows from it. */
struct topic_bound topic_after(struct bytes topic);

enum topic_step {
    TOPIC_MATCHES, /* the filter matches this topic; perhaps the next one too */
    TOPIC_PASSES,  /* it does not; perhaps the next one */
    TOPIC_SKIPS,   /* nothing before *bound matches */
    TOPIC_ENDS,    /* nothing after this topic matches */
};

/*
 * What to do at a topic. With TOPIC_SKIPS, *bound is after the topic and borrows from both.
 * Source: MQTT 3.1.1 §4.7, MQTT 5.0 §4.7, [MQTT5-4.7.2-1]
 */
enum topic_step topic_step(struct bytes filter, struct bytes topic, struct topic_bound *bound);

#endif
