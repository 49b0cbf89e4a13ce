/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_sn.h"

#include "cli/decode_field.h"
#include "cli/decode_packet.h"

#include "mqttsn/advertise.h"
#include "mqttsn/connack.h"
#include "mqttsn/connect.h"
#include "mqttsn/disconnect.h"
#include "mqttsn/encapsulation.h"
#include "mqttsn/gwinfo.h"
#include "mqttsn/pingreq.h"
#include "mqttsn/pingresp.h"
#include "mqttsn/publish.h"
#include "mqttsn/pubrec.h"
#include "mqttsn/regack.h"
#include "mqttsn/register.h"
#include "mqttsn/searchgw.h"
#include "mqttsn/suback.h"
#include "mqttsn/subscribe.h"
#include "mqttsn/willmsg.h"
#include "mqttsn/willtopic.h"

/* A message whose header is taken off. */
struct told {
    FILE *out;
    enum mqttsn_type type;
    enum mqtt_sender sender;
    struct bytes body;
};

static void tell_code(const struct told *told, enum mqttsn_return_code code)
{
    fprintf(told->out, "  %-22s %d %s\n", "return code", (int)code, mqttsn_return_code_name(code));
}

static void tell_topic(const struct told *told, const struct mqttsn_topic *topic)
{
    static const char *const types[] = { "topic id", "predefined topic id", "short topic" };

    if (topic->name.size > 0)
        decode_field_bytes(told->out,
                topic->type == MQTTSN_TOPIC_NORMAL ? "topic" : types[topic->type], topic->name);
    else
        decode_field_number(told->out, types[topic->type], topic->id);
}

/* ---- One function for each shape; false: the body is not of that shape ---- */

static bool tell_advertise(const struct told *told)
{
    struct mqttsn_advertise message;

    if (mqttsn_advertise_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "gateway", message.gateway_id);
    decode_field_number(told->out, "seconds to the next", message.duration_s);
    return true;
}

static bool tell_searchgw(const struct told *told)
{
    struct mqttsn_searchgw message;

    if (mqttsn_searchgw_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "radius", message.radius);
    return true;
}

static bool tell_gwinfo(const struct told *told)
{
    struct mqttsn_gwinfo message;

    if (mqttsn_gwinfo_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "gateway", message.gateway_id);
    decode_field_bytes(told->out, "address", message.gateway_address);
    return true;
}

static bool tell_connect(const struct told *told)
{
    struct mqttsn_connect message;

    if (mqttsn_connect_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_flag(told->out, "clean session", message.clean_session);
    decode_field_flag(told->out, "will", message.has_will);
    decode_field_number(told->out, "keep alive, seconds", message.keepalive_s);
    decode_field_bytes(told->out, "client identifier", message.client_id);
    return true;
}

static bool tell_connack(const struct told *told)
{
    struct mqttsn_connack message;

    if (mqttsn_connack_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    tell_code(told, message.code);
    return true;
}

static bool tell_willtopic(const struct told *told)
{
    struct mqttsn_willtopic message;

    if (mqttsn_willtopic_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_bytes(told->out, "will topic", message.topic);
    decode_field_number(told->out, "will QoS", message.qos);
    decode_field_flag(told->out, "will retain", message.retain);
    return true;
}

static bool tell_willmsg(const struct told *told)
{
    struct mqttsn_willmsg message;

    if (mqttsn_willmsg_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_bytes(told->out, "will payload", message.message);
    return true;
}

static bool tell_register(const struct told *told)
{
    struct mqttsn_register message;

    if (mqttsn_register_decode(&message, told->body, told->sender) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "topic id", message.topic_id);
    decode_field_number(told->out, "message id", message.msg_id);
    decode_field_bytes(told->out, "topic", message.topic_name);
    return true;
}

static bool tell_regack(const struct told *told)
{
    struct mqttsn_regack message;

    if (mqttsn_regack_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "topic id", message.topic_id);
    decode_field_number(told->out, "message id", message.msg_id);
    tell_code(told, message.code);
    return true;
}

static bool tell_publish(const struct told *told)
{
    struct mqttsn_publish message;

    if (mqttsn_publish_decode(&message, told->body, told->sender) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "QoS", message.qos);
    decode_field_flag(told->out, "retain", message.retain);
    decode_field_flag(told->out, "duplicate", message.dup);
    tell_topic(told, &message.topic);
    decode_field_number(told->out, "message id", message.msg_id);
    decode_field_bytes(told->out, "payload", message.data);
    return true;
}

static bool tell_pubrec(const struct told *told)
{
    struct mqttsn_pubrec message;

    if (mqttsn_pubrec_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "message id", message.msg_id);
    return true;
}

static bool tell_subscribe(const struct told *told)
{
    struct mqttsn_subscribe message;

    if (mqttsn_subscribe_decode(&message, told->body, told->type) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "message id", message.msg_id);
    tell_topic(told, &message.topic);
    if (told->type == MQTTSN_SUBSCRIBE)
        decode_field_number(told->out, "QoS", message.qos);
    return true;
}

static bool tell_suback(const struct told *told)
{
    struct mqttsn_suback message;

    if (mqttsn_suback_decode(&message, told->body) != MQTT_SUCCESS)
        return false;
    decode_field_number(told->out, "QoS", message.qos);
    decode_field_number(told->out, "topic id", message.topic_id);
    decode_field_number(told->out, "message id", message.msg_id);
    tell_code(told, message.code);
    return true;
}

static bool tell_pingreq(const struct told *told)
{
    struct mqttsn_pingreq message;

    if (mqttsn_pingreq_decode(&message, told->body, told->sender) != MQTT_SUCCESS)
        return false;
    if (message.client_id.size > 0)
        decode_field_bytes(told->out, "client identifier", message.client_id);
    return true;
}

static bool tell_nothing(const struct told *told)
{
    return mqttsn_pingresp_decode(told->body) == MQTT_SUCCESS;
}

static bool tell_disconnect(const struct told *told)
{
    struct mqttsn_disconnect message;

    if (mqttsn_disconnect_decode(&message, told->body, told->sender) != MQTT_SUCCESS)
        return false;
    if (message.has_duration)
        decode_field_number(told->out, "seconds of sleep", message.duration_s);
    return true;
}

/* ---- The table ---- */

/* Which function tells a type, and the statement that says what it looks like. */
static const struct row {
    bool (*tell)(const struct told *told);
    const char *id;
} rows[] = {
    [MQTTSN_ADVERTISE] = { tell_advertise, "SN-5.4.1-1" },
    [MQTTSN_SEARCHGW] = { tell_searchgw, "SN-5.4.2-1" },
    [MQTTSN_GWINFO] = { tell_gwinfo, "SN-5.4.3-1" },
    [MQTTSN_CONNECT] = { tell_connect, "SN-5.4.4-1" },
    [MQTTSN_CONNACK] = { tell_connack, "SN-5.4.5-1" },
    [MQTTSN_WILLTOPICREQ] = { tell_nothing, "SN-5.4.6-1" },
    [MQTTSN_WILLTOPIC] = { tell_willtopic, "SN-5.4.7-1" },
    [MQTTSN_WILLMSGREQ] = { tell_nothing, "SN-5.4.8-1" },
    [MQTTSN_WILLMSG] = { tell_willmsg, "SN-5.4.9-1" },
    [MQTTSN_REGISTER] = { tell_register, "SN-5.4.10-1" },
    [MQTTSN_REGACK] = { tell_regack, "SN-5.4.11-1" },
    [MQTTSN_PUBLISH] = { tell_publish, "SN-5.4.12-1" },
    [MQTTSN_PUBACK] = { tell_regack, "SN-5.4.13-1" },
    [MQTTSN_PUBCOMP] = { tell_pubrec, "SN-5.4.14-1" },
    [MQTTSN_PUBREC] = { tell_pubrec, "SN-5.4.14-1" },
    [MQTTSN_PUBREL] = { tell_pubrec, "SN-5.4.14-1" },
    [MQTTSN_SUBSCRIBE] = { tell_subscribe, "SN-5.4.15-1" },
    [MQTTSN_SUBACK] = { tell_suback, "SN-5.4.16-1" },
    [MQTTSN_UNSUBSCRIBE] = { tell_subscribe, "SN-5.4.17-1" },
    [MQTTSN_UNSUBACK] = { tell_pubrec, "SN-5.4.18-1" },
    [MQTTSN_PINGREQ] = { tell_pingreq, "SN-5.4.19-1" },
    [MQTTSN_PINGRESP] = { tell_nothing, "SN-5.4.20-1" },
    [MQTTSN_DISCONNECT] = { tell_disconnect, "SN-5.4.21-1" },
    [MQTTSN_WILLTOPICUPD] = { tell_willtopic, "SN-5.4.22-1" },
    [MQTTSN_WILLTOPICRESP] = { tell_connack, "SN-5.4.24-1" },
    [MQTTSN_WILLMSGUPD] = { tell_willmsg, "SN-5.4.23-1" },
    [MQTTSN_WILLMSGRESP] = { tell_connack, "SN-5.4.25-1" },
};

static bool fault(FILE *out, const char *words, const char *id)
{
    fprintf(out, "  ! %s [%s]\n", words, id);
    return false;
}

/* Of a datagram that is no message: what is wrong with its header. */
static bool tell_broken_header(FILE *out, struct bytes datagram)
{
    struct mqttsn_header header;

    fprintf(out, "a datagram of %zu bytes\n", datagram.size);
    if (mqttsn_header_read(&header, datagram) && header.length == datagram.size)
        return fault(out, "this side does not send messages of that type", "SN-5.2.2-2");
    if (mqttsn_header_read(&header, datagram))
        return fault(out, "the length is not that of the datagram", "SN-5.2.1-5");
    return fault(out, "the length or the type is none", "SN-5.2.2-1");
}

static bool tell_message(FILE *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct told told = { .out = out, .sender = sender };
    struct mqttsn_message message;

    if (!mqttsn_message_read(&message, datagram, sender))
        return tell_broken_header(out, datagram);
    told.type = message.type;
    told.body = message.body;
    fprintf(out, "%s from %s, %zu bytes\n", mqttsn_type_name(message.type),
            sender == MQTT_FROM_CLIENT ? "client" : "gateway", datagram.size);
    return rows[message.type].tell(&told) ||
            fault(out, "the message's body is not what its type has", rows[message.type].id);
}

bool decode_sn(FILE *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct mqttsn_encapsulation frame;

    if (mqttsn_encapsulation_decode(&frame, datagram) != MQTT_SUCCESS)
        return tell_message(out, datagram, sender);
    fprintf(out, "a forwarder's frame, %zu bytes, radius %u, node ", datagram.size, frame.radius);
    decode_print_bytes(out, frame.node_id);
    fputc('\n', out);
    return tell_message(out, frame.inner, sender);
}

bool decode_sn_sender_known(struct bytes datagram, enum mqtt_sender *sender)
{
    struct mqttsn_encapsulation frame;
    struct mqttsn_message ignored;
    bool client;
    bool gateway;

    if (mqttsn_encapsulation_decode(&frame, datagram) == MQTT_SUCCESS)
        datagram = frame.inner;
    client = mqttsn_message_read(&ignored, datagram, MQTT_FROM_CLIENT);
    gateway = mqttsn_message_read(&ignored, datagram, MQTT_FROM_SERVER);
    if (client != gateway)
        *sender = client ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
    return client != gateway;
}
