/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UNSUBACK: the answer to UNSUBSCRIBE. (Source: MQTT 3.1.1 §3.11, MQTT 5.0 §3.11)
 */
#ifndef MQTT_UNSUBACK_H
#define MQTT_UNSUBACK_H

#include "mqtt/properties.h"

struct mqtt_unsuback {
    uint16_t packet_id;
    struct bytes codes;                /* 5.0: one byte for each filter, an enum mqtt_reason */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of an UNSUBACK.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when the size is wrong; MQTT_PROTOCOL_ERROR for packet id 0,
 * in 5.0 for no code at all or one that UNSUBACK has not, or as mqtt_properties_read() says.
 * Source: [MQTT5-3.11.3-2]
 */
enum mqtt_reason mqtt_unsuback_decode(
        struct mqtt_unsuback *out, struct bytes body, enum mqtt_version version);

/* Writes the whole packet; before 5.0 that is the packet id alone. */
void mqtt_unsuback_encode(
        struct writer *out, const struct mqtt_unsuback *unsuback, enum mqtt_version version);

#endif
