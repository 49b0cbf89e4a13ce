/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE and UNSUBSCRIBE: one filter or alias. (Source: MQTT-SN 2.0 §3.7, §3.9)
 */
#ifndef MQTTSN2_SUBSCRIBE_H
#define MQTTSN2_SUBSCRIBE_H

#include "mqttsn2/packet.h"
#include "mqttsn2/topic.h"

struct mqttsn2_subscribe {
    struct mqttsn2_topic topic; /* its name is a filter */
    uint16_t packet_id;         /* never 0 */
    uint8_t qos;                /* this and what follows is 0 in UNSUBSCRIBE */
    uint8_t retain_handling;    /* 0, 1 or 2, as in MQTT 5.0 */
    bool no_local;
    bool retain_as_published;
};

/**
 * Decodes the body of either, which `type` names. Whether an alias is known, the caller knows.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_TOPIC_FILTER_INVALID for a filter that breaks the rules of MQTT 5.0, those of "$share/"
 * included;
 * MQTT_PROTOCOL_ERROR for packet identifier 0, QoS 3, retain handling 3, and an empty filter;
 * MQTT_MALFORMED for all else: a field is missing, an alias has not two bytes, a reserved bit is
 * set, the reserved topic type, or a filter that is not UTF-8.
 * Source: [MQTTSN2-2.2-1], [MQTTSN2-3.7.2.1-1], [MQTTSN2-3.7.4-1], [MQTTSN2-3.7.4-2],
 * [MQTTSN2-3.7.5-1], [MQTTSN2-3.7.5-2], [MQTTSN2-3.9.2-2], [MQTTSN2-3.9.4-1], [MQTTSN2-3.9.4-2],
 * [MQTTSN2-3.9.5-1], [MQTTSN2-3.9.5-2], [MQTTSN2-4.7.1.1.2-1], [MQTTSN2-4.7.1.1.3-1]
 */
enum mqtt_reason mqttsn2_subscribe_decode(
        struct mqttsn2_subscribe *out, struct bytes body, enum mqttsn2_type type);

/* Writes the one of the two that `type` names; an UNSUBSCRIBE says only what. */
void mqttsn2_subscribe_encode(
        struct writer *out, const struct mqttsn2_subscribe *subscribe, enum mqttsn2_type type);

#endif
