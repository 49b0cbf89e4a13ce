/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBACK: one code for each subscription of a SUBSCRIBE. (Source: MQTT 3.1.1 §3.9, MQTT 5.0 §3.9)
 */
#ifndef MQTT_SUBACK_H
#define MQTT_SUBACK_H

#include "mqtt/properties.h"

struct mqtt_suback {
    uint16_t packet_id;
    struct bytes codes;                /* one byte each: an enum mqtt_reason */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a SUBACK.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when a field is missing; MQTT_PROTOCOL_ERROR for packet
 * id 0, no code at all (but in 3.1), a code that the version has not, or as mqtt_properties_read()
 * says.
 * Source: [MQTT5-3.9.3-2], [MQTT311-3.9.3-2], [V31-13]
 */
enum mqtt_reason mqtt_suback_decode(
        struct mqtt_suback *out, struct bytes body, enum mqtt_version version);

/**
 * Writes the whole packet. A failure becomes 0x80 in 3.1.1; in 3.1, which has no word for it, it
 * becomes a grant of QoS 0 that delivers nothing.
 * Source: [MQTT311-3.9.3-2], [V31-13]
 */
void mqtt_suback_encode(
        struct writer *out, const struct mqtt_suback *suback, enum mqtt_version version);

#endif
