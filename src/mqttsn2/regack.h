/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REGACK and SUBACK: a reason code, and the alias that stands for the topic from now on.
 * (Source: MQTT-SN 2.0 §3.5, §3.8)
 */
#ifndef MQTTSN2_REGACK_H
#define MQTTSN2_REGACK_H

#include "mqttsn2/reason.h"
#include "mqttsn2/topic.h"

struct mqttsn2_regack {
    bool has_alias; /* a client's REGACK has none, nor has a SUBACK for a filter with wildcards */
    enum mqttsn2_topic_type type; /* of the alias: MQTTSN2_TOPIC_SESSION or _PREDEFINED */
    uint16_t alias;
    uint16_t packet_id; /* of what is answered */
    uint8_t code;       /* in SUBACK the QoS that is granted, or a failure */
};

/**
 * Decodes the body of either from that side; only the server sends a SUBACK. Without a code it is
 * MQTT_SUCCESS.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR for a topic type that is no alias's, and an alias from
 * a client; MQTT_MALFORMED when the size is wrong or a reserved bit is set.
 * Source: [MQTTSN2-3.5.2-2], [MQTTSN2-3.5.2.1-1], [MQTTSN2-3.5.2.2-1], [MQTTSN2-3.5.2.2-2],
 * [MQTTSN2-3.5.4-1], [MQTTSN2-3.8.2-2], [MQTTSN2-3.8.2.1-1]
 */
enum mqtt_reason mqttsn2_regack_decode(
        struct mqttsn2_regack *out, struct bytes body, enum mqtt_sender sender);

/**
 * Writes the one of the two that `type` names. A REGACK leaves MQTT_SUCCESS out; a SUBACK says its
 * code always, and MQTTSN2_TOPIC_PREDEFINED as the type of an alias that it does not have.
 * Source: [MQTTSN2-3.7.6-5], [MQTTSN2-3.8.2.1-2]
 */
void mqttsn2_regack_encode(
        struct writer *out, const struct mqttsn2_regack *regack, enum mqttsn2_type type);

#endif
