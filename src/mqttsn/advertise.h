/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADVERTISE: a gateway makes itself known, by broadcast. (Source: MQTT-SN 1.2 §5.4.1)
 */
#ifndef MQTTSN_ADVERTISE_H
#define MQTTSN_ADVERTISE_H

#include "mqtt/reason.h"
#include "mqttsn/message.h"

struct mqttsn_advertise {
    uint8_t gateway_id;
    uint16_t duration_s; /* until the next one */
};

/* MQTT_SUCCESS, or MQTT_MALFORMED when the size is wrong. Source: [SN-5.4.1-1], [SN-5.3.3-1] */
enum mqtt_reason mqttsn_advertise_decode(struct mqttsn_advertise *out, struct bytes body);

void mqttsn_advertise_encode(struct writer *out, const struct mqttsn_advertise *advertise);

#endif
