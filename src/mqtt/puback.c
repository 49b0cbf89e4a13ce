/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/puback.h"

enum mqtt_reason mqtt_puback_decode(struct mqtt_puback *out, enum mqtt_type type, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    uint16_t packet_id = reader_u16(&in);
    enum mqtt_reason said = MQTT_SUCCESS;
    bool has_properties;
    /* Set where there are some: the others are not to copy as much. */
    struct mqtt_properties properties;

    /* What the shorter forms leave out is success, and no properties. [U5-3.4.2.1-1] */
    if (version == MQTT_5_0 && in.rest.size > 0)
        said = (enum mqtt_reason)reader_u8(&in);
    has_properties = version == MQTT_5_0 && in.rest.size > 0;
    if (has_properties) {
        enum mqtt_reason reason;

        properties = (struct mqtt_properties){ 0 };
        reason = mqtt_properties_read(&properties, &in, type);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    if (packet_id == 0 || !mqtt_reason_allowed(said, type, sender))
        return MQTT_PROTOCOL_ERROR;
    *out = (struct mqtt_puback){ .packet_id = packet_id, .reason = said };
    if (has_properties)
        out->properties = properties;
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

    uint8_t size = says_reason ? 3 : 2;
    uint8_t *at = writer_room(out, 2u + size);

    if (!at)
        return;
    at[0] = (uint8_t)(type << 4 | flags_of(type));
    at[1] = size;
    at[2] = (uint8_t)(packet_id >> 8);
    at[3] = (uint8_t)packet_id;
    if (says_reason)
        at[4] = (uint8_t)reason;
}
