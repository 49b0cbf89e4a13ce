/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include "check/chapters.h"
#include "check/notation.h"
#include "check/probe.h"

#include <assert.h>
#include <stdio.h>
#include <strings.h>

enum {
    ANSWER_SIZE = 4096, /* of what a server may say at once */
    PAYLOAD_MAX = 1024, /* of a frame that we send */
    PROTOCOL_SIZE = 32,
    LOGIN_SIZE = 2048,
    CLEAN = 0x02,
    USER_NAME = 0x80,
    PASSWORD = 0x40,
    FIN = 0x80,
    CONTINUATION = 0x0,
    TEXT = 0x1,
    BINARY = 0x2,
    CLOSE = 0x8,
    OPCODE = 0xF,
    MASKED = 0x80,
    LENGTH_OF_TWO = 126, /* says that the length is in the next two bytes */
};

/* A WebSocket, with what has come and was not expected yet. */
struct websocket {
    struct check *check;
    struct probe *probe;
    char protocol[PROTOCOL_SIZE]; /* that the server has chosen */
    uint8_t came[ANSWER_SIZE];    /* frames, and HTTP before them */
    size_t came_size;
    uint8_t stream[ANSWER_SIZE]; /* what the data frames carried */
    size_t stream_size;
};

static void add(struct check *check, uint8_t to[ANSWER_SIZE], size_t *size, struct bytes bytes)
{
    if (bytes.size > ANSWER_SIZE - *size)
        check_fail(check, "the server answers in less than %d bytes", ANSWER_SIZE);
    if (bytes.size > 0)
        memcpy(to + *size, bytes.data, bytes.size);
    *size += bytes.size;
}

static void consume(uint8_t from[ANSWER_SIZE], size_t *size, size_t used)
{
    *size -= used;
    memmove(from, from + used, *size);
}

/* Waits for bytes; false when none come. */
static bool hear(struct websocket *socket)
{
    struct bytes bytes = probe_take_bytes(socket->probe);

    add(socket->check, socket->came, &socket->came_size, bytes);
    return bytes.size > 0;
}

/* ---- HTTP ---- */

/* Takes the answer's head, once it is there, as a text. */
static bool take_head(struct websocket *socket, char out[ANSWER_SIZE + 1])
{
    const char *end;

    memcpy(out, socket->came, socket->came_size);
    out[socket->came_size] = '\0';
    end = strstr(out, "\r\n\r\n");
    if (!end)
        return false;
    consume(socket->came, &socket->came_size, (size_t)(end - out) + 4);
    out[end - out + 2] = '\0';
    return true;
}

static void read_protocol(struct websocket *socket, const char *head)
{
    static const char name[] = "\r\nSec-WebSocket-Protocol:";

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), " %31[^ \t\r\n]", socket->protocol);
    }
}

/* Opens a WebSocket, and offers these protocols. */
static void upgrade(struct websocket *socket, struct check *check, const char *protocols)
{
    const struct check_target *target = check_target(check);
    char head[ANSWER_SIZE + 1];

    *socket = (struct websocket){ .check = check, .probe = probe_open_websocket(check) };
    probe_send(socket->probe,
            "'GET %s HTTP/1.1' 0D0A 'Host: %s' 0D0A 'Upgrade: websocket' 0D0A "
            "'Connection: Upgrade' 0D0A 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' 0D0A "
            "'Sec-WebSocket-Version: 13' 0D0A 'Sec-WebSocket-Protocol: %s' 0D0A 0D0A",
            target->websocket, target->host, protocols);
    while (!take_head(socket, head)) {
        if (!hear(socket))
            check_fail(check, "the server answers the request to upgrade");
    }
    if (strncmp(head, "HTTP/1.1 101", strlen("HTTP/1.1 101")) != 0)
        check_fail(check, "the server upgrades the connection to WebSocket");
    read_protocol(socket, head);
}

/* ---- Frames ---- */

/* Sends a frame with these first bits. The mask is the one of RFC 6455's examples. */
static void send_frame(struct websocket *socket, unsigned head, struct bytes payload)
{
    static const uint8_t mask[4] = { 0x37, 0xFA, 0x21, 0x3D };
    char text[2 * PAYLOAD_MAX + 1];

    assert(payload.size <= PAYLOAD_MAX);
    text[0] = '\0';
    for (size_t i = 0; i < payload.size; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)(payload.data[i] ^ mask[i % sizeof(mask)]));
    if (payload.size < LENGTH_OF_TWO)
        probe_send(socket->probe, "%02x %02zx 37FA213D %s", head, MASKED | payload.size, text);
    else
        probe_send(socket->probe, "%02x FE %04zx 37FA213D %s", head, payload.size, text);
}

/* Takes a frame, if a whole one has come. */
static bool take_frame(struct websocket *socket)
{
    struct reader in = { .rest = bytes_of(socket->came, socket->came_size) };
    unsigned opcode = reader_u8(&in) & OPCODE;
    size_t size = reader_u8(&in);
    struct bytes payload;

    if (size > LENGTH_OF_TWO)
        check_fail(socket->check, "the server's frames are short, and not masked");
    payload = reader_bytes(&in, size == LENGTH_OF_TWO ? reader_u16(&in) : size);
    if (in.failed)
        return false;
    if (opcode == TEXT)
        check_fail(socket->check, "the server sends no text frame");
    if (opcode == BINARY || opcode == CONTINUATION)
        add(socket->check, socket->stream, &socket->stream_size, payload);
    consume(socket->came, &socket->came_size, socket->came_size - in.rest.size);
    if (opcode == CLOSE)
        send_frame(socket, FIN | CLOSE, (struct bytes){ 0 });
    return true;
}

/* Takes the packet that the text says, if it stands first in the stream. */
static bool take_packet(struct websocket *socket, const char *text)
{
    struct notation_scope scope = { .name = NULL };

    for (size_t size = 1; size <= socket->stream_size; size++) {
        const char *at = text;

        if (notation_fits(bytes_of(socket->stream, size), &at, &scope) == NOTATION_FITS) {
            consume(socket->stream, &socket->stream_size, size);
            return true;
        }
    }
    return false;
}

/* This packet comes, in whatever frames. */
static void expect(struct websocket *socket, const char *text)
{
    for (;;) {
        while (take_frame(socket))
            continue;
        if (take_packet(socket, text))
            return;
        if (!hear(socket))
            check_fail(socket->check, "the client gets %s", text);
    }
}

/* The server closes, perhaps with a frame that says so before, to which it awaits an answer. */
static void expect_closed(struct websocket *socket)
{
    do {
        while (take_frame(socket))
            continue;
    } while (hear(socket));
    if (probe_is_open(socket->probe))
        check_fail(socket->check, "the server closes the connection");
}

/* ---- Clients ---- */

static bool is_5(const struct websocket *socket)
{
    return check_version(socket->check) == MQTT_5_0;
}

static const char *protocol_of(const struct check *check)
{
    return check_version(check) == MQTT_3_1 ? "mqttv3.1" : "mqtt";
}

/* A CONNECT, and what stands behind it. */
static struct bytes connect_and(struct websocket *socket, const char *behind)
{
    const struct check_target *target = check_target(socket->check);
    enum mqtt_version version = check_version(socket->check);
    const char *name = version == MQTT_3_1 ? "MQIsdp" : "MQTT";
    const char *properties = is_5(socket) ? "00" : "";
    unsigned flags = CLEAN | (target->user ? USER_NAME : 0) |
            (target->user && target->password ? PASSWORD : 0);
    char login[LOGIN_SIZE];

    check_login(socket->check, login, sizeof(login));
    return probe_bytes(socket->probe, "10 RL S'%s' %02x %02x 0000 %s S'~ws' %s %s", name,
            (unsigned)version, flags, properties, login, behind);
}

static void expect_connack(struct websocket *socket)
{
    expect(socket, is_5(socket) ? "20 RL 00 00 [P]" : "20 02 00 00");
}

/* ---- Cases ---- */

static void a_connect_in_a_text_frame_ends_the_connection(struct check *check)
{
    struct websocket socket;

    upgrade(&socket, check, protocol_of(check));
    send_frame(&socket, FIN | TEXT, connect_and(&socket, ""));
    expect_closed(&socket);
}

/* All its bytes are characters, so that it could be a text. */
static void a_publish_in_a_text_frame_ends_the_connection(struct check *check)
{
    struct websocket socket;

    upgrade(&socket, check, protocol_of(check));
    send_frame(&socket, FIN | BINARY, connect_and(&socket, ""));
    expect_connack(&socket);
    send_frame(&socket, FIN | TEXT,
            probe_bytes(socket.probe, "30 RL S'~/t' %s 'x'", is_5(&socket) ? "00" : ""));
    expect_closed(&socket);
}

static void a_packet_may_lie_in_many_frames(struct check *check)
{
    struct websocket socket;
    uint8_t packet[PAYLOAD_MAX];
    struct bytes bytes;

    upgrade(&socket, check, protocol_of(check));
    bytes = connect_and(&socket, "");
    assert(bytes.size <= sizeof(packet));
    memcpy(packet, bytes.data, bytes.size);
    for (size_t i = 0; i < bytes.size; i++)
        send_frame(&socket, FIN | BINARY, bytes_of(packet + i, 1));
    expect_connack(&socket);
}

static void a_frame_may_hold_many_packets(struct check *check)
{
    struct websocket socket;

    upgrade(&socket, check, protocol_of(check));
    send_frame(&socket, FIN | BINARY, connect_and(&socket, "| C0 00 | C0 00"));
    expect_connack(&socket);
    expect(&socket, "D0 00");
    expect(&socket, "D0 00");
}

/* The message begins in one packet, and ends in another. */
static void a_message_may_be_fragmented(struct check *check)
{
    static const uint8_t halves[] = { 0x00, 0xC0, 0x00 };
    struct websocket socket;

    upgrade(&socket, check, protocol_of(check));
    send_frame(&socket, BINARY, connect_and(&socket, "| C0"));
    send_frame(&socket, CONTINUATION, bytes_of(halves, 2));
    send_frame(&socket, FIN | CONTINUATION, bytes_of(halves + 2, 1));
    expect_connack(&socket);
    expect(&socket, "D0 00");
    expect(&socket, "D0 00");
}

static void expect_protocol(struct check *check, const char *offered, const char *chosen)
{
    struct websocket socket;

    upgrade(&socket, check, offered);
    if (strcmp(socket.protocol, chosen) != 0)
        check_fail(check, "of %s the server chooses %s", offered, chosen);
    send_frame(&socket, FIN | BINARY, connect_and(&socket, ""));
    expect_connack(&socket);
}

static void the_server_chooses_mqtt(struct check *check)
{
    expect_protocol(check, "mqtt", "mqtt");
    expect_protocol(check, "chat, mqtt", "mqtt");
}

static void the_server_chooses_mqttv3_1(struct check *check)
{
    expect_protocol(check, "mqttv3.1", "mqttv3.1");
}

static const struct check_case cases[] = {
    { "MQTT5-6.0.0-1", CASE(a_connect_in_a_text_frame_ends_the_connection), NEED_WEBSOCKET },
    { "MQTT5-6.0.0-1", CASE(a_publish_in_a_text_frame_ends_the_connection), NEED_WEBSOCKET },
    { "MQTT5-6.0.0-2", CASE(a_packet_may_lie_in_many_frames), NEED_WEBSOCKET },
    { "MQTT5-6.0.0-2", CASE(a_frame_may_hold_many_packets), NEED_WEBSOCKET },
    { "MQTT5-6.0.0-2", CASE(a_message_may_be_fragmented), NEED_WEBSOCKET },
    { "MQTT5-6.0.0-4", CASE(the_server_chooses_mqtt), NEED_WEBSOCKET },
};

static const struct check_case cases_3_1_1[] = {
    { "MQTT311-6.0.0-1", CASE(a_connect_in_a_text_frame_ends_the_connection), NEED_WEBSOCKET },
    { "MQTT311-6.0.0-1", CASE(a_publish_in_a_text_frame_ends_the_connection), NEED_WEBSOCKET },
    { "MQTT311-6.0.0-2", CASE(a_packet_may_lie_in_many_frames), NEED_WEBSOCKET },
    { "MQTT311-6.0.0-2", CASE(a_frame_may_hold_many_packets), NEED_WEBSOCKET },
    { "MQTT311-6.0.0-2", CASE(a_message_may_be_fragmented), NEED_WEBSOCKET },
    { "MQTT311-6.0.0-4", CASE(the_server_chooses_mqtt), NEED_WEBSOCKET },
};

static const struct check_case cases_3_1[] = {
    { "V31-26", CASE(the_server_chooses_mqttv3_1), NEED_WEBSOCKET },
};

const struct check_chapter check_websocket = CHAPTER("WebSocket", MQTT_5_0, cases);
const struct check_chapter check_websocket_311 = CHAPTER("WebSocket", MQTT_3_1_1, cases_3_1_1);
const struct check_chapter check_websocket_31 = CHAPTER("WebSocket", MQTT_3_1, cases_3_1);
