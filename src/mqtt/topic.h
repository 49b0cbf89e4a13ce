/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topic names, topic filters, and which match which.
 *
 * Names and filters given here are text that has passed mqtt_utf8_valid(), as every decoder's is.
 * Levels are compared byte by byte: no folding, no normalisation. (Source: MQTT 5.0 §4.7)
 */
#ifndef MQTT_TOPIC_H
#define MQTT_TOPIC_H

#include "base/bytes.h"
#include "mqtt/reason.h"

/**
 * Whether text can be a topic name: 1 to 65,535 bytes without '+' and '#'.
 * Source: [MQTT5-4.7.0-1], [MQTT5-4.7.3-1], [MQTT5-4.7.3-3], [MQTT311-4.7.1-1], [MQTT311-4.7.3-1]
 */
bool mqtt_topic_name_valid(struct bytes name);

/**
 * Whether text can be a topic filter: 1 to 65,535 bytes, '+' only as a whole level, '#' only as
 * the whole last level. What "$share/" demands beyond that is mqtt_share_split()'s to say.
 * Source: [MQTT5-4.7.1-1], [MQTT5-4.7.1-2], [MQTT311-4.7.1-2], [MQTT311-4.7.1-3]
 */
bool mqtt_topic_filter_valid(struct bytes filter);

/**
 * Whether a valid name matches a valid filter that is not a shared subscription's.
 * A filter that starts with a wildcard does not match a name that starts with '$'.
 * Source: [U5-4.7.1-1], [MQTT5-4.7.2-1], [MQTT5-4.7.3-4], [U311-4.7.1-a], [MQTT311-4.7.2-1]
 */
bool mqtt_topic_match(struct bytes filter, struct bytes name);

/* How many levels a name or filter has: one more than it has slashes. */
size_t mqtt_topic_levels(struct bytes topic);

/**
 * Takes the next level off *rest, which starts as a name or filter; false when none is left, which
 * rest->data == NULL stands for. Levels may be empty: "a//" has three.
 */
bool mqtt_topic_level_next(struct bytes *rest, struct bytes *level);

enum mqtt_share {
    MQTT_SHARE_NONE, /* an ordinary filter: it does not start with "$share/" */
    MQTT_SHARE_VALID,
    MQTT_SHARE_INVALID, /* the share name or the filter behind it breaks the rules */
};

/**
 * Splits the filter of a shared subscription. The outputs are written when the result is
 * MQTT_SHARE_VALID, and borrow from filter.
 * Source: MQTT 5.0 §4.8.2, [MQTT5-4.8.2-1], [MQTT5-4.8.2-2]
 */
enum mqtt_share mqtt_share_split(
        struct bytes filter, struct bytes *share_name, struct bytes *inner_filter);

/**
 * Judges the filter of a SUBSCRIBE or UNSUBSCRIBE of that version. Shared subscriptions are part of
 * 5.0 alone: earlier, "$share/" is a name like any other, and what it means the server's choice.
 *
 * Returns MQTT_SUCCESS; or MQTT_TOPIC_FILTER_INVALID, before 5.0 MQTT_MALFORMED.
 */
enum mqtt_reason mqtt_topic_filter_check(struct bytes filter, enum mqtt_version version);

#endif
