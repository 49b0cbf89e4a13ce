/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_sn2.h"

#include "cli/decode_field.h"
#include "cli/decode_packet.h"

#include "mqttsn2/auth.h"
#include "mqttsn2/connack.h"
#include "mqttsn2/connect.h"
#include "mqttsn2/disconnect.h"
#include "mqttsn2/discovery.h"
#include "mqttsn2/envelope.h"
#include "mqttsn2/ping.h"
#include "mqttsn2/puback.h"
#include "mqttsn2/publish.h"
#include "mqttsn2/regack.h"
#include "mqttsn2/register.h"
#include "mqttsn2/sleep.h"
#include "mqttsn2/subscribe.h"

/* A packet whose header is taken off. */
struct told {
    FILE *out;
    enum mqttsn2_type type;
    enum mqtt_sender sender;
    struct bytes body;
    struct bytes inner; /* of an envelope: the packet within; else empty */
};

static void tell_id(const struct told *told, uint16_t packet_id)
{
    decode_field_number(told->out, "packet identifier", packet_id);
}

static void tell_code(const struct told *told, uint8_t code)
{
    fprintf(told->out, "  %-22s 0x%02x %s\n", "reason", code, mqttsn2_reason_name(code));
}

static void tell_alias(const struct told *told, enum mqttsn2_topic_type type, uint16_t alias)
{
    decode_field_number(told->out,
            type == MQTTSN2_TOPIC_PREDEFINED ? "predefined alias" : "topic alias", alias);
}

static void tell_topic(const struct told *told, const char *name, const struct mqttsn2_topic *topic)
{
    if (topic->type == MQTTSN2_TOPIC_NAME)
        decode_field_bytes(told->out, name, topic->name);
    else
        tell_alias(told, topic->type, topic->alias);
}

/* Of what may be a secret only the size is told. */
static void tell_authentication(
        const struct told *told, const struct mqttsn2_authentication *authentication)
{
    struct mqttsn2_basic basic;

    decode_field_bytes(told->out, "method", authentication->method);
    if (bytes_equal(authentication->method, MQTTSN2_METHOD_BASIC) &&
            mqttsn2_basic_decode(&basic, authentication->data)) {
        decode_field_bytes(told->out, "user name", basic.user_name);
        decode_field_number(told->out, "password, bytes", (int64_t)basic.password.size);
        return;
    }
    decode_field_number(told->out, "data, bytes", (int64_t)authentication->data.size);
}

/* ---- One function for each shape; what it gives is the decoder's ---- */

static void tell_connect_options(const struct told *told, const struct mqttsn2_connect *packet)
{
    decode_field_number(told->out, "largest packet", packet->packet_size_max);
    decode_field_flag(told->out, "address may change", packet->allows_address_change);
    decode_field_flag(told->out, "server may suggest", packet->allows_suggestions);
    if (packet->has_awake_messages)
        decode_field_number(told->out, "messages when awake", packet->awake_messages_max);
    if (packet->has_session_expiry)
        decode_field_number(told->out, "session expiry", packet->session_expiry_s);
}

static enum mqtt_reason tell_connect(struct told *told)
{
    struct mqttsn2_connect packet;
    enum mqtt_reason reason = mqttsn2_connect_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    decode_field_flag(told->out, "clean start", packet.clean_start);
    decode_field_number(told->out, "keep alive, seconds", packet.keepalive_s);
    tell_connect_options(told, &packet);
    if (packet.has_will) {
        tell_topic(told, "will topic", &packet.will.topic);
        decode_field_number(told->out, "will QoS", packet.will.qos);
        decode_field_flag(told->out, "will retain", packet.will.retain);
        decode_field_bytes(told->out, "will payload", packet.will.payload);
    }
    if (packet.has_authentication)
        tell_authentication(told, &packet.authentication);
    decode_field_bytes(told->out, "client identifier", packet.client_id);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_connack(struct told *told)
{
    struct mqttsn2_connack packet;
    enum mqtt_reason reason = mqttsn2_connack_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    decode_field_flag(told->out, "session present", packet.session_present);
    tell_code(told, packet.code);
    if (packet.has_session_expiry)
        decode_field_number(told->out, "session expiry", packet.session_expiry_s);
    if (packet.has_keepalive)
        decode_field_number(told->out, "server keep alive", packet.keepalive_s);
    if (packet.has_authentication)
        tell_authentication(told, &packet.authentication);
    if (packet.client_id.size > 0)
        decode_field_bytes(told->out, "assigned client id", packet.client_id);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_auth(struct told *told)
{
    struct mqttsn2_auth packet;
    enum mqtt_reason reason = mqttsn2_auth_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    tell_code(told, packet.code);
    tell_authentication(told, &packet.authentication);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_register(struct told *told)
{
    struct mqttsn2_register packet;
    enum mqtt_reason reason = mqttsn2_register_decode(&packet, told->body, told->sender);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    if (packet.has_alias)
        tell_alias(told, MQTTSN2_TOPIC_SESSION, packet.alias);
    decode_field_bytes(told->out, "topic", packet.topic_name);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_regack(struct told *told)
{
    struct mqttsn2_regack packet;
    enum mqtt_reason reason = mqttsn2_regack_decode(&packet, told->body, told->sender);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    if (packet.has_alias)
        tell_alias(told, packet.type, packet.alias);
    tell_code(told, packet.code);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_publish(struct told *told)
{
    struct mqttsn2_publish packet;
    enum mqtt_reason reason = mqttsn2_publish_decode(&packet, told->body, told->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (told->type == MQTTSN2_PUBLISH)
        decode_field_number(told->out, "QoS", packet.qos);
    decode_field_flag(told->out, "retain", packet.retain);
    if (packet.qos > 0) {
        decode_field_flag(told->out, "duplicate", packet.dup);
        tell_id(told, packet.packet_id);
    }
    tell_topic(told, "topic", &packet.topic);
    decode_field_bytes(told->out, "payload", packet.payload);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_puback(struct told *told)
{
    struct mqttsn2_puback packet;
    enum mqtt_reason reason = mqttsn2_puback_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    tell_code(told, packet.code);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_subscribe(struct told *told)
{
    struct mqttsn2_subscribe packet;
    enum mqtt_reason reason = mqttsn2_subscribe_decode(&packet, told->body, told->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    tell_topic(told, "filter", &packet.topic);
    if (told->type == MQTTSN2_UNSUBSCRIBE)
        return MQTT_SUCCESS;
    decode_field_number(told->out, "QoS", packet.qos);
    decode_field_flag(told->out, "no local", packet.no_local);
    decode_field_flag(told->out, "retain as published", packet.retain_as_published);
    decode_field_number(told->out, "retain handling", packet.retain_handling);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_ping(struct told *told)
{
    struct mqttsn2_ping packet;
    enum mqtt_reason reason = mqttsn2_ping_decode(&packet, told->body, told->type);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    if (packet.has_remaining)
        decode_field_number(told->out, "messages that wait", packet.remaining);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_disconnect(struct told *told)
{
    struct mqttsn2_disconnect packet;
    enum mqtt_reason reason = mqttsn2_disconnect_decode(&packet, told->body, told->sender);

    if (reason != MQTT_SUCCESS)
        return reason;
    if (packet.has_packet_id)
        tell_id(told, packet.packet_id);
    if (packet.has_session_expiry)
        decode_field_number(told->out, "session expiry", packet.session_expiry_s);
    tell_code(told, packet.code);
    if (packet.reason_string.size > 0)
        decode_field_bytes(told->out, "reason string", packet.reason_string);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_sleepreq(struct told *told)
{
    struct mqttsn2_sleepreq packet;
    enum mqtt_reason reason = mqttsn2_sleepreq_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    decode_field_number(told->out, "seconds of sleep", packet.duration_s);
    decode_field_flag(told->out, "aliases are kept", packet.retain_aliases);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_sleepresp(struct told *told)
{
    struct mqttsn2_sleepresp packet;
    enum mqtt_reason reason = mqttsn2_sleepresp_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    tell_id(told, packet.packet_id);
    if (packet.has_duration)
        decode_field_number(told->out, "seconds of sleep", packet.duration_s);
    tell_code(told, packet.code);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_wakeup(struct told *told)
{
    return mqttsn2_wakeup_decode(told->body);
}

static enum mqtt_reason tell_advertise(struct told *told)
{
    struct mqttsn_advertise packet;
    enum mqtt_reason reason = mqttsn2_advertise_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    decode_field_number(told->out, "gateway", packet.gateway_id);
    decode_field_number(told->out, "seconds to the next", packet.duration_s);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_searchgw(struct told *told)
{
    if (told->body.size > 0)
        decode_field_bytes(told->out, "network information", told->body);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_gwinfo(struct told *told)
{
    struct mqttsn_gwinfo packet;
    enum mqtt_reason reason = mqttsn2_gwinfo_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    decode_field_number(told->out, "gateway", packet.gateway_id);
    decode_field_bytes(told->out, "address", packet.gateway_address);
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_forwarder(struct told *told)
{
    struct mqttsn2_forwarder packet;
    enum mqtt_reason reason = mqttsn2_forwarder_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    decode_field_bytes(told->out, "node", packet.node);
    told->inner = packet.inner;
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_connection(struct told *told)
{
    struct mqttsn2_connection packet;
    enum mqtt_reason reason = mqttsn2_connection_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    decode_field_bytes(told->out, "client identifier", packet.client_id);
    told->inner = packet.inner;
    return MQTT_SUCCESS;
}

static enum mqtt_reason tell_protection(struct told *told)
{
    struct mqttsn2_protection packet;
    enum mqtt_reason reason = mqttsn2_protection_decode(&packet, told->body);

    if (reason != MQTT_SUCCESS)
        return reason;
    decode_field_number(told->out, "scheme", packet.scheme);
    decode_field_number(told->out, "tag length", packet.tag_length);
    decode_field_bytes(told->out, "sender", packet.sender_id);
    decode_field_bytes(told->out, "random", packet.random);
    decode_field_bytes(told->out, "material", packet.material);
    decode_field_bytes(told->out, "counter", packet.counter);
    decode_field_number(told->out, "packet and tag, bytes", (int64_t)packet.sealed.size);
    return MQTT_SUCCESS;
}

/* ---- The table ---- */

/* Which function tells a type, and the section of the draft that says what it looks like. */
static const struct row {
    enum mqttsn2_type type;
    enum mqtt_reason (*tell)(struct told *told);
    const char *section;
} rows[] = {
    { MQTTSN2_CONNECT, tell_connect, "3.1" },
    { MQTTSN2_CONNACK, tell_connack, "3.2" },
    { MQTTSN2_PUBLISH, tell_publish, "3.6.2" },
    { MQTTSN2_PUBACK, tell_puback, "3.6.3" },
    { MQTTSN2_PUBREC, tell_puback, "3.6.4" },
    { MQTTSN2_PUBREL, tell_puback, "3.6.5" },
    { MQTTSN2_PUBCOMP, tell_puback, "3.6.6" },
    { MQTTSN2_SUBSCRIBE, tell_subscribe, "3.7" },
    { MQTTSN2_SUBACK, tell_regack, "3.8" },
    { MQTTSN2_UNSUBSCRIBE, tell_subscribe, "3.9" },
    { MQTTSN2_UNSUBACK, tell_puback, "3.10" },
    { MQTTSN2_PINGREQ, tell_ping, "3.11" },
    { MQTTSN2_PINGRESP, tell_ping, "3.12" },
    { MQTTSN2_DISCONNECT, tell_disconnect, "3.13" },
    { MQTTSN2_AUTH, tell_auth, "3.3" },
    { MQTTSN2_REGISTER, tell_register, "3.4" },
    { MQTTSN2_REGACK, tell_regack, "3.5" },
    { MQTTSN2_PUBWOS, tell_publish, "3.6.1" },
    { MQTTSN2_SLEEPREQ, tell_sleepreq, "3.15" },
    { MQTTSN2_SLEEPRESP, tell_sleepresp, "3.16" },
    { MQTTSN2_WAKEUP, tell_wakeup, "3.14" },
    { MQTTSN2_ADVERTISE, tell_advertise, "3.20.1" },
    { MQTTSN2_SEARCHGW, tell_searchgw, "3.20.2" },
    { MQTTSN2_GWINFO, tell_gwinfo, "3.20.3" },
    { MQTTSN2_FORWARDER, tell_forwarder, "3.19" },
    { MQTTSN2_CONNECTION, tell_connection, "3.18" },
    { MQTTSN2_PROTECTION, tell_protection, "3.17" },
};

static const struct row *row_of(enum mqttsn2_type type)
{
    const struct row *row = rows;

    while (row->type != type)
        row++;
    return row;
}

static bool fault(FILE *out, enum mqtt_reason reason, const char *section)
{
    fprintf(out, "  ! %s [MQTT-SN 2.0 section %s]\n", mqtt_reason_text(reason), section);
    return false;
}

/* Describes one packet; that of an envelope within becomes *inner, which is empty else. */
static bool tell_packet(
        FILE *out, struct bytes datagram, enum mqtt_sender sender, struct bytes *inner)
{
    struct told told = { .out = out, .sender = sender };
    struct mqttsn2_packet packet;
    enum mqtt_reason reason = mqttsn2_packet_read(&packet, datagram, sender);

    *inner = told.inner;
    if (reason != MQTT_SUCCESS) {
        fprintf(out, "a datagram of %zu bytes\n", datagram.size);
        return fault(out, reason, "2.1");
    }
    told.type = packet.type;
    told.body = packet.body;
    fprintf(out, "%s from %s, %zu bytes\n", mqttsn2_type_name(packet.type),
            sender == MQTT_FROM_CLIENT ? "client" : "server", datagram.size);
    reason = row_of(packet.type)->tell(&told);
    *inner = told.inner;
    return reason == MQTT_SUCCESS || fault(out, reason, row_of(packet.type)->section);
}

bool decode_sn2(FILE *out, struct bytes datagram, enum mqtt_sender sender)
{
    /* What is in an envelope is smaller than it. */
    do {
        struct bytes inner;

        if (!tell_packet(out, datagram, sender, &inner))
            return false;
        datagram = inner;
    } while (datagram.size > 0);
    return true;
}

bool decode_sn2_sender_known(struct bytes datagram, enum mqtt_sender *sender)
{
    struct mqttsn2_packet ignored;
    bool client = mqttsn2_packet_read(&ignored, datagram, MQTT_FROM_CLIENT) == MQTT_SUCCESS;
    bool server = mqttsn2_packet_read(&ignored, datagram, MQTT_FROM_SERVER) == MQTT_SUCCESS;

    if (client != server)
        *sender = client ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
    return client != server;
}
