/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/connack.h"

#include "mqtt/utf8.h"

enum connack_flags {
    SESSION_PRESENT = 0x01,
    SESSION_EXPIRY = 0x02,
    KEEPALIVE = 0x04,
    AUTHENTICATION = 0x08,
    RESERVED = 0xF0,
};

enum mqtt_reason mqttsn2_connack_decode(struct mqttsn2_connack *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    struct mqttsn2_connack connack = {
        .session_present = flags & SESSION_PRESENT,
        .has_session_expiry = flags & SESSION_EXPIRY,
        .has_keepalive = flags & KEEPALIVE,
        .has_authentication = flags & AUTHENTICATION,
    };

    connack.packet_id = reader_u16(&in);
    connack.code = reader_u8(&in);
    connack.session_expiry_s = connack.has_session_expiry ? reader_u32(&in) : 0;
    connack.keepalive_s = connack.has_keepalive ? reader_u16(&in) : 0;
    if (connack.has_authentication)
        connack.authentication = mqttsn2_authentication_read(&in);
    connack.client_id = in.rest;
    if (in.failed || flags & RESERVED || !mqtt_utf8_valid(connack.client_id))
        return MQTT_MALFORMED;
    if (connack.session_present && connack.code != MQTT_SUCCESS) /* [MQTTSN2-3.2.2.1-5] */
        return MQTT_PROTOCOL_ERROR;
    if (connack.has_keepalive && connack.keepalive_s == 0)
        return MQTT_PROTOCOL_ERROR;
    *out = connack;
    return MQTT_SUCCESS;
}

static uint8_t flags_of(const struct mqttsn2_connack *connack)
{
    return (uint8_t)((connack->session_present ? SESSION_PRESENT : 0) |
            (connack->has_session_expiry ? SESSION_EXPIRY : 0) |
            (connack->has_keepalive ? KEEPALIVE : 0) |
            (connack->has_authentication ? AUTHENTICATION : 0));
}

void mqttsn2_connack_encode(struct writer *out, const struct mqttsn2_connack *connack)
{
    size_t size = 1 + 2 + 1 + connack->client_id.size;

    size += connack->has_session_expiry ? 4 : 0;
    size += connack->has_keepalive ? 2 : 0;
    if (connack->has_authentication)
        size += mqttsn2_authentication_size(&connack->authentication);
    mqttsn2_header_encode(out, MQTTSN2_CONNACK, size);
    writer_u8(out, flags_of(connack));
    writer_u16(out, connack->packet_id);
    writer_u8(out, connack->code);
    if (connack->has_session_expiry)
        writer_u32(out, connack->session_expiry_s);
    if (connack->has_keepalive)
        writer_u16(out, connack->keepalive_s);
    if (connack->has_authentication)
        mqttsn2_authentication_write(out, &connack->authentication);
    writer_bytes(out, connack->client_id);
}
