/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/any_packet.h"

#include <assert.h>
#include <stdlib.h>

#include "mqtt/ping.h"

static enum mqtt_reason body_decode(struct any_packet *out, const struct mqtt_header *header,
        struct bytes body, enum mqtt_sender sender)
{
    enum mqtt_version version = out->version;

    switch (header->type) {
    case MQTT_CONNECT:
        return mqtt_connect_decode(&out->as.connect, header->flags, body);
    case MQTT_CONNACK:
        return mqtt_connack_decode(&out->as.connack, body, version);
    case MQTT_PUBLISH:
        return mqtt_publish_decode(&out->as.publish, header->flags, body, version, sender);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return mqtt_puback_decode(&out->as.puback, header->type, body, version, sender);
    case MQTT_SUBSCRIBE:
        return mqtt_subscribe_decode(&out->as.subscribe, body, version);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return mqtt_suback_decode(&out->as.suback, header->type, body, version);
    case MQTT_UNSUBSCRIBE:
        return mqtt_unsubscribe_decode(&out->as.unsubscribe, body, version);
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        return mqtt_ping_decode(body);
    case MQTT_DISCONNECT:
        return mqtt_disconnect_decode(&out->as.disconnect, body, version, sender);
    case MQTT_AUTH:
        return mqtt_auth_decode(&out->as.auth, body, sender);
    }
    return MQTT_MALFORMED;
}

enum mqtt_reason any_packet_decode(struct any_packet *out, struct bytes packet,
        enum mqtt_version version, enum mqtt_sender sender)
{
    struct any_packet decoded = *out;
    struct mqtt_header header;
    enum mqtt_reason reason;

    if (packet.size == 0 || packet.data[0] >> 4 < MQTT_CONNECT)
        return MQTT_MALFORMED;
    header = (struct mqtt_header){
        .type = (enum mqtt_type)(packet.data[0] >> 4),
        .flags = packet.data[0] & 0x0F,
    };
    if (!mqtt_header_flags_valid(&header, version))
        return MQTT_MALFORMED;
    decoded.type = header.type;
    decoded.version = version;
    reason = body_decode(&decoded, &header, bytes_from(packet, 1), sender);
    /* The decoder itself must have left its part alone. */
    assert(reason == MQTT_SUCCESS || memcmp(&decoded.as, &out->as, sizeof(out->as)) == 0);
    if (reason != MQTT_SUCCESS)
        return reason;
    if (decoded.type == MQTT_CONNECT)
        decoded.version = decoded.as.connect.version;
    *out = decoded;
    return MQTT_SUCCESS;
}

void any_packet_encode(struct writer *out, const struct any_packet *packet)
{
    struct any_packet copy = *packet;

    switch (copy.type) {
    case MQTT_CONNECT:
        copy.as.connect.properties.present = 0;
        copy.as.connect.will.properties.present = 0;
        mqtt_connect_encode(out, &copy.as.connect);
        break;
    case MQTT_CONNACK:
        copy.as.connack.properties.present = 0;
        mqtt_connack_encode(out, &copy.as.connack, copy.version);
        break;
    case MQTT_PUBLISH:
        copy.as.publish.properties.present = 0;
        mqtt_publish_encode(out, &copy.as.publish, copy.version);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        copy.as.puback.properties.present = 0;
        mqtt_puback_encode(out, &copy.as.puback, copy.type, copy.version);
        break;
    case MQTT_SUBSCRIBE:
        copy.as.subscribe.properties.present = 0;
        mqtt_subscribe_encode(out, &copy.as.subscribe, copy.version);
        break;
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        copy.as.suback.properties.present = 0;
        mqtt_suback_encode(out, &copy.as.suback, copy.type, copy.version);
        break;
    case MQTT_UNSUBSCRIBE:
        copy.as.unsubscribe.properties.present = 0;
        mqtt_unsubscribe_encode(out, &copy.as.unsubscribe, copy.version);
        break;
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
        mqtt_ping_encode(out, copy.type);
        break;
    case MQTT_DISCONNECT:
        copy.as.disconnect.properties.present = 0;
        mqtt_disconnect_encode(out, &copy.as.disconnect, copy.version);
        break;
    case MQTT_AUTH:
        copy.as.auth.properties.present = 0;
        mqtt_auth_encode(out, &copy.as.auth);
        break;
    }
}

/* Whether a packet can say the same in more than one way. */
static bool has_longer_forms(const struct any_packet *packet)
{
    bool is_puback = packet->type >= MQTT_PUBACK && packet->type <= MQTT_PUBCOMP;

    return packet->version == MQTT_3_1 || is_puback || packet->type == MQTT_DISCONNECT;
}

/* Encodes into a new block of just the size that it takes; the remaining length is left out. */
static struct bytes encode_again(const struct any_packet *packet, size_t size_max)
{
    struct writer out = { .data = malloc(size_max), .size = size_max };
    struct mqtt_header header = { .remaining = 0 };
    struct bytes body;
    uint8_t *again;

    assert(out.data);
    any_packet_encode(&out, packet);
    assert(!out.failed);
    assert(mqtt_header_read(&header, writer_written(&out)) == MQTT_HEADER_DONE);
    assert(out.used == header.size + (size_t)header.remaining);
    body = bytes_from(writer_written(&out), header.size);
    again = malloc(1 + body.size);
    assert(again);
    again[0] = out.data[0];
    if (body.size > 0)
        memcpy(again + 1, body.data, body.size);
    free(out.data);
    return bytes_of(again, 1 + body.size);
}

void any_packet_check(struct bytes packet, enum mqtt_version version, enum mqtt_sender sender)
{
    struct any_packet first;
    struct any_packet second;
    struct any_packet untouched;
    struct bytes again;
    struct bytes once_more;

    memset(&untouched, 0xA5, sizeof(untouched));
    first = untouched;
    if (any_packet_decode(&first, packet, version, sender) != MQTT_SUCCESS) {
        assert(memcmp(&first, &untouched, sizeof(first)) == 0);
        return;
    }
    again = encode_again(&first, packet.size + MQTT_HEADER_SIZE_MAX);
    assert(again.size <= packet.size);
    if (!has_longer_forms(&first))
        assert(bytes_equal(again, packet));
    second = untouched;
    assert(any_packet_decode(&second, again, first.version, sender) == MQTT_SUCCESS);
    once_more = encode_again(&second, packet.size + MQTT_HEADER_SIZE_MAX);
    assert(bytes_equal(once_more, again));
    free((void *)(uintptr_t)again.data);
    free((void *)(uintptr_t)once_more.data);
}
