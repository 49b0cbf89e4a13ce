/* SPDX-License-Identifier: Apache-2.0 */
#include "mqttsn2/connect.h"

#include "mqtt/field.h"
#include "mqtt/utf8.h"

enum connect_flags {
    CLEAN_START = 0x01,
    WILL = 0x02,
    AUTHENTICATION = 0x04,
    SESSION_EXPIRY = 0x08,
    AWAKE_MESSAGES = 0x10,
    ADDRESS_CHANGE = 0x20,
    SUGGESTIONS = 0x40,
    RESERVED = 0x80,
};

enum will_flags {
    WILL_QOS = 0x0C,
    WILL_RETAIN = 0x10,
    WILL_RESERVED = 0xE0,
};

enum { WILL_QOS_SHIFT = 2 };

static struct mqttsn2_connect connect_of_flags(uint8_t flags)
{
    return (struct mqttsn2_connect){
        .clean_start = flags & CLEAN_START,
        .has_will = flags & WILL,
        .has_authentication = flags & AUTHENTICATION,
        .has_session_expiry = flags & SESSION_EXPIRY,
        .has_awake_messages = flags & AWAKE_MESSAGES,
        .allows_address_change = flags & ADDRESS_CHANGE,
        .allows_suggestions = flags & SUGGESTIONS,
    };
}

static enum mqtt_reason will_read(struct mqttsn2_will *out, uint8_t flags, struct reader *in)
{
    struct mqttsn2_will will = {
        .qos = (flags & WILL_QOS) >> WILL_QOS_SHIFT,
        .retain = flags & WILL_RETAIN,
    };
    enum mqtt_reason reason = mqttsn2_topic_read(&will.topic, flags, in);

    if (reason != MQTT_SUCCESS)
        return reason;
    will.payload = mqtt_binary_read(in);
    if (in->failed || flags & WILL_RESERVED || will.qos > 2)
        return MQTT_MALFORMED;
    *out = will;
    return MQTT_SUCCESS;
}

/* Whether the numbers that every CONNECT has are such as the draft lets a client say. */
static bool numbers_valid(const struct mqttsn2_connect *connect)
{
    if (connect->packet_size_max > 0 && connect->packet_size_max < MQTTSN2_CONNECT_SIZE_MIN)
        return false; /* [MQTTSN2-3.1.7-1] */
    return connect->packet_id > 0 && connect->keepalive_s > 0;
}

enum mqtt_reason mqttsn2_connect_decode(struct mqttsn2_connect *out, struct bytes body)
{
    struct reader in = { .rest = body };
    uint8_t flags = reader_u8(&in);
    uint8_t will_flags = flags & WILL ? reader_u8(&in) : 0;
    struct mqttsn2_connect connect = connect_of_flags(flags);
    uint8_t version;

    connect.packet_id = reader_u16(&in);
    version = reader_u8(&in);
    if (in.failed)
        return MQTT_MALFORMED;
    /* First of all: what other versions have reserved, and where, is not known. */
    if (version != MQTTSN2_PROTOCOL_VERSION)
        return MQTT_UNSUPPORTED_VERSION;
    connect.keepalive_s = reader_u16(&in);
    connect.packet_size_max = reader_u16(&in);
    connect.awake_messages_max = connect.has_awake_messages ? reader_u8(&in) : 0;
    connect.session_expiry_s = connect.has_session_expiry ? reader_u32(&in) : 0;
    if (in.failed || flags & RESERVED)
        return MQTT_MALFORMED;
    if (connect.has_will) {
        enum mqtt_reason reason = will_read(&connect.will, will_flags, &in);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    if (connect.has_authentication)
        connect.authentication = mqttsn2_authentication_read(&in);
    connect.client_id = in.rest;
    if (in.failed || !mqtt_utf8_valid(connect.client_id))
        return MQTT_MALFORMED;
    if (!numbers_valid(&connect))
        return MQTT_PROTOCOL_ERROR;
    *out = connect;
    return MQTT_SUCCESS;
}

static uint8_t flags_of(const struct mqttsn2_connect *connect)
{
    return (uint8_t)((connect->clean_start ? CLEAN_START : 0) | (connect->has_will ? WILL : 0) |
            (connect->has_authentication ? AUTHENTICATION : 0) |
            (connect->has_session_expiry ? SESSION_EXPIRY : 0) |
            (connect->has_awake_messages ? AWAKE_MESSAGES : 0) |
            (connect->allows_address_change ? ADDRESS_CHANGE : 0) |
            (connect->allows_suggestions ? SUGGESTIONS : 0));
}

static uint8_t flags_of_will(const struct mqttsn2_will *will)
{
    return (uint8_t)(will->topic.type | will->qos << WILL_QOS_SHIFT |
            (will->retain ? WILL_RETAIN : 0));
}

static size_t body_size(const struct mqttsn2_connect *connect)
{
    const struct mqttsn2_will *will = &connect->will;
    size_t size = 1 + 2 + 1 + 2 + 2 + connect->client_id.size;

    size += connect->has_awake_messages ? 1 : 0;
    size += connect->has_session_expiry ? 4 : 0;
    size += connect->has_will ? 1 + mqttsn2_topic_size(&will->topic) + 2 + will->payload.size : 0;
    if (connect->has_authentication)
        size += mqttsn2_authentication_size(&connect->authentication);
    return size;
}

void mqttsn2_connect_encode(struct writer *out, const struct mqttsn2_connect *connect)
{
    mqttsn2_header_encode(out, MQTTSN2_CONNECT, body_size(connect));
    writer_u8(out, flags_of(connect));
    if (connect->has_will)
        writer_u8(out, flags_of_will(&connect->will));
    writer_u16(out, connect->packet_id);
    writer_u8(out, MQTTSN2_PROTOCOL_VERSION);
    writer_u16(out, connect->keepalive_s);
    writer_u16(out, connect->packet_size_max);
    if (connect->has_awake_messages)
        writer_u8(out, connect->awake_messages_max);
    if (connect->has_session_expiry)
        writer_u32(out, connect->session_expiry_s);
    if (connect->has_will) {
        mqttsn2_topic_write(out, &connect->will.topic);
        mqtt_binary_write(out, connect->will.payload);
    }
    if (connect->has_authentication)
        mqttsn2_authentication_write(out, &connect->authentication);
    writer_bytes(out, connect->client_id);
}

bool mqttsn2_connect_likely(struct bytes datagram)
{
    struct mqttsn_front front;

    return mqttsn_front_read(&front, datagram) && front.type == MQTTSN2_CONNECT &&
            front.length >= MQTTSN2_CONNECT_SIZE_MIN;
}
