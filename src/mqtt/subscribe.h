/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE: filters and how their messages are wanted.
 * (Source: MQTT 3.1.1 §3.8, MQTT 5.0 §3.8)
 */
#ifndef MQTT_SUBSCRIBE_H
#define MQTT_SUBSCRIBE_H

#include "mqtt/properties.h"

/* Source: MQTT 5.0 §3.8.3.1 */
enum mqtt_retain_handling {
    MQTT_RETAINED_ALWAYS,
    MQTT_RETAINED_IF_NEW, /* only where the subscription did not exist */
    MQTT_RETAINED_NEVER,
};

struct mqtt_subscription {
    struct bytes filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    enum mqtt_retain_handling retain_handling;
};

struct mqtt_subscribe {
    uint16_t packet_id;
    uint32_t count;                    /* of subscriptions; 1 or more, but 0 or more in 3.1 */
    struct bytes subscriptions;        /* encoded; for mqtt_subscribe_next() */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a SUBSCRIBE, and checks every subscription in it.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_FILTER_INVALID (5.0; earlier MQTT_MALFORMED) for a filter that breaks the rules,
 * those of "$share/" included in 5.0;
 * MQTT_PROTOCOL_ERROR for packet id 0, no subscription at all (but in 3.1), No Local on a shared
 * one, QoS 3 or retain handling 3 in 5.0, or as mqtt_properties_read() says;
 * MQTT_MALFORMED for all else.
 *
 * Source: [MQTT5-2.2.1-3], [MQTT5-3.8.3-1], [MQTT5-3.8.3-2], [MQTT5-3.8.3-4], [MQTT5-3.8.3-5],
 * [U5-3.8.2.1.2-1], [U5-3.8.3.1-1], [U5-3.8.3.1-2], [MQTT311-3.8.3-1], [MQTT311-3.8.3-3],
 * [MQTT311-3.8.3-4], [V31-20]
 */
enum mqtt_reason mqtt_subscribe_decode(
        struct mqtt_subscribe *out, struct bytes body, enum mqtt_version version);

/**
 * Takes the next subscription off *rest, which starts as a decoded `subscriptions`; false at the
 * end. The filter borrows from the packet.
 */
bool mqtt_subscribe_next(struct bytes *rest, struct mqtt_subscription *out);

/* Writes one subscription, to be gathered for `subscriptions`. */
void mqtt_subscription_write(struct writer *out, const struct mqtt_subscription *subscription,
        enum mqtt_version version);

/* Writes the whole packet; `count` is not looked at. */
void mqtt_subscribe_encode(
        struct writer *out, const struct mqtt_subscribe *subscribe, enum mqtt_version version);

#endif
