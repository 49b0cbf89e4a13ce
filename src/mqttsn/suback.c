/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/suback.h"

#include "base/reader.h"
#include "mqttsn/flags.h"

enum { BODY_SIZE = 6 };

enum mqtt_reason mqttsn_suback_decode(struct mqttsn_suback *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn_suback suback = { .qos = mqttsn_flags_qos(reader_u8(&in)) };

    suback.topic_id = reader_u16(&in);
    suback.msg_id = reader_u16(&in);
    suback.code = (enum mqttsn_return_code)reader_u8(&in);
    if (in.failed || in.rest.size > 0)
        return MQTT_MALFORMED;
    if (suback.qos == MQTTSN_QOS_MINUS_1)
        return MQTT_PROTOCOL_ERROR;
    *out = suback;
    return MQTT_SUCCESS;
}

void mqttsn_suback_encode(struct writer *out, const struct mqttsn_suback *suback)
{
    mqttsn_header_encode(out, MQTTSN_SUBACK, BODY_SIZE);
    writer_u8(out, mqttsn_flags_of_qos(suback->qos));
    writer_u16(out, suback->topic_id);
    writer_u16(out, suback->msg_id);
    writer_u8(out, (uint8_t)suback->code);
}
