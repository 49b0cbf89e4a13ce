/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DISCONNECT: the last packet of a connection. (Source: MQTT 3.1.1 §3.14, MQTT 5.0 §3.14)
 */
#ifndef MQTT_DISCONNECT_H
#define MQTT_DISCONNECT_H

#include "mqtt/properties.h"

struct mqtt_disconnect {
    enum mqtt_reason reason;           /* 5.0 */
    struct mqtt_properties properties; /* 5.0 */
};

/**
 * Decodes the body of a DISCONNECT. Whether a session expiry may be set now, the caller knows.
 *
 * Returns MQTT_SUCCESS; MQTT_MALFORMED when the size is wrong; MQTT_PROTOCOL_ERROR for a reason
 * code or property that this side must not send, a server's DISCONNECT before 5.0, or as
 * mqtt_properties_read() says.
 * Source: [MQTT5-3.14.2-1], [MQTT5-3.14.2-2], [U5-3.14.2.1-1], [U5-3.14.2.2-1], [U311-2.x-a]
 */
enum mqtt_reason mqtt_disconnect_decode(struct mqtt_disconnect *out, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender);

/* In its shortest form. Before 5.0 neither reason nor properties are written. */
void mqtt_disconnect_encode(
        struct writer *out, const struct mqtt_disconnect *disconnect, enum mqtt_version version);

#endif
