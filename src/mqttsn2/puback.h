/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK: a packet identifier and a reason code.
 * (Source: MQTT-SN 2.0 §3.6.3 to §3.6.6, §3.10)
 */
#ifndef MQTTSN2_PUBACK_H
#define MQTTSN2_PUBACK_H

#include "mqttsn2/reason.h"

struct mqttsn2_puback {
    uint16_t packet_id; /* of what is answered */
    uint8_t code;
};

/* MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong. Without a code it is MQTT_SUCCESS. */
enum mqtt_reason mqttsn2_puback_decode(struct mqttsn2_puback *out, struct bytes body);

/* Writes the one of the five that `type` names, without the code MQTT_SUCCESS. */
void mqttsn2_puback_encode(
        struct writer *out, enum mqttsn2_type type, uint16_t packet_id, uint8_t code);

#endif
