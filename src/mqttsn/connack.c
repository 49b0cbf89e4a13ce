/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/connack.h"

enum mqtt_reason mqttsn_connack_decode(struct mqttsn_connack *out, struct bytes body)
{
    if (body.size != 1)
        return MQTT_MALFORMED;
    *out = (struct mqttsn_connack){ .code = (enum mqttsn_return_code)body.data[0] };
    return MQTT_SUCCESS;
}

void mqttsn_connack_encode(struct writer *out, enum mqttsn_type type, enum mqttsn_return_code code)
{
    mqttsn_header_encode(out, type, 1);
    writer_u8(out, (uint8_t)code);
}
