/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/envelope.h"

#include "base/reader.h"
#include "mqtt/field.h"

enum protection_flags {
    COUNTER = 0x03,
    MATERIAL = 0x0C,
    TAG = 0xF0,
};

enum {
    MATERIAL_SHIFT = 2,
    TAG_SHIFT = 4,
};

enum mqtt_reason mqttsn2_forwarder_decode(struct mqttsn2_forwarder *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t node_size = reader_u8(&in);
    struct mqttsn2_forwarder forwarder = { .node = reader_bytes(&in, node_size) };
    struct mqttsn_front front;

    forwarder.inner = in.rest;
    if (in.failed || forwarder.inner.size == 0)
        return MQTT_MALFORMED;
    if (mqttsn_front_read(&front, forwarder.inner) && front.type == MQTTSN2_FORWARDER)
        return MQTT_PROTOCOL_ERROR;
    *out = forwarder;
    return MQTT_SUCCESS;
}

/* Whether a packet of the type may be in a connection's envelope. */
static bool belongs_to_connection(uint8_t type)
{
    static const uint8_t types[] = { MQTTSN2_PUBLISH, MQTTSN2_SUBSCRIBE, MQTTSN2_UNSUBSCRIBE,
        MQTTSN2_REGISTER, MQTTSN2_DISCONNECT, MQTTSN2_SLEEPREQ, MQTTSN2_PINGREQ };

    return memchr(types, type, sizeof(types));
}

enum mqtt_reason mqttsn2_connection_decode(struct mqttsn2_connection *out, struct bytes body)
{
    struct reader in = { .rest = body };
    struct mqttsn2_connection connection = { .client_id = mqtt_text_read(&in) };
    struct mqttsn_front front;

    connection.inner = in.rest;
    if (in.failed || connection.client_id.size == 0)
        return MQTT_MALFORMED;
    if (!mqttsn_front_read(&front, connection.inner))
        return MQTT_MALFORMED;
    if (!belongs_to_connection(front.type)) /* [MQTTSN2-3.18-3] */
        return MQTT_PROTOCOL_ERROR;
    *out = connection;
    return MQTT_SUCCESS;
}

enum mqtt_reason mqttsn2_protection_decode(struct mqttsn2_protection *out, struct bytes body)
{
    static const uint8_t counter_sizes[] = { 0, 2, 4, 0 }; /* 3 is reserved */
    static const uint8_t material_sizes[] = { 0, 2, 4, 12 };
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    uint8_t counter = flags & COUNTER;
    struct mqttsn2_protection protection = {
        .tag_length = (flags & TAG) >> TAG_SHIFT,
        .scheme = reader_u8(&in),
    };

    protection.sender_id = reader_bytes(&in, MQTTSN2_SENDER_ID_SIZE);
    protection.random = reader_bytes(&in, MQTTSN2_RANDOM_SIZE);
    protection.material = reader_bytes(&in, material_sizes[(flags & MATERIAL) >> MATERIAL_SHIFT]);
    protection.counter = reader_bytes(&in, counter_sizes[counter]);
    protection.sealed = in.rest;
    if (in.failed || protection.sealed.size == 0)
        return MQTT_MALFORMED;
    /* [MQTTSN2-3.17.2.1-1], [MQTTSN2-3.17.2.3-3] */
    if (counter == 3 || protection.tag_length == 2 || protection.tag_length == 3)
        return MQTT_MALFORMED;
    *out = protection;
    return MQTT_SUCCESS;
}

void mqttsn2_forwarder_head_encode(struct writer *out, const struct mqttsn2_forwarder *forwarder)
{
    if (forwarder->node.size > MQTTSN2_NODE_SIZE_MAX)
        out->failed = true;
    mqttsn2_header_encode(out, MQTTSN2_FORWARDER, 1 + forwarder->node.size + forwarder->inner.size);
    writer_u8(out, (uint8_t)forwarder->node.size);
    writer_bytes(out, forwarder->node);
}

void mqttsn2_connection_head_encode(struct writer *out, const struct mqttsn2_connection *connection)
{
    mqttsn2_header_encode(
            out, MQTTSN2_CONNECTION, 2 + connection->client_id.size + connection->inner.size);
    mqtt_binary_write(out, connection->client_id);
}
