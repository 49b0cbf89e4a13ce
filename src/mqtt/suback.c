/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/suback.h"

enum { FAILURE = 0x80 }; /* the lowest failing code, and 3.1.1's only one */

static bool code_valid(uint8_t code, enum mqtt_version version)
{
    if (version == MQTT_5_0)
        return mqtt_reason_allowed((enum mqtt_reason)code, MQTT_SUBACK, MQTT_FROM_SERVER);
    /* [MQTT311-3.9.3-2], [V31-13] */
    return code <= 2 || (code == FAILURE && version == MQTT_3_1_1);
}

enum mqtt_reason mqtt_suback_decode(
        struct mqtt_suback *out, struct bytes body, enum mqtt_version version)
{
    struct reader in = { .rest = body };
    struct mqtt_suback suback = { .packet_id = reader_u16(&in) };

    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&suback.properties, &in, MQTT_SUBACK);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (in.failed)
        return MQTT_MALFORMED;
    suback.codes = in.rest;
    if (suback.packet_id == 0 || (suback.codes.size == 0 && version != MQTT_3_1))
        return MQTT_PROTOCOL_ERROR;
    for (size_t i = 0; i < suback.codes.size; i++)
        if (!code_valid(suback.codes.data[i], version))
            return MQTT_PROTOCOL_ERROR;
    *out = suback;
    return MQTT_SUCCESS;
}

static uint8_t code_of(uint8_t code, enum mqtt_version version)
{
    if (version == MQTT_5_0 || code < FAILURE)
        return code;
    return version == MQTT_3_1 ? 0 : FAILURE;
}

void mqtt_suback_encode(
        struct writer *out, const struct mqtt_suback *suback, enum mqtt_version version)
{
    bool v5 = version == MQTT_5_0;
    size_t properties_size = v5 ? mqtt_properties_size(&suback->properties) : 0;

    mqtt_header_encode(out, MQTT_SUBACK, 0, 2 + properties_size + suback->codes.size);
    writer_u16(out, suback->packet_id);
    if (v5)
        mqtt_properties_write(out, &suback->properties);
    for (size_t i = 0; i < suback->codes.size; i++)
        writer_u8(out, code_of(suback->codes.data[i], version));
}
