/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/puback.h"

enum mqtt_reason mqtt_puback_decode(struct mqtt_puback *out, enum mqtt_type type, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    struct mqtt_puback puback = { .packet_id = reader_u16(&in) };

    /* What the shorter forms leave out is success, and no properties. [U5-3.4.2.1-1] */
    if (version == MQTT_5_0 && in.rest.size > 0)
        puback.reason = (enum mqtt_reason)reader_u8(&in);
    if (version == MQTT_5_0 && in.rest.size > 0) {
        enum mqtt_reason reason = mqtt_properties_read(&puback.properties, &in, type);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    if (puback.packet_id == 0 || !mqtt_reason_allowed(puback.reason, type, sender))
        return MQTT_PROTOCOL_ERROR;
    *out = puback;
    return MQTT_SUCCESS;
}

static uint8_t flags_of(enum mqtt_type type)
{
    return type == MQTT_PUBREL ? 2 : 0;
}

void mqtt_puback_encode(struct writer *out, const struct mqtt_puback *puback, enum mqtt_type type,
        enum mqtt_version version)
{
    size_t properties_size = mqtt_properties_size(&puback->properties);

    if (version != MQTT_5_0 || properties_size == 1) {
        mqtt_puback_brief_encode(out, type, puback->packet_id, puback->reason, version);
        return;
    }
    mqtt_header_encode(out, type, flags_of(type), 3 + properties_size);
    writer_u16(out, puback->packet_id);
    writer_u8(out, (uint8_t)puback->reason);
    mqtt_properties_write(out, &puback->properties);
}

void mqtt_puback_brief_encode(struct writer *out, enum mqtt_type type, uint16_t packet_id,
        enum mqtt_reason reason, enum mqtt_version version)
{
    bool says_reason = version == MQTT_5_0 && reason != MQTT_SUCCESS;

    mqtt_header_encode(out, type, flags_of(type), says_reason ? 3 : 2);
    writer_u16(out, packet_id);
    if (says_reason)
        writer_u8(out, (uint8_t)reason);
}
