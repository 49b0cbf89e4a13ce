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
    struct reader in = { .rest = body };
    struct mqtt_publish publish = {
        .topic = mqtt_text_read(&in),
        .qos = qos,
        .dup = flags & PUBLISH_DUP,
        .retain = flags & PUBLISH_RETAIN,
    };

    if (qos > 0)
        publish.packet_id = reader_u16(&in);
    /* [MQTT5-3.3.1-4], [MQTT5-3.3.1-2], [MQTT311-3.3.1-4], [MQTT311-3.3.1-2] */
    if (in.failed || qos == 3 || (publish.dup && qos == 0))
        return MQTT_MALFORMED;
    if (qos > 0 && publish.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&publish.properties, &in, MQTT_PUBLISH);

        if (reason == MQTT_SUCCESS)
            reason = properties_check(&publish.properties, publish.topic, sender);
        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (!mqtt_topic_name_valid(publish.topic) && (version != MQTT_5_0 || publish.topic.size > 0))
        return MQTT_TOPIC_NAME_INVALID;
    publish.payload = in.rest;
    *out = publish;
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

void mqtt_publish_head_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version)
{
    uint8_t flags = (uint8_t)(publish->qos << QOS_SHIFT | (publish->dup ? PUBLISH_DUP : 0) |
            (publish->retain ? PUBLISH_RETAIN : 0));

    mqtt_header_encode(out, MQTT_PUBLISH, flags, body_size(publish, version));
    mqtt_binary_write(out, publish->topic);
    if (publish->qos > 0)
        writer_u16(out, publish->packet_id);
    if (version == MQTT_5_0)
        mqtt_properties_write(out, &publish->properties);
}

void mqtt_publish_encode(
        struct writer *out, const struct mqtt_publish *publish, enum mqtt_version version)
{
    mqtt_publish_head_encode(out, publish, version);
    writer_bytes(out, publish->payload);
}
