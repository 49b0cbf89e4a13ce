/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/publish.h"

enum publish_flags {
    DUP = 0x80,
    QOS = 0x60,
    RETAIN = 0x10,
    RESERVED = 0x0C,
    PUBWOS_RESERVED = DUP | QOS | RESERVED,
};

enum { QOS_SHIFT = 5 };

/* Whether flags are such as neither of the two has. */
static bool flags_malformed(uint8_t flags, enum mqttsn2_type type)
{
    uint8_t qos = (flags & QOS) >> QOS_SHIFT;

    if (type == MQTTSN2_PUBWOS)
        return flags & PUBWOS_RESERVED;
    /* [MQTTSN2-3.6.2.2.3-1] */
    return flags & RESERVED || qos > 2 || (flags & DUP && qos < 2);
}

enum mqtt_reason mqttsn2_publish_decode(
        struct mqttsn2_publish *out, struct bytes body, enum mqttsn2_type type)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_publish publish = {
        .qos = (flags & QOS) >> QOS_SHIFT,
        .dup = flags & DUP,
        .retain = flags & RETAIN,
    };
    enum mqtt_reason reason;

    if (flags_malformed(flags, type))
        return MQTT_MALFORMED;
    publish.packet_id = publish.qos > 0 ? reader_u16(&in) : 0;
    reason = mqttsn2_topic_read(&publish.topic, flags, &in);
    if (reason != MQTT_SUCCESS)
        return reason;
    publish.payload = in.rest;
    if (publish.qos > 0 && publish.packet_id == 0)
        return MQTT_PROTOCOL_ERROR;
    if (type == MQTTSN2_PUBWOS && publish.topic.type == MQTTSN2_TOPIC_SESSION)
        return MQTT_PROTOCOL_ERROR; /* [MQTTSN2-3.6.1.2.1-1] */
    *out = publish;
    return MQTT_SUCCESS;
}

static size_t body_size(const struct mqttsn2_publish *publish)
{
    return 1 + (publish->qos > 0 ? 2 : 0) + mqttsn2_topic_size(&publish->topic) +
            publish->payload.size;
}

size_t mqttsn2_publish_size(const struct mqttsn2_publish *publish)
{
    return mqttsn_message_size(body_size(publish));
}

void mqttsn2_publish_head_encode(
        struct writer *out, const struct mqttsn2_publish *publish, enum mqttsn2_type type)
{
    mqttsn2_header_encode(out, type, body_size(publish));
    writer_u8(out,
            (uint8_t)(publish->topic.type | publish->qos << QOS_SHIFT | (publish->dup ? DUP : 0) |
                    (publish->retain ? RETAIN : 0)));
    if (publish->qos > 0)
        writer_u16(out, publish->packet_id);
    mqttsn2_topic_write(out, &publish->topic);
}

void mqttsn2_publish_encode(
        struct writer *out, const struct mqttsn2_publish *publish, enum mqttsn2_type type)
{
    mqttsn2_publish_head_encode(out, publish, type);
    writer_bytes(out, publish->payload);
}
