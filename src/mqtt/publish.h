/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBLISH: a message on its way, in either direction. (Source: MQTT 3.1.1 §3.3, MQTT 5.0 §3.3)
 */
#ifndef MQTT_PUBLISH_H
#define MQTT_PUBLISH_H

#include "mqtt/properties.h"

struct mqtt_publish {
    struct bytes topic; /* may be empty in 5.0, where an alias stands for it */
    struct bytes payload;
    uint16_t packet_id; /* 0 at QoS 0 */
    uint8_t qos;
    bool dup;
    bool retain;
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a PUBLISH; `flags` are the fixed header's.
 * Whether an alias is within its maximum and set, the caller knows.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_NAME_INVALID for a topic with wildcards, or an empty one before 5.0;
 * MQTT_PROTOCOL_ERROR for packet id 0, no topic and no alias, a client's subscription identifier,
 * or as mqtt_properties_read() says;
 * MQTT_TOPIC_ALIAS_INVALID for alias 0;
 * MQTT_MALFORMED for all else, such as QoS 3, or DUP at QoS 0.
 *
 * Source: [MQTT5-3.3.1-2], [MQTT5-3.3.1-4], [MQTT5-3.3.2-1], [MQTT5-3.3.2-2], [MQTT5-3.3.4-6],
 * [MQTT5-2.2.1-2], [MQTT5-2.2.1-3], [U5-3.3.2.1-1], [U5-3.3.2.3-1], [MQTT311-2.3.1-1],
 * [MQTT311-3.3.1-2], [MQTT311-3.3.1-4], [MQTT311-3.3.2-1], [MQTT311-3.3.2-2], [V31-23]
 */
enum mqtt_reason mqtt_publish_decode(struct mqtt_publish *out, uint8_t flags, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender);

/* Bytes of the whole packet, payload included. */
size_t mqtt_publish_size(const struct mqtt_publish *publish, enum mqtt_version version);

/**
 * Writes everything before the payload, which the caller sends behind it; the remaining length
 * counts the payload's size. For QoS 0 no packet id is written.
 */
void mqtt_publish_head_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version);

/* Writes the whole packet. */
void mqtt_publish_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version);

#endif
