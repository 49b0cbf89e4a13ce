/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBACK and UNSUBACK: one code for each filter of a SUBSCRIBE or UNSUBSCRIBE.
 * (Source: MQTT 3.1.1 §3.9, §3.11, MQTT 5.0 §3.9, §3.11)
 */
#ifndef MQTT_SUBACK_H
#define MQTT_SUBACK_H

#include "mqtt/properties.h"

struct mqtt_suback {
    uint16_t packet_id;
    struct bytes codes;                /* one byte each: an enum mqtt_reason; UNSUBACK: 5.0 */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of one of the two, which `type` names.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when a field is missing or one too many; MQTT_PROTOCOL_ERROR
 * for packet id 0, no code at all (but in 3.1, and in UNSUBACK before 5.0), a code that the packet
 * has not in the version, or as mqtt_properties_read() says.
 * Source: [MQTT5-3.9.3-2], [MQTT5-3.11.3-2], [MQTT311-3.9.3-2], [V31-13]
 */
enum mqtt_reason mqtt_suback_decode(struct mqtt_suback *out, enum mqtt_type type, struct bytes body,
        enum mqtt_version version);

/**
 * Writes the whole packet. In SUBACK a failure becomes 0x80 in 3.1.1; in 3.1, which has no word for
 * it, it becomes a grant of QoS 0 that delivers nothing. Before 5.0 UNSUBACK has a packet id alone.
 * Source: [MQTT311-3.9.3-2], [V31-13]
 */
void mqtt_suback_encode(struct writer *out, const struct mqtt_suback *suback, enum mqtt_type type,
        enum mqtt_version version);

#endif
