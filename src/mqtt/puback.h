/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBACK, PUBREC, PUBREL and PUBCOMP: four packets of one shape, which answer a PUBLISH.
 * (Source: MQTT 3.1.1 §3.4 to §3.7, MQTT 5.0 §3.4 to §3.7)
 */
#ifndef MQTT_PUBACK_H
#define MQTT_PUBACK_H

#include "mqtt/properties.h"

/* A packet that says success and has no properties, in any version. */
enum { MQTT_PUBACK_SIZE = 4 };

struct mqtt_puback {
    uint16_t packet_id;
    enum mqtt_reason reason;           /* 5.0 */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of one of the four, which `type` names.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when the size is wrong; MQTT_PROTOCOL_ERROR for packet id 0,
 * a reason code that this side must not send in this packet, or as mqtt_properties_read() says.
 * Source: [U5-3.4.2.1-1], [U5-3.4.2.2-1], [MQTT5-3.4.2-1], [MQTT5-3.5.2-1], [MQTT5-3.6.2-1],
 * [MQTT5-3.7.2-1], [U311-2.x-a]
 */
enum mqtt_reason mqtt_puback_decode(struct mqtt_puback *out, enum mqtt_type type, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender);

/* In its shortest form. Before 5.0 neither reason nor properties are written. */
void mqtt_puback_encode(struct writer *out, const struct mqtt_puback *puback, enum mqtt_type type,
        enum mqtt_version version);

/* As mqtt_puback_encode(), without properties. */
void mqtt_puback_brief_encode(struct writer *out, enum mqtt_type type, uint16_t packet_id,
        enum mqtt_reason reason, enum mqtt_version version);

#endif
