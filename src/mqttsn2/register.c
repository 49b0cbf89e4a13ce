/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/register.h"

#include "base/reader.h"
#include "mqtt/topic.h"
#include "mqtt/utf8.h"

enum register_flags {
    ALIAS = 0x01,
    RESERVED = 0xFE,
};

enum mqtt_reason mqttsn2_register_decode(
        struct mqttsn2_register *out, struct bytes body, enum mqtt_sender sender)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_register packet = { .has_alias = flags & ALIAS };

    packet.packet_id = reader_u16(&in);
    packet.alias = packet.has_alias ? reader_u16(&in) : 0;
    packet.topic_name = in.rest;
    if (in.failed || flags & RESERVED || !mqtt_utf8_valid(packet.topic_name))
        return MQTT_MALFORMED;
    if (packet.packet_id == 0 || packet.has_alias != (sender == MQTT_FROM_SERVER))
        return MQTT_PROTOCOL_ERROR; /* [MQTTSN2-3.4-1], [MQTTSN2-3.4-2] */
    if (!mqtt_topic_name_valid(packet.topic_name))
        return MQTT_TOPIC_NAME_INVALID;
    *out = packet;
    return MQTT_SUCCESS;
}

void mqttsn2_register_encode(struct writer *out, const struct mqttsn2_register *packet)
{
    mqttsn2_header_encode(
            out, MQTTSN2_REGISTER, 1 + 2 + (packet->has_alias ? 2 : 0) + packet->topic_name.size);
    writer_u8(out, packet->has_alias ? ALIAS : 0);
    writer_u16(out, packet->packet_id);
    if (packet->has_alias)
        writer_u16(out, packet->alias);
    writer_bytes(out, packet->topic_name);
}
