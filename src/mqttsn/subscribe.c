/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn/subscribe.h"

#include "base/reader.h"
#include "mqttsn/flags.h"

enum { FIXED_SIZE = 3 }; /* bytes of the body before the topic */

/* What stands in the message's last field. */
static enum mqtt_reason topic_read(struct mqttsn_topic *out, uint8_t flags, struct bytes field)
{
    if (field.size == 0)
        return MQTT_MALFORMED;
    if ((flags & MQTTSN_FLAG_TOPIC_ID_TYPE) == MQTTSN_TOPIC_NORMAL) {
        if (!mqttsn_topic_filter_valid(field))
            return MQTT_TOPIC_FILTER_INVALID;
        *out = (struct mqttsn_topic){ .type = MQTTSN_TOPIC_NORMAL, .name = field };
        return MQTT_SUCCESS;
    }
    if (field.size != MQTTSN_TOPIC_SHORT_SIZE)
        return MQTT_MALFORMED;
    return mqttsn_topic_read(out, flags, field);
}

enum mqtt_reason mqttsn_subscribe_decode(
        struct mqttsn_subscribe *out, struct bytes body, enum mqttsn_type type)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn_subscribe subscribe = { .msg_id = reader_u16(&in) };
    enum mqtt_reason reason = topic_read(&subscribe.topic, flags, in.rest);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (type == MQTTSN_SUBSCRIBE) {
        subscribe.qos = mqttsn_flags_qos(flags);
        subscribe.dup = flags & MQTTSN_FLAG_DUP;
    }
    if (subscribe.qos == MQTTSN_QOS_MINUS_1) /* [SN-5.3.4-2] */
        return MQTT_QOS_NOT_SUPPORTED;
    *out = subscribe;
    return MQTT_SUCCESS;
}

void mqttsn_subscribe_encode(
        struct writer *out, const struct mqttsn_subscribe *subscribe, enum mqttsn_type type)
{
    bool is_name = subscribe->topic.type == MQTTSN_TOPIC_NORMAL;
    uint8_t flags = (uint8_t)subscribe->topic.type;

    if (type == MQTTSN_SUBSCRIBE)
        flags |= (uint8_t)(mqttsn_flags_of_qos(subscribe->qos) |
                (subscribe->dup ? MQTTSN_FLAG_DUP : 0));
    mqttsn_header_encode(out, type,
            FIXED_SIZE + (is_name ? subscribe->topic.name.size : MQTTSN_TOPIC_SHORT_SIZE));
    writer_u8(out, flags);
    writer_u16(out, subscribe->msg_id);
    if (is_name)
        writer_bytes(out, subscribe->topic.name);
    else
        writer_u16(out, subscribe->topic.id);
}
