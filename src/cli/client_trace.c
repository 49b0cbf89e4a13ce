/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_trace.h"

#include "mqtt/connack.h"
#include "mqtt/disconnect.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "mqtt/suback.h"
#include "mqtt/subscribe.h"
#include "mqtt/unsubscribe.h"

#include <stdio.h>

/* A packet whose fixed header is taken off. */
struct traced {
    struct client_trace *trace;
    bool written;
    struct mqtt_header header;
    struct bytes body;
    size_t cut; /* bytes of the body that are not there */
};

static void begin(const struct traced *packet)
{
    const char *id = packet->trace->client_id;

    printf("Client %s %s %s", id[0] != '\0' ? id : "(null)",
            packet->written ? "sending" : "received", mqtt_type_name(packet->header.type));
}

static enum mqtt_sender sender_of(const struct traced *packet)
{
    return packet->written ? MQTT_FROM_CLIENT : MQTT_FROM_SERVER;
}

static void print_connack(const struct traced *packet)
{
    struct mqtt_connack connack;
    unsigned code = packet->body.size > 1 ? packet->body.data[1] : 0;

    if (mqtt_connack_decode(&connack, packet->body, packet->trace->version) == MQTT_SUCCESS &&
            connack.properties.assigned_client_id.size > 0)
        snprintf(packet->trace->client_id, sizeof(packet->trace->client_id), "%.*s",
                (int)connack.properties.assigned_client_id.size,
                (const char *)connack.properties.assigned_client_id.data);
    begin(packet);
    printf(" (%u)\n", code);
}

static void print_publish(const struct traced *packet)
{
    struct mqtt_publish publish = { 0 };

    begin(packet);
    if (mqtt_publish_decode(&publish, packet->header.flags, packet->body, packet->trace->version,
                sender_of(packet)) == MQTT_SUCCESS)
        printf(" (d%d, q%d, r%d, m%d, '%.*s', ... (%zu bytes))", publish.dup, publish.qos,
                publish.retain, publish.packet_id, (int)publish.topic.size,
                publish.topic.size > 0 ? (const char *)publish.topic.data : "",
                publish.payload.size + packet->cut);
    putchar('\n');
}

/* The four acknowledgements; what is said of each differs in small ways. */
static void print_puback(const struct traced *packet)
{
    bool has_code = packet->header.type == MQTT_PUBACK || packet->header.type == MQTT_PUBCOMP;
    struct mqtt_puback puback = { 0 };

    begin(packet);
    if (mqtt_puback_decode(&puback, packet->header.type, packet->body, packet->trace->version,
                sender_of(packet)) != MQTT_SUCCESS)
        putchar('\n');
    else if (packet->written &&
            (packet->header.type == MQTT_PUBREL || packet->header.type == MQTT_PUBCOMP))
        printf(" (m%d)\n", puback.packet_id);
    else if (packet->written)
        printf(" (m%d, rc%d)\n", puback.packet_id, (int)puback.reason);
    else if (has_code)
        printf(" (Mid: %d, RC:%d)\n", puback.packet_id, (int)puback.reason);
    else
        printf(" (Mid: %d)\n", puback.packet_id);
}

static void print_subscribe(const struct traced *packet)
{
    struct mqtt_subscribe subscribe;
    struct mqtt_subscription one;
    struct bytes rest;

    if (mqtt_subscribe_decode(&subscribe, packet->body, packet->trace->version) != MQTT_SUCCESS) {
        begin(packet);
        putchar('\n');
        return;
    }
    rest = subscribe.subscriptions;
    while (mqtt_subscribe_next(&rest, &one)) {
        unsigned options = (unsigned)one.retain_handling << 4 |
                (unsigned)one.retain_as_published << 3 | (unsigned)one.no_local << 2;

        begin(packet);
        printf(" (Mid: %d, Topic: %.*s, QoS: %d, Options: 0x%02x)\n", subscribe.packet_id,
                (int)one.filter.size, (const char *)one.filter.data, one.qos, options);
    }
}

static void print_suback(const struct traced *packet)
{
    struct mqtt_suback suback;

    begin(packet);
    putchar('\n');
    if (!packet->trace->tells_subscribed ||
            mqtt_suback_decode(&suback, MQTT_SUBACK, packet->body, packet->trace->version) !=
                    MQTT_SUCCESS)
        return;
    printf("Subscribed (mid: %d)", suback.packet_id);
    for (size_t i = 0; i < suback.codes.size; i++)
        printf("%s%d", i == 0 ? ": " : ", ", suback.codes.data[i]);
    putchar('\n');
}

static void print_unsubscribe(const struct traced *packet)
{
    struct mqtt_unsubscribe unsubscribe;
    struct bytes rest = { 0 };
    struct bytes filter;

    if (mqtt_unsubscribe_decode(&unsubscribe, packet->body, packet->trace->version) == MQTT_SUCCESS)
        rest = unsubscribe.filters;
    while (mqtt_unsubscribe_next(&rest, &filter)) {
        begin(packet);
        printf(" (Mid: %d, Topic: %.*s)\n", unsubscribe.packet_id, (int)filter.size,
                (const char *)filter.data);
    }
}

static void print_disconnect(const struct traced *packet)
{
    struct mqtt_disconnect disconnect;

    begin(packet);
    if (!packet->written &&
            mqtt_disconnect_decode(&disconnect, packet->body, packet->trace->version,
                    MQTT_FROM_SERVER) == MQTT_SUCCESS)
        printf(" (%d)", (int)disconnect.reason);
    putchar('\n');
}

void client_trace_packet(
        struct client_trace *trace, bool written, struct nj_bytes packet, size_t size)
{
    struct bytes whole = bytes_of(packet.data, packet.size);
    struct traced traced = { .trace = trace, .written = written, .cut = size - packet.size };

    if (mqtt_header_read(&traced.header, whole) != MQTT_HEADER_DONE)
        return;
    traced.body = bytes_from(whole, traced.header.size);
    switch (traced.header.type) {
    case MQTT_CONNACK:
        print_connack(&traced);
        break;
    case MQTT_PUBLISH:
        print_publish(&traced);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        print_puback(&traced);
        break;
    case MQTT_SUBSCRIBE:
        print_subscribe(&traced);
        break;
    case MQTT_SUBACK:
        print_suback(&traced);
        break;
    case MQTT_UNSUBSCRIBE:
        print_unsubscribe(&traced);
        break;
    case MQTT_DISCONNECT:
        print_disconnect(&traced);
        break;
    case MQTT_CONNECT:
    case MQTT_UNSUBACK:
    case MQTT_PINGREQ:
    case MQTT_PINGRESP:
    case MQTT_AUTH:
        begin(&traced);
        putchar('\n');
        break;
    }
    fflush(stdout);
}
