/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/auth.h"

enum mqtt_reason mqtt_auth_decode(struct mqtt_auth *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    struct mqtt_auth auth = { .reason = MQTT_SUCCESS };

    if (in.rest.size > 0) {
        enum mqtt_reason reason;

        auth.reason = (enum mqtt_reason)reader_u8(&in);
        reason = mqtt_properties_read(&auth.properties, &in, MQTT_AUTH);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (in.rest.size > 0)
        return MQTT_MALFORMED;
    /* The shortest form, success without properties, lacks the method too. [U5-3.15.2-1] */
    if (!mqtt_reason_allowed(auth.reason, MQTT_AUTH, sender) ||
            !mqtt_properties_have(&auth.properties, MQTT_AUTHENTICATION_METHOD))
        return MQTT_PROTOCOL_ERROR;
    *out = auth;
    return MQTT_SUCCESS;
}

void mqtt_auth_encode(struct writer *out, const struct mqtt_auth *auth)
{
    mqtt_header_encode(out, MQTT_AUTH, 0, 1 + mqtt_properties_size(&auth->properties));
    writer_u8(out, (uint8_t)auth->reason);
    mqtt_properties_write(out, &auth->properties);
}
