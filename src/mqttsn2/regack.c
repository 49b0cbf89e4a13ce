/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/regack.h"

enum regack_flags {
    ALIAS = 0x04,
    RESERVED = 0xF8,
};

enum mqtt_reason mqttsn2_regack_decode(
        struct mqttsn2_regack *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_regack regack = {
        .has_alias = flags & ALIAS,
        .type = (enum mqttsn2_topic_type)(flags & MQTTSN2_FLAG_TOPIC_TYPE),
    };

    regack.packet_id = reader_u16(&in);
    regack.alias = regack.has_alias ? reader_u16(&in) : 0;
    regack.code = in.rest.size > 0 ? reader_u8(&in) : MQTT_SUCCESS;
    if (in.failed || in.rest.size > 0 || flags & RESERVED)
        return MQTT_MALFORMED;
    if (regack.type != MQTTSN2_TOPIC_SESSION && regack.type != MQTTSN2_TOPIC_PREDEFINED)
        return MQTT_PROTOCOL_ERROR;                     /* [MQTTSN2-3.5.2.1-1] */
    if (regack.has_alias && sender == MQTT_FROM_CLIENT) /* [MQTTSN2-3.5.4-1] */
        return MQTT_PROTOCOL_ERROR;
    *out = regack;
    return MQTT_SUCCESS;
}

void mqttsn2_regack_encode(
        struct writer *out, const struct mqttsn2_regack *regack, enum mqttsn2_type type)
{
    bool is_suback = type == MQTTSN2_SUBACK;
    bool says_code = is_suback || regack->code != MQTT_SUCCESS; /* [MQTTSN2-3.7.6-5] */
    enum mqttsn2_topic_type topic_type = regack->type;

    if (is_suback && !regack->has_alias) /* [MQTTSN2-3.8.2.1-2] */
        topic_type = MQTTSN2_TOPIC_PREDEFINED;
    mqttsn2_header_encode(out, type, 1 + 2 + (regack->has_alias ? 2 : 0) + (says_code ? 1 : 0));
    writer_u8(out, (uint8_t)(topic_type | (regack->has_alias ? ALIAS : 0)));
    writer_u16(out, regack->packet_id);
    if (regack->has_alias)
        writer_u16(out, regack->alias);
    if (says_code)
        writer_u8(out, regack->code);
}
