/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/connack.h"

/* The reason that a code of 3.1 and 3.1.1 says; MQTT_MALFORMED for a reserved code. */
static enum mqtt_reason reason_of_v3(uint8_t code)
{
    static const enum mqtt_reason reasons[] = {
        MQTT_SUCCESS,
        MQTT_UNSUPPORTED_VERSION,
        MQTT_CLIENT_ID_NOT_VALID,
        MQTT_SERVER_UNAVAILABLE,
        MQTT_BAD_USER_NAME_OR_PASSWORD,
        MQTT_NOT_AUTHORIZED,
    };

    return code < sizeof(reasons) / sizeof(reasons[0]) ? reasons[code] : MQTT_MALFORMED;
}

enum mqtt_reason mqtt_connack_decode(
        struct mqtt_connack *out, struct bytes body, enum mqtt_version version)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    uint8_t code = reader_u8(&in);
    struct mqtt_connack connack = { .reason = (enum mqtt_reason)code };

    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&connack.properties, &in, MQTT_CONNACK);

        if (reason != MQTT_SUCCESS)
            return reason;
    } else {
        connack.reason = reason_of_v3(code);
    }
    if (version == MQTT_3_1)
        flags = 0; /* The byte is reserved there. [V31-5] */
    if (in.failed || in.rest.size > 0 || flags > 1)
        return MQTT_MALFORMED;
    if (version != MQTT_5_0 && connack.reason == MQTT_MALFORMED)
        return MQTT_MALFORMED;
    if (!mqtt_reason_allowed(connack.reason, MQTT_CONNACK, MQTT_FROM_SERVER))
        return MQTT_PROTOCOL_ERROR;
    /* [MQTT5-3.2.2-6], [MQTT311-3.2.2-4] */
    if (flags && connack.reason != MQTT_SUCCESS)
        return MQTT_PROTOCOL_ERROR;
    if (!mqtt_properties_authentication_valid(&connack.properties))
        return MQTT_PROTOCOL_ERROR;
    connack.session_present = flags;
    *out = connack;
    return MQTT_SUCCESS;
}

void mqtt_connack_encode(
        struct writer *out, const struct mqtt_connack *connack, enum mqtt_version version)
{
    bool session_present = connack->session_present && version != MQTT_3_1;

    if (version == MQTT_5_0) {
        mqtt_header_encode(out, MQTT_CONNACK, 0, 2 + mqtt_properties_size(&connack->properties));
        writer_u8(out, session_present);
        writer_u8(out, (uint8_t)connack->reason);
        mqtt_properties_write(out, &connack->properties);
        return;
    }
    if (connack->reason != MQTT_SUCCESS && mqtt_connack_code_v3(connack->reason) == 0)
        out->failed = true;
    mqtt_header_encode(out, MQTT_CONNACK, 0, 2);
    writer_u8(out, session_present);
    writer_u8(out, mqtt_connack_code_v3(connack->reason));
}
