/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/willtopic.h"

#include "base/reader.h"
#include "mqttsn/flags.h"
#include "mqttsn/topic.h"

enum mqtt_reason mqttsn_willtopic_decode(struct mqttsn_willtopic *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = body.size > 0 ? reader_u8(&in) : 0;
    struct mqttsn_willtopic willtopic = {
        .topic = in.rest,
        .qos = mqttsn_flags_qos(flags),
        .retain = flags & MQTTSN_FLAG_RETAIN,
    };

    if (body.size == 1)
        return MQTT_MALFORMED;
    if (willtopic.qos == MQTTSN_QOS_MINUS_1)
        return MQTT_QOS_NOT_SUPPORTED;
    if (body.size > 0 && !mqttsn_topic_name_valid(willtopic.topic))
        return MQTT_TOPIC_NAME_INVALID;
    *out = willtopic;
    return MQTT_SUCCESS;
}

void mqttsn_willtopic_encode(
        struct writer *out, const struct mqttsn_willtopic *willtopic, enum mqttsn_type type)
{
    if (willtopic->topic.size == 0) {
        mqttsn_header_encode(out, type, 0);
        return;
    }
    mqttsn_header_encode(out, type, 1 + willtopic->topic.size);
    writer_u8(out,
            (uint8_t)(mqttsn_flags_of_qos(willtopic->qos) |
                    (willtopic->retain ? MQTTSN_FLAG_RETAIN : 0)));
    writer_bytes(out, willtopic->topic);
}
