/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBACK: the QoS that is granted, and the id that will stand for the topic.
 * (Source: MQTT-SN 1.2 §5.4.16)
 */
#ifndef MQTTSN_SUBACK_H
#define MQTTSN_SUBACK_H

#include "mqttsn/message.h"
#include "mqttsn/return_code.h"

struct mqttsn_suback {
    int8_t qos;        /* granted: 0, 1 or 2 */
    uint16_t topic_id; /* 0 for a filter with wildcards, a short name, and a refusal */
    uint16_t msg_id;   /* of the SUBSCRIBE */
    enum mqttsn_return_code code;
};

/**
 * Decodes the body of a SUBACK. Whether its id can be one, mqttsn_topic_id_valid() tells.
 *
 * Returns MQTT_SUCCESS; MQTT_PROTOCOL_ERROR when QoS -1 is granted; MQTT_MALFORMED when the size is
 * wrong.
 * Source: [SN-5.3.4-2], [SN-5.3.7-1], [SN-5.4.16-1], [SN-5.4.16-2]
 */
enum mqtt_reason mqttsn_suback_decode(struct mqttsn_suback *out, struct bytes body);

void mqttsn_suback_encode(struct writer *out, const struct mqttsn_suback *suback);

#endif
