/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/any_packet2.h"

#include <assert.h>
#include <stdlib.h>

#include "mqttsn2/refusal.h"

static enum mqtt_reason body_decode(
        struct any_packet2 *out, const struct mqttsn2_packet *packet, enum mqtt_sender sender)
{
    struct bytes body = packet->body;

    switch (packet->type) {
    case MQTTSN2_CONNECT:
        return mqttsn2_connect_decode(&out->as.connect, body);
    case MQTTSN2_CONNACK:
        return mqttsn2_connack_decode(&out->as.connack, body);
    case MQTTSN2_PUBLISH:
    case MQTTSN2_PUBWOS:
        return mqttsn2_publish_decode(&out->as.publish, body, packet->type);
    case MQTTSN2_PUBACK:
    case MQTTSN2_PUBREC:
    case MQTTSN2_PUBREL:
    case MQTTSN2_PUBCOMP:
    case MQTTSN2_UNSUBACK:
        return mqttsn2_puback_decode(&out->as.puback, body);
    case MQTTSN2_SUBSCRIBE:
    case MQTTSN2_UNSUBSCRIBE:
        return mqttsn2_subscribe_decode(&out->as.subscribe, body, packet->type);
    case MQTTSN2_SUBACK:
    case MQTTSN2_REGACK:
        return mqttsn2_regack_decode(&out->as.regack, body, sender);
    case MQTTSN2_PINGREQ:
    case MQTTSN2_PINGRESP:
        return mqttsn2_ping_decode(&out->as.ping, body, packet->type);
    case MQTTSN2_DISCONNECT:
        return mqttsn2_disconnect_decode(&out->as.disconnect, body, sender);
    case MQTTSN2_AUTH:
        return mqttsn2_auth_decode(&out->as.auth, body);
    case MQTTSN2_REGISTER:
        return mqttsn2_register_decode(&out->as.registration, body, sender);
    case MQTTSN2_SLEEPREQ:
        return mqttsn2_sleepreq_decode(&out->as.sleepreq, body);
    case MQTTSN2_SLEEPRESP:
        return mqttsn2_sleepresp_decode(&out->as.sleepresp, body);
    case MQTTSN2_WAKEUP:
        return mqttsn2_wakeup_decode(body);
    case MQTTSN2_ADVERTISE:
        return mqttsn2_advertise_decode(&out->as.advertise, body);
    case MQTTSN2_SEARCHGW:
        return mqttsn2_searchgw_decode(&out->as.searchgw, body);
    case MQTTSN2_GWINFO:
        return mqttsn2_gwinfo_decode(&out->as.gwinfo, body);
    case MQTTSN2_FORWARDER:
        return mqttsn2_forwarder_decode(&out->as.forwarder, body);
    case MQTTSN2_CONNECTION:
        return mqttsn2_connection_decode(&out->as.connection, body);
    case MQTTSN2_PROTECTION:
        return mqttsn2_protection_decode(&out->as.protection, body);
    }
    abort(); /* mqttsn2_packet_read() gives no other type. */
}

enum mqtt_reason any_packet2_decode(
        struct any_packet2 *out, struct bytes datagram, enum mqtt_sender sender)
{
    struct any_packet2 decoded = *out;
    struct mqttsn2_packet packet;
    enum mqtt_reason reason = mqttsn2_packet_read(&packet, datagram, sender);

    if (reason == MQTT_SUCCESS)
        reason = body_decode(&decoded, &packet, sender);
    /* The decoder itself must have left its part alone. */
    assert(reason == MQTT_SUCCESS || memcmp(&decoded.as, &out->as, sizeof(out->as)) == 0);
    if (reason != MQTT_SUCCESS)
        return reason;
    decoded.type = packet.type;
    decoded.body = packet.body;
    *out = decoded;
    return MQTT_SUCCESS;
}

void any_packet2_encode(struct writer *out, const struct any_packet2 *packet)
{
    switch (packet->type) {
    case MQTTSN2_CONNECT:
        mqttsn2_connect_encode(out, &packet->as.connect);
        break;
    case MQTTSN2_CONNACK:
        mqttsn2_connack_encode(out, &packet->as.connack);
        break;
    case MQTTSN2_PUBLISH:
    case MQTTSN2_PUBWOS:
        mqttsn2_publish_encode(out, &packet->as.publish, packet->type);
        break;
    case MQTTSN2_PUBACK:
    case MQTTSN2_PUBREC:
    case MQTTSN2_PUBREL:
    case MQTTSN2_PUBCOMP:
    case MQTTSN2_UNSUBACK:
        mqttsn2_puback_encode(
                out, packet->type, packet->as.puback.packet_id, packet->as.puback.code);
        break;
    case MQTTSN2_SUBSCRIBE:
    case MQTTSN2_UNSUBSCRIBE:
        mqttsn2_subscribe_encode(out, &packet->as.subscribe, packet->type);
        break;
    case MQTTSN2_SUBACK:
    case MQTTSN2_REGACK:
        mqttsn2_regack_encode(out, &packet->as.regack, packet->type);
        break;
    case MQTTSN2_PINGREQ:
    case MQTTSN2_PINGRESP:
        mqttsn2_ping_encode(out, &packet->as.ping, packet->type);
        break;
    case MQTTSN2_DISCONNECT:
        mqttsn2_disconnect_encode(out, &packet->as.disconnect);
        break;
    case MQTTSN2_AUTH:
        mqttsn2_auth_encode(out, &packet->as.auth);
        break;
    case MQTTSN2_REGISTER:
        mqttsn2_register_encode(out, &packet->as.registration);
        break;
    case MQTTSN2_SLEEPREQ:
        mqttsn2_sleepreq_encode(out, &packet->as.sleepreq);
        break;
    case MQTTSN2_SLEEPRESP:
        mqttsn2_sleepresp_encode(out, &packet->as.sleepresp);
        break;
    case MQTTSN2_WAKEUP:
        mqttsn2_wakeup_encode(out);
        break;
    case MQTTSN2_ADVERTISE:
        mqttsn2_advertise_encode(out, &packet->as.advertise);
        break;
    case MQTTSN2_SEARCHGW:
        mqttsn2_searchgw_encode(out, &packet->as.searchgw);
        break;
    case MQTTSN2_GWINFO:
        mqttsn2_gwinfo_encode(out, &packet->as.gwinfo);
        break;
    case MQTTSN2_FORWARDER:
        mqttsn2_forwarder_head_encode(out, &packet->as.forwarder);
        writer_bytes(out, packet->as.forwarder.inner);
        break;
    case MQTTSN2_CONNECTION:
        mqttsn2_connection_head_encode(out, &packet->as.connection);
        writer_bytes(out, packet->as.connection.inner);
        break;
    case MQTTSN2_PROTECTION:
        mqttsn2_header_encode(out, packet->type, packet->body.size);
        writer_bytes(out, packet->body);
        break;
    }
}

/* Where a code stands in a body that may leave it out as its last byte; 0: in none of that kind. */
static size_t code_place(enum mqttsn2_type type, uint8_t flags)
{
    switch ((int)type) {
    case MQTTSN2_PUBACK:
    case MQTTSN2_PUBREC:
    case MQTTSN2_PUBREL:
    case MQTTSN2_PUBCOMP:
    case MQTTSN2_UNSUBACK:
        return 2;
    case MQTTSN2_REGACK:
    case MQTTSN2_SUBACK:
        return flags & 4 ? 5 : 3;
    case MQTTSN2_SLEEPRESP:
        return flags & 1 ? 7 : 3;
    default:
        return 0;
    }
}

/* Takes out of a DISCONNECT's body the code that need not be said. */
static size_t disconnect_trim(uint8_t *body, size_t size)
{
    size_t at = 1 + (body[0] & 1 ? 2 : 0) + (body[0] & 2 ? 4 : 0);

    if (!(body[0] & 4) || body[at] != MQTT_SUCCESS)
        return size;
    body[0] &= (uint8_t)~4;
    memmove(body + at, body + at + 1, size - at - 1);
    return size - 1;
}

/* Makes the body of an accepted packet the one that it is to be encoded to; there is one byte more
 * room. Returns its new size. */
static size_t body_trim(enum mqttsn2_type type, uint8_t *body, size_t size)
{
    size_t code_at = size > 0 ? code_place(type, body[0]) : 0;

    if (type == MQTTSN2_DISCONNECT)
        return disconnect_trim(body, size);
    if (code_at == 0)
        return size;
    if (type == MQTTSN2_SUBACK) {
        if (!(body[0] & 4))
            body[0] = MQTTSN2_TOPIC_PREDEFINED;
        if (size == code_at)
            body[size++] = MQTT_SUCCESS;
        return size;
    }
    return size == code_at + 1 && body[code_at] == MQTT_SUCCESS ? code_at : size;
}

/* The bytes that an accepted datagram is to be encoded to, in a new block of just their size. */
static struct writer expect_again(const struct any_packet2 *packet)
{
    uint8_t *body = malloc(packet->body.size + 1);
    struct writer out = { .size = 0 };
    size_t size;

    assert(body);
    if (packet->body.size > 0)
        memcpy(body, packet->body.data, packet->body.size);
    size = body_trim(packet->type, body, packet->body.size);
    out.size = mqttsn_message_size(size);
    out.data = malloc(out.size);
    assert(out.data);
    mqttsn2_header_encode(&out, packet->type, size);
    writer_bytes(&out, bytes_of(body, size));
    assert(!out.failed && out.used == out.size);
    free(body);
    return out;
}

static void check_answer(struct bytes datagram, uint8_t code)
{
    uint8_t buffer[MQTTSN2_REFUSAL_SIZE_MAX];
    struct writer out = { .data = buffer, .size = sizeof(buffer) };
    struct any_packet2 answer = { .type = MQTTSN2_WAKEUP };
    struct mqttsn2_packet packet;
    bool answers;

    if (mqttsn2_packet_read(&packet, datagram, MQTT_FROM_CLIENT) != MQTT_SUCCESS)
        return;
    answers = mqttsn2_refuse(&out, &packet, code);
    assert(!out.failed);
    assert(answers == (out.used > 0));
    if (!answers)
        return;
    assert(any_packet2_decode(&answer, writer_written(&out), MQTT_FROM_SERVER) == MQTT_SUCCESS);
    if (answer.type == MQTTSN2_CONNACK)
        code = answer.as.connack.code;
    else
        code = answer.as.disconnect.code;
    assert(code >= MQTT_UNSPECIFIED_ERROR);
    assert(mqttsn2_reason_allowed(code, answer.type, MQTT_FROM_SERVER));
}

void any_packet2_check(struct bytes datagram, enum mqtt_sender sender)
{
    struct any_packet2 untouched;
    struct any_packet2 packet;
    struct writer expected;
    struct writer again;
    enum mqtt_reason reason;

    memset(&untouched, 0xA5, sizeof(untouched));
    packet = untouched;
    reason = any_packet2_decode(&packet, datagram, sender);
    if (reason != MQTT_SUCCESS) {
        assert(memcmp(&packet, &untouched, sizeof(packet)) == 0);
        if (sender == MQTT_FROM_CLIENT)
            check_answer(datagram, (uint8_t)reason);
        return;
    }
    expected = expect_again(&packet);
    again = (struct writer){ .data = malloc(expected.size), .size = expected.size };
    assert(again.data);
    any_packet2_encode(&again, &packet);
    assert(!again.failed);
    assert(bytes_equal(writer_written(&again), writer_written(&expected)));
    assert(any_packet2_decode(&packet, writer_written(&expected), sender) == MQTT_SUCCESS);
    free(expected.data);
    free(again.data);
    if (sender == MQTT_FROM_CLIENT)
        check_answer(datagram, MQTTSN2_NO_VIRTUAL_CONNECTION);
}
