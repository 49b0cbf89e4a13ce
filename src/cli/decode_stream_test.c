/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_stream.h"

#include "tests/harness/test.h"

#include <stdlib.h>

enum { CLIENT_PORT = 5000, SERVER_PORT = 1883 };

/* A CONNECT of MQTT 3.1.1 by the client "test". */
static const uint8_t connect[] = { 0x10, 0x10, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 4, 't',
    'e', 's', 't' };

/* A capture of one connection, and what is told of it. */
struct scene {
    struct streams *streams;
    char *text;
    size_t text_size;
    FILE *out;
    bool good;
};

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .good = true };
    scene->streams = (struct streams *)calloc(1, sizeof(*scene->streams));
    scene->out = open_memstream(&scene->text, &scene->text_size);
    assert_non_null(scene->streams);
    assert_non_null(scene->out);
}

static void heading(FILE *out, const void *context)
{
    fputs((const char *)context, out);
}

static void take(struct scene *scene, enum mqtt_sender sender, uint32_t sequence, bool begins,
        const void *data, size_t size)
{
    bool from_client = sender == MQTT_FROM_CLIENT;
    struct capture_packet packet = {
        .tcp = true,
        .begins = begins,
        .sequence = sequence,
        .from_port = from_client ? CLIENT_PORT : SERVER_PORT,
        .to_port = from_client ? SERVER_PORT : CLIENT_PORT,
        .payload = bytes_of(data, size),
    };

    scene->good &= streams_take(scene->streams, scene->out, &packet, sender, heading, "> ");
}

/* Ends it; what was told is then in scene->text, to be freed. */
static void end(struct scene *scene)
{
    scene->good &= streams_end(scene->streams, scene->out);
    streams_deinit(scene->streams);
    free(scene->streams);
    fclose(scene->out);
}

TEST(segments_in_any_order_and_sent_twice_are_one_stream)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_CLIENT, 99, true, "", 0);
    take(&scene, MQTT_FROM_CLIENT, 110, false, connect + 10, sizeof(connect) - 10);
    take(&scene, MQTT_FROM_CLIENT, 107, false, connect + 7, 3);
    take(&scene, MQTT_FROM_CLIENT, 100, false, connect, 9);
    take(&scene, MQTT_FROM_CLIENT, 100, false, connect, sizeof(connect));
    take(&scene, MQTT_FROM_CLIENT, 118, false, "\xe0\x00", 2);
    end(&scene);
    assert_true(scene.good);
    assert_non_null(strstr(scene.text, "> CONNECT from client, 18 bytes\n"));
    assert_non_null(strstr(scene.text, "\"test\"\n> DISCONNECT from client, 2 bytes\n"));
    assert_null(strstr(strstr(scene.text, "CONNECT") + 1, "> CONNECT"));
    free(scene.text);
}

TEST(numbers_of_bytes_may_wrap)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_CLIENT, UINT32_MAX - 5, true, "", 0);
    take(&scene, MQTT_FROM_CLIENT, 4, false, connect + 9, sizeof(connect) - 9);
    take(&scene, MQTT_FROM_CLIENT, UINT32_MAX - 4, false, connect, 9);
    end(&scene);
    assert_true(scene.good);
    assert_non_null(strstr(scene.text, "> CONNECT from client, 18 bytes\n"));
    free(scene.text);
}

TEST(a_capture_may_begin_within_a_connection)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_SERVER, 77, false, "\xd0\x00", 2);
    end(&scene);
    assert_true(scene.good);
    assert_string_equal(scene.text, "> PINGRESP from server, 2 bytes\n");
    free(scene.text);
}

TEST(what_is_missing_is_told_at_the_end)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_CLIENT, 99, true, "", 0);
    take(&scene, MQTT_FROM_CLIENT, 105, false, connect + 5, sizeof(connect) - 5);
    end(&scene);
    assert_false(scene.good);
    assert_string_equal(scene.text,
            "a packet from the client at port 5000 is not whole: 0 bytes, and bytes are missing\n");
    free(scene.text);
}

TEST(too_many_segments_without_the_one_before_end_the_side)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_CLIENT, 99, true, "", 0);
    for (uint32_t i = 0; i <= STREAM_WAITING_MAX; i++)
        take(&scene, MQTT_FROM_CLIENT, 200 + 2 * i, false, "\xc0\x00", 2);
    end(&scene);
    assert_false(scene.good);
    assert_string_equal(
            scene.text, "> \n  ! bytes are missing; the rest of this side is passed over\n");
    free(scene.text);
}

TEST(another_protocol_is_named)
{
    struct scene scene;

    begin(&scene);
    take(&scene, MQTT_FROM_CLIENT, 1, false, "GET / HTTP/1.1\r\n", 16);
    take(&scene, MQTT_FROM_CLIENT, 17, false, "\r\n", 2);
    end(&scene);
    assert_false(scene.good);
    assert_string_equal(scene.text,
            "> WebSocket from client, GET / HTTP/1.1\n> \n"
            "  ! this is HTTP, and no WebSocket; the rest of this side is "
            "passed over\n");
    free(scene.text);
}

/* ---- WebSockets ---- */

#define ASKED                                                                                      \
    "GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
#define GRANTED                                                                                    \
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"

/* A CONNECT cut over two frames with the masks 01020304 and 00000000, a ping between them. */
static const uint8_t asked[] = ASKED "\x02\x83\x01\x02\x03\x04\x11\x12\x03"
                                     "\x89\x80\x01\x02\x03\x04"
                                     "\x80\x8f\0\0\0\0\x04MQTT\x04\x02\0\x3c\0\x04test"
                                     "\x88\x82\0\0\0\0\x03\xe8";
static const char told_of_client[] = "> WebSocket from client, GET /mqtt HTTP/1.1\n"
                                     "> WebSocket from client, ping\n"
                                     "> CONNECT from client, 18 bytes\n";
static const char told_of_server[] = "> WebSocket from server, HTTP/1.1 101 Switching Protocols\n"
                                     "> CONNACK from server, 4 bytes\n";

TEST(packets_come_out_of_a_websockets_frames_however_these_are_cut)
{
    static const uint8_t granted[] = GRANTED "\x82\x7e\0\x04\x20\x02\0\0";

    for (uint32_t step = 1; step < sizeof(asked); step += step < 8 ? 1 : 50) {
        struct scene scene;

        begin(&scene);
        for (uint32_t at = 0; at < sizeof(asked) - 1; at += step)
            take(&scene, MQTT_FROM_CLIENT, at, false, asked + at,
                    at + step < sizeof(asked) - 1 ? step : sizeof(asked) - 1 - at);
        for (uint32_t at = 0; at < sizeof(granted) - 1; at += step)
            take(&scene, MQTT_FROM_SERVER, at, false, granted + at,
                    at + step < sizeof(granted) - 1 ? step : sizeof(granted) - 1 - at);
        end(&scene);
        assert_true(scene.good);
        assert_memory_equal(scene.text, told_of_client, sizeof(told_of_client) - 1);
        assert_non_null(
                strstr(scene.text, "\"test\"\n> WebSocket from client, close, code 1000\n"));
        assert_non_null(strstr(scene.text, told_of_server));
        free(scene.text);
    }
}

TEST(what_is_wrong_with_a_websocket_is_told)
{
    const struct {
        struct bytes sent;
        const char *told;
        enum mqtt_sender sender;
    } rows[] = {
        { BYTES(ASKED "\x82\x02\xc0\0"), "the other way", MQTT_FROM_CLIENT },
        { BYTES(ASKED "\x81\x80\0\0\0\0"), "[MQTT5-6.0.0-1]", MQTT_FROM_CLIENT },
        { BYTES(ASKED "\xc2\x80\0\0\0\0"), "compressed", MQTT_FROM_CLIENT },
        { BYTES(ASKED "\x8b\x80\0\0\0\0"), "no frame", MQTT_FROM_CLIENT },
        { BYTES(ASKED "\x89\xfe\0\x7e\0\0\0\0"), "too long", MQTT_FROM_CLIENT },
        { BYTES("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"), "[MQTT5-6.0.0-3]",
                MQTT_FROM_CLIENT },
        { BYTES(GRANTED "\x82\x82\0\0\0\0\xd0\0"), "the other way", MQTT_FROM_SERVER },
        { BYTES("HTTP/1.1 101 a\r\nUpgrade: websocket\r\n\r\n"), "[MQTT5-6.0.0-4]",
                MQTT_FROM_SERVER },
        { BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"),
                "400 Bad Request\n> \n  ! the server grants no", MQTT_FROM_SERVER },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene scene;

        begin(&scene);
        take(&scene, rows[i].sender, 1, false, rows[i].sent.data, rows[i].sent.size);
        end(&scene);
        assert_false(scene.good);
        assert_non_null(strstr(scene.text, rows[i].told));
        free(scene.text);
    }
}

TEST(a_head_without_an_end_is_not_waited_for)
{
    static uint8_t head[DECODE_WEBSOCKET_HEAD_MAX + 1] = "GET /";
    struct scene scene;

    begin(&scene);
    memset(head + 5, 'a', sizeof(head) - 5);
    take(&scene, MQTT_FROM_CLIENT, 1, false, head, sizeof(head));
    end(&scene);
    assert_false(scene.good);
    assert_non_null(strstr(scene.text, "the head of HTTP is too long"));
    free(scene.text);
}

TEST(a_capture_may_begin_within_a_websocket)
{
    struct scene scene;

    begin(&scene);
    scene.streams->framed = true;
    take(&scene, MQTT_FROM_SERVER, 77, false, "\x82\x02\xd0\x00", 4);
    end(&scene);
    assert_true(scene.good);
    assert_string_equal(scene.text, "> PINGRESP from server, 2 bytes\n");
    free(scene.text);
}
