/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/any_message.h"

#include <assert.h>
#include <stdlib.h>

#include "mqttsn/flags.h"
#include "mqttsn/pingresp.h"
#include "mqttsn/refusal.h"

static enum mqtt_reason body_decode(
        struct any_message *out, const struct mqttsn_message *message, enum mqtt_sender sender)
{
    struct bytes body = message->body;

    switch (message->type) {
    case MQTTSN_ADVERTISE:
        return mqttsn_advertise_decode(&out->as.advertise, body);
    case MQTTSN_SEARCHGW:
        return mqttsn_searchgw_decode(&out->as.searchgw, body);
    case MQTTSN_GWINFO:
        return mqttsn_gwinfo_decode(&out->as.gwinfo, body);
    case MQTTSN_CONNECT:
        return mqttsn_connect_decode(&out->as.connect, body);
    case MQTTSN_CONNACK:
    case MQTTSN_WILLTOPICRESP:
    case MQTTSN_WILLMSGRESP:
        return mqttsn_connack_decode(&out->as.connack, body);
    case MQTTSN_WILLTOPICREQ:
    case MQTTSN_WILLMSGREQ:
    case MQTTSN_PINGRESP:
        return mqttsn_pingresp_decode(body);
    case MQTTSN_WILLTOPIC:
    case MQTTSN_WILLTOPICUPD:
        return mqttsn_willtopic_decode(&out->as.willtopic, body);
    case MQTTSN_WILLMSG:
    case MQTTSN_WILLMSGUPD:
        return mqttsn_willmsg_decode(&out->as.willmsg, body);
    case MQTTSN_REGISTER:
        return mqttsn_register_decode(&out->as.registration, body, sender);
    case MQTTSN_REGACK:
    case MQTTSN_PUBACK:
        return mqttsn_regack_decode(&out->as.regack, body);
    case MQTTSN_PUBLISH:
        return mqttsn_publish_decode(&out->as.publish, body, sender);
    case MQTTSN_PUBREC:
    case MQTTSN_PUBREL:
    case MQTTSN_PUBCOMP:
    case MQTTSN_UNSUBACK:
        return mqttsn_pubrec_decode(&out->as.pubrec, body);
    case MQTTSN_SUBSCRIBE:
    case MQTTSN_UNSUBSCRIBE:
        return mqttsn_subscribe_decode(&out->as.subscribe, body, message->type);
    case MQTTSN_SUBACK:
        return mqttsn_suback_decode(&out->as.suback, body);
    case MQTTSN_PINGREQ:
        return mqttsn_pingreq_decode(&out->as.pingreq, body, sender);
    case MQTTSN_DISCONNECT:
        return mqttsn_disconnect_decode(&out->as.disconnect, body, sender);
    case MQTTSN_ENCAPSULATED:
        break;
    }
    abort(); /* mqttsn_message_read() gives no other type. */
}

enum mqtt_reason any_message_decode(
        struct any_message *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct any_message decoded = *out;
    struct mqttsn_message message = { .type = MQTTSN_ENCAPSULATED };
    enum mqtt_reason reason = mqttsn_encapsulation_decode(&decoded.as.encapsulation, datagram);

    if (reason != MQTT_SUCCESS && mqttsn_message_read(&message, datagram, sender))
        reason = body_decode(&decoded, &message, sender);
    /* The decoder itself must have left its part alone. */
    assert(reason == MQTT_SUCCESS || memcmp(&decoded.as, &out->as, sizeof(out->as)) == 0);
    if (reason != MQTT_SUCCESS)
        return reason;
    decoded.type = message.type;
    *out = decoded;
    return MQTT_SUCCESS;
}

void any_message_encode(struct writer *out, const struct any_message *message)
{
    switch (message->type) {
    case MQTTSN_ADVERTISE:
        mqttsn_advertise_encode(out, &message->as.advertise);
        break;
    case MQTTSN_SEARCHGW:
        mqttsn_searchgw_encode(out, &message->as.searchgw);
        break;
    case MQTTSN_GWINFO:
        mqttsn_gwinfo_encode(out, &message->as.gwinfo);
        break;
    case MQTTSN_CONNECT:
        mqttsn_connect_encode(out, &message->as.connect);
        break;
    case MQTTSN_CONNACK:
    case MQTTSN_WILLTOPICRESP:
    case MQTTSN_WILLMSGRESP:
        mqttsn_connack_encode(out, message->type, message->as.connack.code);
        break;
    case MQTTSN_WILLTOPICREQ:
    case MQTTSN_WILLMSGREQ:
    case MQTTSN_PINGRESP:
        mqttsn_pingresp_encode(out, message->type);
        break;
    case MQTTSN_WILLTOPIC:
    case MQTTSN_WILLTOPICUPD:
        mqttsn_willtopic_encode(out, &message->as.willtopic, message->type);
        break;
    case MQTTSN_WILLMSG:
    case MQTTSN_WILLMSGUPD:
        mqttsn_willmsg_encode(out, &message->as.willmsg, message->type);
        break;
    case MQTTSN_REGISTER:
        mqttsn_register_encode(out, &message->as.registration);
        break;
    case MQTTSN_REGACK:
    case MQTTSN_PUBACK:
        mqttsn_regack_encode(out, &message->as.regack, message->type);
        break;
    case MQTTSN_PUBLISH:
        mqttsn_publish_encode(out, &message->as.publish);
        break;
    case MQTTSN_PUBREC:
    case MQTTSN_PUBREL:
    case MQTTSN_PUBCOMP:
    case MQTTSN_UNSUBACK:
        mqttsn_pubrec_encode(out, message->type, message->as.pubrec.msg_id);
        break;
    case MQTTSN_SUBSCRIBE:
    case MQTTSN_UNSUBSCRIBE:
        mqttsn_subscribe_encode(out, &message->as.subscribe, message->type);
        break;
    case MQTTSN_SUBACK:
        mqttsn_suback_encode(out, &message->as.suback);
        break;
    case MQTTSN_PINGREQ:
        mqttsn_pingreq_encode(out, &message->as.pingreq);
        break;
    case MQTTSN_DISCONNECT:
        mqttsn_disconnect_encode(out, &message->as.disconnect);
        break;
    case MQTTSN_ENCAPSULATED:
        mqttsn_encapsulation_head_encode(out, &message->as.encapsulation);
        writer_bytes(out, message->as.encapsulation.inner);
        break;
    }
}

/* Which bits of the body's first octet mean something. */
static uint8_t meaning_of_first(enum mqttsn_type type)
{
    static const uint8_t bits[MQTTSN_WILLMSGRESP + 1] = {
        [MQTTSN_CONNECT] = MQTTSN_FLAG_WILL | MQTTSN_FLAG_CLEAN_SESSION,
        [MQTTSN_WILLTOPIC] = MQTTSN_FLAG_QOS | MQTTSN_FLAG_RETAIN,
        [MQTTSN_WILLTOPICUPD] = MQTTSN_FLAG_QOS | MQTTSN_FLAG_RETAIN,
        [MQTTSN_PUBLISH] =
                MQTTSN_FLAG_DUP | MQTTSN_FLAG_QOS | MQTTSN_FLAG_RETAIN | MQTTSN_FLAG_TOPIC_ID_TYPE,
        [MQTTSN_SUBSCRIBE] = MQTTSN_FLAG_DUP | MQTTSN_FLAG_QOS | MQTTSN_FLAG_TOPIC_ID_TYPE,
        [MQTTSN_SUBACK] = MQTTSN_FLAG_QOS,
        [MQTTSN_UNSUBSCRIBE] = MQTTSN_FLAG_TOPIC_ID_TYPE,
    };

    if (type == MQTTSN_ENCAPSULATED)
        return MQTTSN_RADIUS_MAX;
    return bits[type] > 0 ? bits[type] : 0xFF;
}

/* The bytes that an accepted datagram is to be encoded to, in a new block of just their size. */
static struct writer expect_again(struct bytes datagram)
{
    struct mqttsn_header header;
    struct writer out = { .size = datagram.size };
    size_t body_at;

    assert(mqttsn_header_read(&header, datagram));
    body_at = mqttsn_message_size(header.length - header.size) - (header.length - header.size);
    assert(body_at <= header.size);
    out.size -= header.size - body_at;
    out.data = malloc(out.size);
    assert(out.data);
    mqttsn_header_encode(&out, header.type, header.length - header.size);
    writer_bytes(&out, bytes_from(datagram, header.size));
    assert(!out.failed && out.used == out.size);
    if (out.size == body_at)
        return out;
    out.data[body_at] &= meaning_of_first(header.type);
    /* The MsgId means nothing at QoS 0 and -1. */
    if (header.type == MQTTSN_PUBLISH && mqttsn_flags_qos(out.data[body_at]) <= 0)
        memset(out.data + body_at + 3, 0, 2);
    return out;
}

static void check_answer(struct bytes datagram, enum mqtt_sender sender, enum mqtt_reason reason)
{
    uint8_t buffer[MQTTSN_REFUSAL_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct mqttsn_message message;
    struct any_message answer = { .type = MQTTSN_ENCAPSULATED };
    bool answers;

    if (!mqttsn_message_read(&message, datagram, sender))
        return;
    answers = mqttsn_refuse(&out, &message, reason);
    assert(!out.failed);
    assert(answers == (out.used > 0));
    assert(reason != MQTT_MALFORMED || !answers);
    if (answers)
        assert(any_message_decode(&answer, writer_written(&out),
                       sender == MQTT_FROM_CLIENT ? MQTT_FROM_SERVER : MQTT_FROM_CLIENT) ==
                MQTT_SUCCESS);
}

void any_message_check(struct bytes datagram, enum mqtt_sender sender)
{
    struct any_message untouched;
    struct any_message message;
    struct writer expected;
    struct writer again;
    enum mqtt_reason reason;

    memset(&untouched, 0xA5, sizeof(untouched));
    message = untouched;
    reason = any_message_decode(&message, datagram, sender);
    if (reason != MQTT_SUCCESS) {
        assert(memcmp(&message, &untouched, sizeof(message)) == 0);
        check_answer(datagram, sender, reason);
        return;
    }
    expected = expect_again(datagram);
    again = (struct writer){ .data = malloc(expected.size), .size = expected.size };
    assert(again.data);
    any_message_encode(&again, &message);
    assert(!again.failed);
    assert(bytes_equal(writer_written(&again), writer_written(&expected)));
    assert(any_message_decode(&message, writer_written(&expected), sender) == MQTT_SUCCESS);
    free(expected.data);
    free(again.data);
    check_answer(datagram, sender, MQTT_QUOTA_EXCEEDED);
}
