/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/publish.h"

#include "base/reader.h"
#include "mqttsn/flags.h"

enum { FIXED_SIZE = 5 }; /* bytes of the body before the data */

enum mqtt_reason mqttsn_publish_decode(
        struct mqttsn_publish *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct bytes topic_id = reader_bytes(&in, MQTTSN_TOPIC_SHORT_SIZE);
    struct mqttsn_publish publish = {
        .msg_id = reader_u16(&in),
        .qos = mqttsn_flags_qos(flags),
        .dup = flags & MQTTSN_FLAG_DUP,
        .retain = flags & MQTTSN_FLAG_RETAIN,
    };
    enum mqtt_reason reason;

    if (in.failed)
        return MQTT_MALFORMED;
    publish.data = in.rest;
    reason = mqttsn_topic_read(&publish.topic, flags, topic_id);
    if (reason != MQTT_SUCCESS)
        return reason;
    /* [SN-5.3.4-2], [SN-6.8-2] */
    if (publish.qos == MQTTSN_QOS_MINUS_1 &&
            (sender == MQTT_FROM_SERVER || publish.topic.type == MQTTSN_TOPIC_NORMAL))
        return MQTT_PROTOCOL_ERROR;
    /* [SN-5.3.7-1] */
    if (publish.qos > 0 && publish.msg_id == 0)
        return MQTT_PROTOCOL_ERROR;
    *out = publish;
    return MQTT_SUCCESS;
}

size_t mqttsn_publish_size(const struct mqttsn_publish *publish)
{
    return mqttsn_message_size(FIXED_SIZE + publish->data.size);
}

void mqttsn_publish_head_encode(struct writer *out, const struct mqttsn_publish *publish)
{
    uint8_t flags = (uint8_t)(mqttsn_flags_of_qos(publish->qos) | publish->topic.type |
            (publish->dup ? MQTTSN_FLAG_DUP : 0) | (publish->retain ? MQTTSN_FLAG_RETAIN : 0));

    mqttsn_header_encode(out, MQTTSN_PUBLISH, FIXED_SIZE + publish->data.size);
    writer_u8(out, flags);
    writer_u16(out, publish->topic.id);
    writer_u16(out, publish->qos > 0 ? publish->msg_id : 0);
}

void mqttsn_publish_encode(struct writer *out, const struct mqttsn_publish *publish)
{
    mqttsn_publish_head_encode(out, publish);
    writer_bytes(out, publish->data);
}
