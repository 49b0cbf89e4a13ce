/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/disconnect.h"

enum mqtt_reason mqtt_disconnect_decode(struct mqtt_disconnect *out, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender)
{
    /* The one property that this side must leave to the other. [MQTT5-3.14.2-2] */
    enum mqtt_property foreign =
            sender == MQTT_FROM_SERVER ? MQTT_SESSION_EXPIRY_INTERVAL : MQTT_SERVER_REFERENCE;
    struct reader in = { .rest = body };
    struct mqtt_disconnect disconnect = { .reason = MQTT_SUCCESS };

    /* What the shorter forms leave out is success, and no properties. [U5-3.14.2.1-1] */
    if (version == MQTT_5_0 && in.rest.size > 0)
        disconnect.reason = (enum mqtt_reason)reader_u8(&in);
    if (version == MQTT_5_0 && in.rest.size > 0) {
        enum mqtt_reason reason =
                mqtt_properties_read(&disconnect.properties, &in, MQTT_DISCONNECT);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (in.rest.size > 0)
        return MQTT_MALFORMED;
    if (version != MQTT_5_0 && sender == MQTT_FROM_SERVER)
        return MQTT_PROTOCOL_ERROR;
    if (!mqtt_reason_allowed(disconnect.reason, MQTT_DISCONNECT, sender) ||
            mqtt_properties_have(&disconnect.properties, foreign))
        return MQTT_PROTOCOL_ERROR;
    *out = disconnect;
    return MQTT_SUCCESS;
}

void mqtt_disconnect_encode(
        struct writer *out, const struct mqtt_disconnect *disconnect, enum mqtt_version version)
{
    size_t properties_size = mqtt_properties_size(&disconnect->properties);
    size_t size = 0;

    if (version == MQTT_5_0 && properties_size > 1)
        size = 1 + properties_size;
    else if (version == MQTT_5_0 && disconnect->reason != MQTT_SUCCESS)
        size = 1;
    mqtt_header_encode(out, MQTT_DISCONNECT, 0, size);
    if (size > 0)
        writer_u8(out, (uint8_t)disconnect->reason);
    if (size > 1)
        mqtt_properties_write(out, &disconnect->properties);
}
