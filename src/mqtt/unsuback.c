/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/unsuback.h"

static bool codes_valid(struct bytes codes)
{
    for (size_t i = 0; i < codes.size; i++)
        if (!mqtt_reason_allowed((enum mqtt_reason)codes.data[i], MQTT_UNSUBACK, MQTT_FROM_SERVER))
            return false;
    return codes.size > 0;
}

enum mqtt_reason mqtt_unsuback_decode(
        struct mqtt_unsuback *out, struct bytes body, enum mqtt_version version)
{
    struct reader in = { .rest = body };
    struct mqtt_unsuback unsuback = { .packet_id = reader_u16(&in) };

    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&unsuback.properties, &in, MQTT_UNSUBACK);

        if (reason != MQTT_SUCCESS)
            return reason;
        unsuback.codes = in.rest;
    }
    if (in.failed || (version != MQTT_5_0 && in.rest.size > 0))
        return MQTT_MALFORMED;
    if (unsuback.packet_id == 0 || (version == MQTT_5_0 && !codes_valid(unsuback.codes)))
        return MQTT_PROTOCOL_ERROR;
    *out = unsuback;
    return MQTT_SUCCESS;
}

void mqtt_unsuback_encode(
        struct writer *out, const struct mqtt_unsuback *unsuback, enum mqtt_version version)
{
    bool v5 = version == MQTT_5_0;

    mqtt_header_encode(out, MQTT_UNSUBACK, 0,
            2 + (v5 ? mqtt_properties_size(&unsuback->properties) + unsuback->codes.size : 0));
    writer_u16(out, unsuback->packet_id);
    if (!v5)
        return;
    mqtt_properties_write(out, &unsuback->properties);
    writer_bytes(out, unsuback->codes);
}
