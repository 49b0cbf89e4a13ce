/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/suback.h"

enum { FAILURE = 0x80 }; /* the lowest failing code, and 3.1.1's only one */

static bool has_codes(enum mqtt_type type, enum mqtt_version version)
{
    return type == MQTT_SUBACK || version == MQTT_5_0;
}

static bool code_valid(uint8_t code, enum mqtt_type type, enum mqtt_version version)
{
    if (version == MQTT_5_0)
        return mqtt_reason_allowed((enum mqtt_reason)code, type, MQTT_FROM_SERVER);
    /* [MQTT311-3.9.3-2], [V31-13] */
    return code <= 2 || (code == FAILURE && version == MQTT_3_1_1);
}

enum mqtt_reason mqtt_suback_decode(struct mqtt_suback *out, enum mqtt_type type, struct bytes body,
        enum mqtt_version version)
{
    struct reader in = { .rest = body };
    struct mqtt_suback suback = { .packet_id = reader_u16(&in) };
    bool coded = has_codes(type, version);

    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&suback.properties, &in, type);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    suback.codes = in.rest;
    if (in.failed || (!coded && suback.codes.size > 0))
        return MQTT_MALFORMED;
    if (suback.packet_id == 0 || (coded && suback.codes.size == 0 && version != MQTT_3_1))
        return MQTT_PROTOCOL_ERROR;
    for (size_t i = 0; i < suback.codes.size; i++)
        if (!code_valid(suback.codes.data[i], type, version))
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

void mqtt_suback_encode(struct writer *out, const struct mqtt_suback *suback, enum mqtt_type type,
        enum mqtt_version version)
{
    bool v5 = version == MQTT_5_0;
    size_t properties_size = v5 ? mqtt_properties_size(&suback->properties) : 0;
    size_t count = has_codes(type, version) ? suback->codes.size : 0;

    mqtt_header_encode(out, type, 0, 2 + properties_size + count);
    writer_u16(out, suback->packet_id);
    if (v5)
        mqtt_properties_write(out, &suback->properties);
    for (size_t i = 0; i < count; i++)
        writer_u8(out, code_of(suback->codes.data[i], version));
}
