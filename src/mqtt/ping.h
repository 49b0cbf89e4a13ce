/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINGREQ and PINGRESP, which have no body. (Source: MQTT 3.1.1 §3.12, MQTT 5.0 §3.12)
 */
#ifndef MQTT_PING_H
#define MQTT_PING_H

#include "mqtt/packet.h"
#include "mqtt/reason.h"

/* MQTT_SUCCESS, or MQTT_MALFORMED when there is a body. Source: [U5-3.12-1], [U311-2.x-a] */
static inline enum mqtt_reason mqtt_ping_decode(struct bytes body)
{
    return body.size == 0 ? MQTT_SUCCESS : MQTT_MALFORMED;
}

/* Writes a MQTT_PINGREQ or MQTT_PINGRESP. */
static inline void mqtt_ping_encode(struct writer *out, enum mqtt_type type)
{
    mqtt_header_encode(out, type, 0, 0);
}

#endif
