/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBREC, PUBREL, PUBCOMP and UNSUBACK: a message id and nothing else.
 * (Source: MQTT-SN 1.2 §5.4.14, §5.4.18)
 */
#ifndef MQTTSN_PUBREC_H
#define MQTTSN_PUBREC_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_pubrec {
    uint16_t msg_id;
};

/**
 * MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong.
 * Source: [SN-5.3.7-1], [SN-5.4.14-1], [SN-5.4.18-1]
 */
enum mqtt_reason mqttsn_pubrec_decode(struct mqttsn_pubrec *out, struct bytes body);

/* Writes the one of the four that `type` names. */
void mqttsn_pubrec_encode(struct writer *out, enum mqttsn_type type, uint16_t msg_id);

#endif
