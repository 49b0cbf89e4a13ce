/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/regack.h"

#include "base/reader.h"

enum { BODY_SIZE = 5 };

enum mqtt_reason mqttsn_regack_decode(struct mqttsn_regack *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn_regack regack = { .topic_id = reader_u16(&in) };

    regack.msg_id = reader_u16(&in);
    regack.code = (enum mqttsn_return_code)reader_u8(&in);
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    *out = regack;
    return MQTT_SUCCESS;
}

void mqttsn_regack_encode(
        struct writer *out, const struct mqttsn_regack *regack, enum mqttsn_type type)
{
    mqttsn_header_encode(out, type, BODY_SIZE);
    writer_u16(out, regack->topic_id);
    writer_u16(out, regack->msg_id);
    writer_u8(out, (uint8_t)regack->code);
}
