/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE and UNSUBSCRIBE: one filter, short name or predefined id.
 * (Source: MQTT-SN 1.2 §5.4.15, §5.4.17)
 */
#ifndef MQTTSN_SUBSCRIBE_H
#define MQTTSN_SUBSCRIBE_H

#include "mqttsn/message.h"
#include "mqttsn/topic.h"

struct mqttsn_subscribe {
    struct mqttsn_topic topic; /* of MQTTSN_TOPIC_NORMAL the name is a filter, and the id is 0 */
    uint16_t msg_id;
    int8_t qos; /* 0, 1 or 2; in UNSUBSCRIBE 0 */
    bool dup;   /* in UNSUBSCRIBE false */
};

/**
 * Decodes the body of either, which `type` names.
 *
 * Returns MQTT_SUCCESS, or
 * MQTT_QOS_NOT_SUPPORTED for a SUBSCRIBE with QoS -1;
 * MQTT_TOPIC_FILTER_INVALID for a filter that is not UTF-8 or breaks the rules of MQTT 5.0, those
 * of "$share/" included;
 * MQTT_TOPIC_ALIAS_INVALID, MQTT_TOPIC_NAME_INVALID or MQTT_PROTOCOL_ERROR as mqttsn_topic_read()
 * says;
 * MQTT_MALFORMED when a field is missing, or an id has not two bytes.
 * Source: [SN-5.3.4-1] to [SN-5.3.4-4], [SN-5.3.12-1], [SN-5.4.15-1], [SN-5.4.17-1]
 */
enum mqtt_reason mqttsn_subscribe_decode(
        struct mqttsn_subscribe *out, struct bytes body, enum mqttsn_type type);

/* Writes the one of the two that `type` names; an UNSUBSCRIBE says neither QoS nor DUP. */
void mqttsn_subscribe_encode(
        struct writer *out, const struct mqttsn_subscribe *subscribe, enum mqttsn_type type);

#endif
