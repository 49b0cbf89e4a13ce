/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUTH: a step of enhanced authentication, in 5.0 only. (Source: MQTT 5.0 §3.15)
 */
#ifndef MQTT_AUTH_H
#define MQTT_AUTH_H

#include "mqtt/properties.h"

struct mqtt_auth {
    enum mqtt_reason reason;
    struct mqtt_properties properties; /* the method among them, always */
};

/**
 * Decodes the body of an AUTH.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when a field is missing; MQTT_PROTOCOL_ERROR for a reason
 * code that this side must not send, no method, or as mqtt_properties_read() says.
 * Source: [MQTT5-3.15.2-1], [U5-3.15.2-1]
 */
enum mqtt_reason mqtt_auth_decode(
        struct mqtt_auth *out, struct bytes body, enum mqtt_sender sender);

void mqtt_auth_encode(struct writer *out, const struct mqtt_auth *auth);

#endif
