/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/frail_server.h"

#include "mqtt/packet.h"
#include "mqtt/puback.h"
#include "mqtt/publish.h"
#include "tests/harness/test.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum given_state { GIVEN_WAITS, GIVEN_SENT, GIVEN_RELEASED, GIVEN_DONE };

void frail_server_open(struct frail_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);

    *server = (struct frail_server){ .fd = -1 };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
}

void frail_server_close(struct frail_server *server)
{
    frail_server_cut(server);
    close(server->listener);
}

void frail_server_cut(struct frail_server *server)
{
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
    server->greeted = false;
    server->in_used = 0;
}

/* Counts a packet; true: that was one too many. */
static bool breaks_off(struct frail_server *server)
{
    if (++server->packets != server->cut_at)
        return false;
    frail_server_cut(server);
    return true;
}

static void put(struct frail_server *server, const void *data, size_t size)
{
    if (server->fd < 0)
        return;
    if (send(server->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) {
        frail_server_cut(server);
        return;
    }
    breaks_off(server);
}

static void put_answer(struct frail_server *server, enum mqtt_type type, uint16_t id)
{
    uint8_t data[8];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqtt_puback_brief_encode(&out, type, id, MQTT_SUCCESS, (enum mqtt_version)server->version);
    put(server, data, out.used);
}

/* ---- Messages for the client ---- */

void frail_server_give(struct frail_server *server, const char *text, uint8_t qos)
{
    struct frail_given *given = &server->given[server->given_count];

    assert_true(server->given_count < FRAIL_MESSAGES_MAX);
    *given = (struct frail_given){ .id = (uint16_t)(100 + server->given_count), .qos = qos };
    snprintf(given->text, sizeof(given->text), "%s", text);
    server->given_count++;
}

static void send_given(struct frail_server *server, struct frail_given *given, bool dup)
{
    const struct mqtt_publish publish = {
        .topic = BYTES("given"),
        .payload = bytes_of_text(given->text),
        .packet_id = given->qos > 0 ? given->id : 0,
        .qos = given->qos,
        .dup = dup && given->qos > 0,
    };
    uint8_t data[256];
    struct writer out = { .data = data, .size = sizeof(data) };

    mqtt_publish_encode(&out, &publish, (enum mqtt_version)server->version);
    given->state = given->qos == 0 ? GIVEN_DONE : GIVEN_SENT;
    put(server, data, out.used);
}

/* What a session owes the client when it comes again, and what is new. */
static void send_all(struct frail_server *server, bool resumes)
{
    for (size_t i = 0; i < server->given_count && server->fd >= 0; i++) {
        struct frail_given *given = &server->given[i];

        if (given->state == GIVEN_WAITS || (resumes && given->state == GIVEN_SENT))
            send_given(server, given, given->state == GIVEN_SENT);
        else if (resumes && given->state == GIVEN_RELEASED)
            put_answer(server, MQTT_PUBREL, given->id);
    }
}

static void take_acknowledgement(struct frail_server *server, enum mqtt_type type, uint16_t id)
{
    for (size_t i = 0; i < server->given_count; i++) {
        struct frail_given *given = &server->given[i];

        if (given->id != id)
            continue;
        if (type == MQTT_PUBREC && given->state != GIVEN_DONE) {
            given->state = GIVEN_RELEASED;
            put_answer(server, MQTT_PUBREL, id);
        } else if (type == MQTT_PUBACK || type == MQTT_PUBCOMP) {
            given->state = GIVEN_DONE;
        }
    }
}

/* ---- Messages of the client ---- */

static uint16_t *find_held(struct frail_server *server, uint16_t id)
{
    for (size_t i = 0; i < FRAIL_MESSAGES_MAX; i++) {
        if (server->held[i] == id)
            return &server->held[i];
    }
    return NULL;
}

static void note(struct frail_server *server, struct bytes payload)
{
    char text[FRAIL_TEXT_SIZE];
    size_t i = 0;

    snprintf(text, sizeof(text), "%.*s", (int)payload.size, (const char *)payload.data);
    while (i < server->taken_count && strcmp(server->taken[i].text, text) != 0)
        i++;
    assert_true(i < FRAIL_MESSAGES_MAX);
    memcpy(server->taken[i].text, text, sizeof(text));
    server->taken[i].count++;
    if (i == server->taken_count)
        server->taken_count++;
}

static void take_publish(struct frail_server *server, uint8_t flags, struct bytes body)
{
    struct mqtt_publish publish;

    assert_int_equal(mqtt_publish_decode(&publish, flags, body, (enum mqtt_version)server->version,
                             MQTT_FROM_CLIENT),
            MQTT_SUCCESS);
    if (publish.qos < 2)
        note(server, publish.payload);
    if (publish.qos == 1)
        put_answer(server, MQTT_PUBACK, publish.packet_id);
    if (publish.qos < 2)
        return;
    if (!find_held(server, publish.packet_id)) {
        note(server, publish.payload);
        *find_held(server, 0) = publish.packet_id;
    }
    put_answer(server, MQTT_PUBREC, publish.packet_id);
}

/* ---- The rest ---- */

static void let_in(struct frail_server *server, bool clean)
{
    bool is_v5 = server->version == 5;
    bool present = server->has_session && !clean && !server->forgets;
    uint8_t connack[] = { 0x20, is_v5 ? 3 : 2, present, 0, 0 };

    server->connections++;
    server->greeted = true;
    if (!present) {
        memset(server->held, 0, sizeof(server->held));
        for (size_t i = 0; i < server->given_count; i++)
            server->given[i].state =
                    server->given[i].state == GIVEN_WAITS ? GIVEN_WAITS : GIVEN_DONE;
    }
    server->has_session = true;
    put(server, connack, is_v5 ? 5 : 4);
    send_all(server, true);
}

static void take_connect(struct frail_server *server, struct bytes body)
{
    static const uint8_t refusal[] = { 0x20, 3, 0, 0x87, 0 };
    static const uint8_t auth[] = { 0xf0, 6, 0x18, 4, 0x15, 0, 1, 'm' };

    server->version = body.data[6];
    if (server->authenticates)
        put(server, auth, sizeof(auth));
    else if (server->refuses)
        put(server, refusal, sizeof(refusal));
    else
        let_in(server, body.data[7] & 2);
}

static void take_subscribe(struct frail_server *server, struct bytes body)
{
    uint8_t suback[] = { 0x90, 4, body.data[0], body.data[1], 0, 2 };

    server->subscribed++;
    if (server->version == 5) {
        put(server, suback, 6);
    } else {
        suback[1] = 3;
        suback[4] = 2;
        put(server, suback, 5);
    }
}

static void take_unsubscribe(struct frail_server *server, struct bytes body)
{
    uint8_t unsuback[] = { 0xb0, 4, body.data[0], body.data[1], 0, 0 };

    if (server->version != 5)
        unsuback[1] = 2;
    put(server, unsuback, server->version == 5 ? 6 : 4);
}

static void take(struct frail_server *server, uint8_t first, struct bytes body)
{
    uint16_t id = body.size >= 2 ? (uint16_t)(body.data[0] << 8 | body.data[1]) : 0;
    static const uint8_t pingresp[] = { 0xd0, 0 };
    enum mqtt_type type = (enum mqtt_type)(first >> 4);

    if (type == MQTT_CONNECT) {
        take_connect(server, body);
    } else if (type == MQTT_AUTH) {
        let_in(server, false);
    } else if (type == MQTT_PUBLISH) {
        take_publish(server, first & 0xf, body);
    } else if (type == MQTT_PUBREL) {
        if (find_held(server, id))
            *find_held(server, id) = 0;
        put_answer(server, MQTT_PUBCOMP, id);
    } else if (type == MQTT_PUBACK || type == MQTT_PUBREC || type == MQTT_PUBCOMP) {
        take_acknowledgement(server, type, id);
    } else if (type == MQTT_SUBSCRIBE) {
        take_subscribe(server, body);
    } else if (type == MQTT_UNSUBSCRIBE) {
        take_unsubscribe(server, body);
    } else if (type == MQTT_PINGREQ) {
        put(server, pingresp, sizeof(pingresp));
    } else {
        assert_int_equal(type, MQTT_DISCONNECT);
        server->goodbyes++;
        frail_server_cut(server);
    }
}

/* Takes the packets that are whole. */
static void take_all(struct frail_server *server)
{
    struct mqtt_header header;

    while (server->fd >= 0 &&
            mqtt_header_read(&header, bytes_of(server->in, server->in_used)) == MQTT_HEADER_DONE &&
            header.size + header.remaining <= server->in_used) {
        size_t size = header.size + header.remaining;
        uint8_t packet[FRAIL_BUFFER_SIZE];

        memcpy(packet, server->in, size);
        memmove(server->in, server->in + size, server->in_used - size);
        server->in_used -= size;
        if (!breaks_off(server))
            take(server, packet[0], bytes_of(packet + header.size, header.remaining));
    }
}

static void read_some(struct frail_server *server)
{
    ssize_t count = recv(server->fd, server->in + server->in_used,
            sizeof(server->in) - server->in_used, MSG_DONTWAIT);

    if (count <= 0) {
        frail_server_cut(server);
        return;
    }
    server->in_used += (size_t)count;
    take_all(server);
}

/* Its answers are small, and none is to wait for the acknowledgement of the one before. */
static void take_client(struct frail_server *server)
{
    const int at_once = 1;

    server->fd = accept(server->listener, NULL, NULL);
    setsockopt(server->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
}

void frail_server_turn(struct frail_server *server, int timeout_ms)
{
    struct pollfd wait = { .events = POLLIN };

    if (server->greeted)
        send_all(server, false);
    wait.fd = server->fd >= 0 ? server->fd : server->listener;
    if (poll(&wait, 1, timeout_ms) <= 0)
        return;
    if (server->fd >= 0)
        read_some(server);
    else
        take_client(server);
}

unsigned frail_server_taken(const struct frail_server *server, const char *text)
{
    for (size_t i = 0; i < server->taken_count; i++) {
        if (strcmp(server->taken[i].text, text) == 0)
            return server->taken[i].count;
    }
    return 0;
}

bool frail_server_is_even(const struct frail_server *server)
{
    for (size_t i = 0; i < server->given_count; i++) {
        if (server->given[i].state != GIVEN_DONE)
            return false;
    }
    for (size_t i = 0; i < FRAIL_MESSAGES_MAX; i++) {
        if (server->held[i] != 0)
            return false;
    }
    return true;
}
