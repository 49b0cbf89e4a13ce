/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/publish.h"

#include "mqtt/field.h"
#include "mqtt/topic.h"

enum publish_flags {
    PUBLISH_RETAIN = 0x01,
    PUBLISH_QOS = 0x06,
    PUBLISH_DUP = 0x08,
};

enum { QOS_SHIFT = 1 };

/* What 5.0 demands beyond well-formed properties. */
static enum mqtt_reason properties_check(
        const struct mqtt_properties *properties, struct bytes topic, enum mqtt_sender sender)
{
    /* [U5-3.3.2.1-1] */
    if (topic.size == 0 && !mqtt_properties_have(properties, MQTT_TOPIC_ALIAS))
        return MQTT_PROTOCOL_ERROR;
    /* [MQTT5-3.3.4-6] */
    if (mqtt_properties_have(properties, MQTT_SUBSCRIPTION_IDENTIFIER) &&
            sender == MQTT_FROM_CLIENT)
        return MQTT_PROTOCOL_ERROR;
    return MQTT_SUCCESS;
}

enum mqtt_reason mqtt_publish_decode(struct mqtt_publish *out, uint8_t flags, struct bytes body,
        enum mqtt_version version, enum mqtt_sender sender)
{
    uint8_t qos = (flags & PUBLISH_QOS) >> QOS_SHIFT;
    bool dup = flags & PUBLISH_DUP;
    struct reader in = { .rest = body };
    struct bytes topic = mqtt_text_read(&in);
    uint16_t packet_id = qos > 0 ? reader_u16(&in) : 0;
    struct mqtt_properties properties; /* of 5.0: the others are not to copy as much */

    /* [MQTT5-3.3.1-4], [MQTT5-3.3.1-2], [MQTT311-3.3.1-4], [MQTT311-3.3.1-2] */
    if (in.failed || qos == 3 || (dup && qos == 0))
        return MQTT_MALFORMED;
    if (qos > 0 && packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (version == MQTT_5_0) {
        enum mqtt_reason reason;

        properties = (struct mqtt_properties){ 0 };
        reason = mqtt_properties_read(&properties, &in, MQTT_PUBLISH);
        if (reason == MQTT_SUCCESS)
            reason = properties_check(&properties, topic, sender);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (!mqtt_topic_name_valid(topic) && (version != MQTT_5_0 || topic.size > 0))
        return MQTT_TOPIC_NAME_INVALID;
    *out = (struct mqtt_publish){ .topic = topic,
        .payload = in.rest,
        .packet_id = packet_id,
        .qos = qos,
        .dup = dup,
        .retain = flags & PUBLISH_RETAIN };
    if (version == MQTT_5_0)
        out->properties = properties;
    return MQTT_SUCCESS;
}

static size_t body_size(const struct mqtt_publish *publish, enum mqtt_version version)
{
    return 2 + publish->topic.size + (publish->qos > 0 ? 2 : 0) +
            (version == MQTT_5_0 ? mqtt_properties_size(&publish->properties) : 0) +
            publish->payload.size;
}

size_t mqtt_publish_size(const struct mqtt_publish *publish, enum mqtt_version version)
{
    return mqtt_packet_size(body_size(publish, version));
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

void mqtt_publish_head_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version)
{
    struct bytes topic = publish->topic;
    size_t remaining = body_size(publish, version);
    uint8_t *at = NULL;

    /* Room is asked for once: what a server writes is mostly this. */
    if (remaining <= MQTT_REMAINING_MAX && topic.size <= MQTT_TEXT_SIZE_MAX)
        at = writer_room(out,
                1 + mqtt_varint_size((uint32_t)remaining) + 2 + topic.size +
                        (publish->qos > 0 ? 2 : 0));
    if (!at) {
        out->failed = true;
        return;
    }
    *at++ = (uint8_t)(MQTT_PUBLISH << 4 | publish->qos << QOS_SHIFT |
            (publish->dup ? PUBLISH_DUP : 0) | (publish->retain ? PUBLISH_RETAIN : 0));
    for (; remaining >= 0x80; remaining >>= 7)
        *at++ = (uint8_t)(remaining | 0x80);
    *at++ = (uint8_t)remaining;
    at = put_u16(at, (uint16_t)topic.size);
    if (topic.size > 0)
        memcpy(at, topic.data, topic.size);
    if (publish->qos > 0)
        put_u16(at + topic.size, publish->packet_id);
    if (version == MQTT_5_0)
        mqtt_properties_write(out, &publish->properties);
}

void mqtt_publish_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version)
{
    mqtt_publish_head_encode(out, publish, version);
    writer_bytes(out, publish->payload);
}
