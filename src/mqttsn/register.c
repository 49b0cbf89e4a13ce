/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/register.h"

#include "base/reader.h"
#include "mqttsn/topic.h"

enum { FIXED_SIZE = 4 }; /* bytes of the body before the name */

enum mqtt_reason mqttsn_register_decode(
        struct mqttsn_register *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    struct mqttsn_register message = { .topic_id = reader_u16(&in) };

    message.msg_id = reader_u16(&in);
    message.topic_name = in.rest;
    if (in.failed)
        return MQTT_MALFORMED;
    if (sender == MQTT_FROM_SERVER && !mqttsn_topic_id_valid(message.topic_id))
        return MQTT_TOPIC_ALIAS_INVALID;
    if (!mqttsn_topic_name_valid(message.topic_name)) /* [SN-X-3] */
        return MQTT_TOPIC_NAME_INVALID;
    *out = message;
    return MQTT_SUCCESS;
}

void mqttsn_register_encode(struct writer *out, const struct mqttsn_register *message)
{
    mqttsn_header_encode(out, MQTTSN_REGISTER, FIXED_SIZE + message->topic_name.size);
    writer_u16(out, message->topic_id);
    writer_u16(out, message->msg_id);
    writer_bytes(out, message->topic_name);
}
