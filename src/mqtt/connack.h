/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNACK: the server's answer to CONNECT. (Source: MQTT 3.1.1 §3.2, MQTT 5.0 §3.2)
 */
#ifndef MQTT_CONNACK_H
#define MQTT_CONNACK_H

#include "mqtt/properties.h"

struct mqtt_connack {
    bool session_present;
    enum mqtt_reason reason;
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a CONNACK. The codes 1 to 5 of 3.1 and 3.1.1 become the reasons that
 * mqtt_connack_code_v3() makes them of. 3.1's first byte means nothing.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when the size is wrong, a reserved bit is set or a 3.x code
 * is unknown; MQTT_PROTOCOL_ERROR for a code that CONNACK has not, a session present in a refusal,
 * or as mqtt_properties_read() says.
 * Source: [MQTT5-3.2.2-1], [MQTT5-3.2.2-6], [MQTT5-3.2.2-8], [MQTT311-3.2.2-4], [V31-5]
 */
enum mqtt_reason mqtt_connack_decode(
        struct mqtt_connack *out, struct bytes body, enum mqtt_version version);

/* Before 5.0 the writer fails when no code says the reason: close without CONNACK then. */
void mqtt_connack_encode(
        struct writer *out, const struct mqtt_connack *connack, enum mqtt_version version);

#endif
