/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/puback.h"

#include "base/reader.h"

enum mqtt_reason mqttsn2_puback_decode(struct mqttsn2_puback *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn2_puback puback = { .packet_id = reader_u16(&in) };

    puback.code = in.rest.size > 0 ? reader_u8(&in) : MQTT_SUCCESS;
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    *out = puback;
    return MQTT_SUCCESS;
}

void mqttsn2_puback_encode(
        struct writer *out, enum mqttsn2_type type, uint16_t packet_id, uint8_t code)
{
    mqttsn2_header_encode(out, type, code == MQTT_SUCCESS ? 2 : 3);
    writer_u16(out, packet_id);
    if (code != MQTT_SUCCESS)
        writer_u8(out, code);
}
