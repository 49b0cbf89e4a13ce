/* SPDX-License-Identifier: Apache-2.0 */
#include "mqtt/connect.h"

#include "mqtt/connack.h"
#include "mqtt/field.h"
#include "mqtt/topic.h"

static struct bytes protocol_name(enum mqtt_version version)
{
    return version == MQTT_3_1 ? BYTES("MQIsdp") : BYTES("MQTT");
}

static bool version_served(struct bytes name, uint8_t level)
{
    return level >= MQTT_3_1 && level <= MQTT_5_0 &&
            bytes_equal(name, protocol_name((enum mqtt_version)level));
}

static bool flags_valid(uint8_t flags, enum mqtt_version version)
{
    /* [MQTT5-3.1.2-3], [MQTT311-3.1.2-3]; 3.1 does not use the bit. [V31-6] */
    if (flags & MQTT_CONNECT_RESERVED && version != MQTT_3_1)
        return false;
    /* [MQTT5-3.1.2-11], [MQTT5-3.1.2-13], [MQTT311-3.1.2-13], [MQTT311-3.1.2-15] */
    if (!(flags & MQTT_CONNECT_WILL) && flags & (MQTT_CONNECT_WILL_QOS | MQTT_CONNECT_WILL_RETAIN))
        return false;
    /* [MQTT5-3.1.2-12], [MQTT311-3.1.2-14] */
    if ((flags & MQTT_CONNECT_WILL_QOS) == MQTT_CONNECT_WILL_QOS)
        return false;
    /* [MQTT311-3.1.2-22], [V31-9]; 5.0 allows a password alone. [MQTT5-3.1.2-19] */
    return version == MQTT_5_0 || !(flags & MQTT_CONNECT_PASSWORD) ||
            flags & MQTT_CONNECT_USER_NAME;
}

static enum mqtt_reason will_read(
        struct mqtt_will *out, struct reader *in, uint8_t flags, enum mqtt_version version)
{
    struct mqtt_will will = {
        .qos = (flags & MQTT_CONNECT_WILL_QOS) >> MQTT_WILL_QOS_SHIFT,
        .retain = flags & MQTT_CONNECT_WILL_RETAIN,
    };

    if (version == MQTT_5_0) {
        enum mqtt_reason reason = mqtt_properties_read(&will.properties, in, MQTT_WILL);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    will.topic = mqtt_text_read(in);
    will.payload = mqtt_binary_read(in);
    if (in->failed)
        return MQTT_MALFORMED;
    if (!mqtt_topic_name_valid(will.topic))
        return MQTT_TOPIC_NAME_INVALID;
    *out = will;
    return MQTT_SUCCESS;
}

static void credentials_read(struct mqtt_connect *connect, struct reader *in, uint8_t flags)
{
    /* Old clients of 3.1 announce what they do not send. [V31-8] */
    bool may_lack = connect->version == MQTT_3_1;

    connect->has_user_name = flags & MQTT_CONNECT_USER_NAME && !(may_lack && in->rest.size == 0);
    if (connect->has_user_name)
        connect->user_name = mqtt_text_read(in);
    connect->has_password = flags & MQTT_CONNECT_PASSWORD && !(may_lack && in->rest.size == 0);
    if (connect->has_password)
        connect->password = mqtt_binary_read(in);
}

/* Reads the payload, whose fields come in one order only. [MQTT5-3.1.3-1], [MQTT311-3.1.3-1] */
static enum mqtt_reason payload_read(struct mqtt_connect *connect, struct reader *in, uint8_t flags)
{
    connect->client_id = mqtt_text_read(in);
    connect->has_will = flags & MQTT_CONNECT_WILL;
    if (connect->has_will) {
        enum mqtt_reason reason = will_read(&connect->will, in, flags, connect->version);

        if (reason != MQTT_SUCCESS)
            return reason;
    }
    credentials_read(connect, in, flags);
    if (in->failed || in->rest.size > 0)
        return MQTT_MALFORMED;
    if (connect->client_id.size > 0 || connect->version == MQTT_5_0)
        return MQTT_SUCCESS;
    /* [MQTT311-3.1.3-8], [V31-4] */
    return connect->version == MQTT_3_1_1 && connect->clean_start ? MQTT_SUCCESS
                                                                  : MQTT_CLIENT_ID_NOT_VALID;
}

enum mqtt_reason mqtt_connect_decode(struct mqtt_connect *out, uint8_t flags, struct bytes body)
{
    struct reader in = { .rest = body };
    struct bytes name = mqtt_binary_read(&in);
    uint8_t level = reader_u8(&in);
    struct mqtt_connect connect = { .version = (enum mqtt_version)level };
    enum mqtt_reason reason = MQTT_SUCCESS;
    uint8_t connect_flags;

    if (in.failed)
        return MQTT_MALFORMED;
    if (!version_served(name, level))
        return MQTT_UNSUPPORTED_VERSION;
    /* [MQTT5-2.1.3-1], [MQTT311-2.2.2-2], [V31-7] */
    if (flags != 0 && connect.version != MQTT_3_1)
        return MQTT_MALFORMED;
    connect_flags = reader_u8(&in);
    connect.keepalive_s = reader_u16(&in);
    if (in.failed || !flags_valid(connect_flags, connect.version))
        return MQTT_MALFORMED;
    connect.clean_start = connect_flags & MQTT_CONNECT_CLEAN_START;
    if (connect.version == MQTT_5_0)
        reason = mqtt_properties_read(&connect.properties, &in, MQTT_CONNECT);
    if (reason == MQTT_SUCCESS && !mqtt_properties_authentication_valid(&connect.properties))
        reason = MQTT_PROTOCOL_ERROR;
    if (reason == MQTT_SUCCESS)
        reason = payload_read(&connect, &in, connect_flags);
    if (reason == MQTT_SUCCESS)
        *out = connect;
    return reason;
}

bool mqtt_connect_refuse(struct writer *out, struct bytes body, enum mqtt_reason reason)
{
    const struct mqtt_connack refusal = { .reason = reason };
    struct reader in = { .rest = body };
    struct bytes name = mqtt_binary_read(&in);
    uint8_t level = reader_u8(&in);
    bool is_mqtt = bytes_equal(name, protocol_name(MQTT_3_1_1));

    if (in.failed || (!is_mqtt && !bytes_equal(name, protocol_name(MQTT_3_1))))
        return false;
    /* Bridges of Mosquitto mark their level with bit 7, and try without it when told code 1. */
    if (is_mqtt && (level & 0x7F) >= MQTT_5_0) {
        mqtt_connack_encode(out, &refusal, MQTT_5_0);
        return true;
    }
    if (mqtt_connack_code_v3(reason) == 0)
        return false;
    mqtt_connack_encode(out, &refusal, MQTT_3_1_1);
    return true;
}

static uint8_t flags_of(const struct mqtt_connect *connect)
{
    uint8_t flags = connect->clean_start ? MQTT_CONNECT_CLEAN_START : 0;

    if (connect->has_will)
        flags |= (uint8_t)(MQTT_CONNECT_WILL | connect->will.qos << MQTT_WILL_QOS_SHIFT |
                (connect->will.retain ? MQTT_CONNECT_WILL_RETAIN : 0));
    if (connect->has_user_name)
        flags |= MQTT_CONNECT_USER_NAME;
    if (connect->has_password)
        flags |= MQTT_CONNECT_PASSWORD;
    return flags;
}

static size_t body_size(const struct mqtt_connect *connect)
{
    bool v5 = connect->version == MQTT_5_0;
    size_t size = 2 + protocol_name(connect->version).size + 4;

    size += v5 ? mqtt_properties_size(&connect->properties) : 0;
    size += 2 + connect->client_id.size;
    if (connect->has_will) {
        size += v5 ? mqtt_properties_size(&connect->will.properties) : 0;
        size += 2 + connect->will.topic.size + 2 + connect->will.payload.size;
    }
    size += connect->has_user_name ? 2 + connect->user_name.size : 0;
    size += connect->has_password ? 2 + connect->password.size : 0;
    return size;
}

void mqtt_connect_encode(struct writer *out, const struct mqtt_connect *connect)
{
    bool v5 = connect->version == MQTT_5_0;

    mqtt_header_encode(out, MQTT_CONNECT, 0, body_size(connect));
    mqtt_binary_write(out, protocol_name(connect->version));
    writer_u8(out, (uint8_t)connect->version);
    writer_u8(out, flags_of(connect));
    writer_u16(out, connect->keepalive_s);
    if (v5)
        mqtt_properties_write(out, &connect->properties);
    mqtt_binary_write(out, connect->client_id);
    if (connect->has_will) {
        if (v5)
            mqtt_properties_write(out, &connect->will.properties);
        mqtt_binary_write(out, connect->will.topic);
        mqtt_binary_write(out, connect->will.payload);
    }
    if (connect->has_user_name)
        mqtt_binary_write(out, connect->user_name);
    if (connect->has_password)
        mqtt_binary_write(out, connect->password);
}
