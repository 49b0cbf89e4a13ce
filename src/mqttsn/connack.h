/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNACK, WILLTOPICRESP and WILLMSGRESP: a return code and nothing else.
 * (Source: MQTT-SN 1.2 §5.4.5, §5.4.24, §5.4.25)
 */
#ifndef MQTTSN_CONNACK_H
#define MQTTSN_CONNACK_H

#include "mqttsn/message.h"
#include "mqttsn/return_code.h"

struct mqttsn_connack {
    enum mqttsn_return_code code;
};

/**
 * MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong.
 * Source: [SN-5.4.5-1], [SN-5.4.24-1], [SN-5.4.25-1]
 */
enum mqtt_reason mqttsn_connack_decode(struct mqttsn_connack *out, struct bytes body);

/* Writes the one of the three that `type` names. */
void mqttsn_connack_encode(struct writer *out, enum mqttsn_type type, enum mqttsn_return_code code);

#endif
