/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/subscribe.h"

#include "mqtt/topic.h"
#include "mqtt/utf8.h"

enum subscribe_flags {
    NO_LOCAL = 0x80,
    QOS = 0x60,
    RETAIN_AS_PUBLISHED = 0x10,
    RETAIN_HANDLING = 0x0C,
    UNSUBSCRIBE_RESERVED = 0xFC,
};

enum {
    QOS_SHIFT = 5,
    RETAIN_HANDLING_SHIFT = 2,
};

/* What stands in the last field, which has no length of its own. */
static enum mqtt_reason topic_read(struct mqttsn2_topic *out, uint8_t flags, struct bytes field)
{
    struct reader in = { .rest = field };

    if ((flags & MQTTSN2_FLAG_TOPIC_TYPE) == MQTTSN2_TOPIC_NAME) {
        if (!mqtt_utf8_valid(field))
            return MQTT_MALFORMED;
        if (field.size == 0)
            return MQTT_PROTOCOL_ERROR;
        if (mqtt_topic_filter_check(field, MQTT_5_0) != MQTT_SUCCESS)
            return MQTT_TOPIC_FILTER_INVALID;
        *out = (struct mqttsn2_topic){ .type = MQTTSN2_TOPIC_NAME, .name = field };
        return MQTT_SUCCESS;
    }
    return field.size == 2 ? mqttsn2_topic_read(out, flags, &in) : MQTT_MALFORMED;
}

enum mqtt_reason mqttsn2_subscribe_decode(
        struct mqttsn2_subscribe *out, struct bytes body, enum mqttsn2_type type)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_subscribe subscribe = {
        .qos = (flags & QOS) >> QOS_SHIFT,
        .retain_handling = (flags & RETAIN_HANDLING) >> RETAIN_HANDLING_SHIFT,
        .no_local = flags & NO_LOCAL,
        .retain_as_published = flags & RETAIN_AS_PUBLISHED,
    };
    enum mqtt_reason reason;

    subscribe.packet_id = reader_u16(&in);
    if (in.failed || (type == MQTTSN2_UNSUBSCRIBE && flags & UNSUBSCRIBE_RESERVED))
        return MQTT_MALFORMED;
    reason = topic_read(&subscribe.topic, flags, in.rest);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (subscribe.packet_id == 0 || subscribe.qos > 2 || subscribe.retain_handling > 2)
        return MQTT_PROTOCOL_ERROR;
    *out = subscribe;
    return MQTT_SUCCESS;
}

static uint8_t options_of(const struct mqttsn2_subscribe *subscribe)
{
    return (uint8_t)(subscribe->qos << QOS_SHIFT |
            subscribe->retain_handling << RETAIN_HANDLING_SHIFT |
            (subscribe->no_local ? NO_LOCAL : 0) |
            (subscribe->retain_as_published ? RETAIN_AS_PUBLISHED : 0));
}

void mqttsn2_subscribe_encode(
        struct writer *out, const struct mqttsn2_subscribe *subscribe, enum mqttsn2_type type)
{
    const struct mqttsn2_topic *topic = &subscribe->topic;
    bool is_name = topic->type == MQTTSN2_TOPIC_NAME;
    uint8_t options = type == MQTTSN2_SUBSCRIBE ? options_of(subscribe) : 0;

    mqttsn2_header_encode(out, type, 1 + 2 + (is_name ? topic->name.size : 2));
    writer_u8(out, (uint8_t)(topic->type | options));
    writer_u16(out, subscribe->packet_id);
    if (is_name)
        writer_bytes(out, topic->name);
    else
        writer_u16(out, topic->alias);
}
