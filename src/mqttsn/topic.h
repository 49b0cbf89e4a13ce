/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands for a topic: an id, normal or predefined, a short name of two bytes, or a whole name.
 */
#ifndef MQTTSN_TOPIC_H
#define MQTTSN_TOPIC_H

#include "base/bytes.h"
#include "mqtt/reason.h"

/* Source: MQTT-SN 1.2 §5.3.4, [SN-5.3.4-4]; 3 is reserved. */
enum mqttsn_topic_type {
    MQTTSN_TOPIC_NORMAL = 0,     /* a registered id; in SUBSCRIBE and UNSUBSCRIBE a whole name */
    MQTTSN_TOPIC_PREDEFINED = 1, /* an id that both sides know beforehand */
    MQTTSN_TOPIC_SHORT = 2,      /* a name of just two bytes stands where an id would */
};

/* Ids 0000 and FFFF are never assigned. Source: [SN-5.3.11-1] */
enum {
    MQTTSN_TOPIC_ID_MIN = 0x0001,
    MQTTSN_TOPIC_ID_MAX = 0xFFFE,
    MQTTSN_TOPIC_SHORT_SIZE = 2,
};

struct mqttsn_topic {
    enum mqttsn_topic_type type;
    uint16_t id;       /* what is encoded as TopicId: an id, or the two bytes of a short name */
    struct bytes name; /* of a short name, the same as text; or a whole name */
};

/* Whether the id can be assigned. */
static inline bool mqttsn_topic_id_valid(uint16_t id)
{
    return id >= MQTTSN_TOPIC_ID_MIN && id <= MQTTSN_TOPIC_ID_MAX;
}

/* The TopicId field of a short name, which must have two bytes. */
static inline uint16_t mqttsn_topic_short_id(struct bytes name)
{
    return (uint16_t)(name.data[0] << 8 | name.data[1]);
}

/**
 * Makes a topic of a TopicId field, which must have two bytes; `flags` say its type. On failure
 * *out keeps its old value; out->name borrows from field.
 *
 * Returns MQTT_SUCCESS; MQTT_TOPIC_ALIAS_INVALID for an id that is never assigned;
 * MQTT_TOPIC_NAME_INVALID for a short name that no topic can have; MQTT_PROTOCOL_ERROR for the
 * reserved type.
 * Source: [SN-5.3.4-4], [SN-5.3.11-1], [SN-6.7-4]
 */
enum mqtt_reason mqttsn_topic_read(struct mqttsn_topic *out, uint8_t flags, struct bytes field);

/* Whether bytes are a topic name: UTF-8 without wildcards, not empty. Source: [SN-5.3.12-1] */
bool mqttsn_topic_name_valid(struct bytes name);

/* Whether bytes are a topic filter, of a shared subscription or not. Source: [SN-5.3.12-1] */
bool mqttsn_topic_filter_valid(struct bytes filter);

#endif
