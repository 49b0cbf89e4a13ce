/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket_client.h"

#include "net/websocket_key.h"
#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <stdio.h>

enum { ANSWER_SIZE = 512, KEY_NAME_SIZE = 19 };

struct scene {
    struct scripted below;
    struct stream *stream;
    char request[1024];
    char answer[ANSWER_SIZE];
    uint8_t out[70000];
};

static void begin(struct scene *scene)
{
    *scene = (struct scene){ .stream = NULL };
    scripted_init(&scene->below, (struct bytes){ 0 });
    assert_int_equal(
            websocket_client_open(&scene->stream, &scene->below.stream, "host:81", "/path?x"), 0);
}

static void end(struct scene *scene)
{
    stream_close(scene->stream, STREAM_END_CLEAN);
    scripted_deinit(&scene->below);
}

static int write_text(struct scene *scene, const char *text)
{
    struct iovec piece = stream_piece(bytes_of_text(text));

    return stream_write(scene->stream, &piece, 1);
}

/* Lets the server answer with this, in which %s stands for what it makes of the key. */
static void answer_with(struct scene *scene, const char *answer)
{
    struct bytes request = scripted_take_output(&scene->below);
    char accept[WEBSOCKET_ACCEPT_SIZE];
    const char *key;
    const char *place;

    assert_true(request.size < sizeof(scene->request));
    memcpy(scene->request, request.data, request.size);
    key = strstr(scene->request, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    websocket_key_accept(accept, bytes_of(key + KEY_NAME_SIZE, WEBSOCKET_KEY_SIZE));
    place = strstr(answer, "%s");
    assert_non_null(place);
    snprintf(scene->answer, ANSWER_SIZE, "%.*s%s%s", (int)(place - answer), answer, accept,
            place + 2);
    scene->below.input = bytes_of_text(scene->answer);
}

static const char good[] = "HTTP/1.1 101 Switching Protocols\r\nUPGRADE: WebSocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                           "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

static void open_whole(struct scene *scene)
{
    begin(scene);
    assert_int_equal(write_text(scene, "hello"), -EAGAIN);
    answer_with(scene, good);
    assert_int_equal(write_text(scene, "hello"), 5);
}

/* The payload of the frame that was written, its mask taken off; its first byte must be this. */
static struct bytes written(struct scene *scene, uint8_t first)
{
    struct bytes frame = scripted_take_output(&scene->below);
    size_t header = 2;
    size_t size;

    assert_true(frame.size >= 6);
    assert_int_equal(frame.data[0], first);
    assert_true(frame.data[1] & 0x80);
    size = frame.data[1] & 0x7f;
    if (size == 126) {
        size = (size_t)(frame.data[2] << 8 | frame.data[3]);
        header = 4;
    }
    assert_int_equal(frame.size, header + 4 + size);
    for (size_t i = 0; i < size; i++)
        scene->out[i] = frame.data[header + 4 + i] ^ frame.data[header + i % 4];
    return bytes_of(scene->out, size);
}

TEST(a_request_asks_for_mqtt_and_what_is_written_waits_for_the_answer)
{
    struct scene scene;

    begin(&scene);
    assert_int_equal(write_text(&scene, "hello"), -EAGAIN);
    assert_int_equal(stream_waits(scene.stream, STREAM_OUT), STREAM_IN);
    answer_with(&scene, good);
    assert_non_null(strstr(scene.request, "GET /path?x HTTP/1.1\r\nHost: host:81\r\n"));
    assert_non_null(strstr(scene.request, "Sec-WebSocket-Protocol: mqtt\r\n"));
    assert_int_equal(write_text(&scene, "hello"), 5);
    assert_true(bytes_equal(written(&scene, 0x82), BYTES("hello")));
    end(&scene);
}

TEST(answers_that_grant_no_websocket_for_mqtt_are_failures)
{
    static const char *const bad[] = {
        "HTTP/1.1 404 Not Found\r\nX: %s\r\n\r\n",
        "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x%s\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n",
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Extensions: x\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct scene scene;

        begin(&scene);
        assert_int_equal(write_text(&scene, "x"), -EAGAIN);
        answer_with(&scene, bad[i]);
        assert_int_equal(write_text(&scene, "x"), -EBADMSG);
        assert_non_null(stream_failure(scene.stream));
        end(&scene);
    }
}

TEST(an_answer_without_end_or_without_bytes_is_a_failure)
{
    struct scene scene;

    begin(&scene);
    memset(scene.out, 'x', WEBSOCKET_CLIENT_HEAD_SIZE);
    scene.below.input = bytes_of(scene.out, WEBSOCKET_CLIENT_HEAD_SIZE);
    assert_int_equal(write_text(&scene, "x"), -EBADMSG);
    end(&scene);
    begin(&scene);
    scene.below.ended = true;
    assert_int_equal(write_text(&scene, "x"), -EBADMSG);
    end(&scene);
}

TEST(frames_give_their_bytes_and_pings_are_answered)
{
    static const char frames[] = "\x02\x03"
                                 "abc"
                                 "\x89\x02hi"
                                 "\x80\x7e\0\x03"
                                 "def"
                                 "\x82\0"
                                 "\x88\x02\x03\xe8";
    struct scene scene;
    uint8_t in[16];

    open_whole(&scene);
    scripted_take_output(&scene.below);
    scene.below.input = bytes_of(frames, sizeof(frames) - 1);
    assert_int_equal(stream_read(scene.stream, in, 2), 2);
    assert_true(stream_waits(scene.stream, STREAM_IN) & STREAM_READY);
    assert_int_equal(stream_read(scene.stream, in + 2, sizeof(in)), 1);
    assert_int_equal(stream_read(scene.stream, in + 3, sizeof(in)), 3);
    assert_memory_equal(in, "abcdef", 6);
    assert_true(bytes_equal(written(&scene, 0x8a), BYTES("hi")));
    assert_int_equal(stream_read(scene.stream, in, sizeof(in)), 0);
    assert_true(bytes_equal(written(&scene, 0x88), BYTES("\x03\xe8")));
    end(&scene);
}

TEST(frames_against_the_rules_are_failures)
{
    static const struct bytes bad[] = {
        { (const uint8_t *)"\x81\x01x", 3 },      /* text */
        { (const uint8_t *)"\xc2\x01x", 3 },      /* a reserved bit */
        { (const uint8_t *)"\x82\x81....x", 7 },  /* masked */
        { (const uint8_t *)"\x80\x01x", 3 },      /* goes on with nothing */
        { (const uint8_t *)"\x09\x00", 2 },       /* a ping in parts */
        { (const uint8_t *)"\x89\x7e\0\x7e", 4 }, /* too long a ping */
        { (const uint8_t *)"\x83\x00", 2 },
        { (const uint8_t *)"\x8b\x00", 2 },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct scene scene;
        uint8_t in[16];

        open_whole(&scene);
        scene.below.input = bad[i];
        assert_int_equal(stream_read(scene.stream, in, sizeof(in)), -EBADMSG);
        end(&scene);
    }
}

TEST(what_does_not_go_at_once_goes_later_and_once)
{
    struct scene scene;
    struct iovec piece;
    static uint8_t large[WEBSOCKET_CLIENT_FRAME_SIZE + 1];
    struct bytes frame;

    open_whole(&scene);
    scripted_take_output(&scene.below);
    memset(large, 'y', sizeof(large));
    piece = stream_piece(bytes_of(large, sizeof(large)));
    scene.below.room = 100;
    assert_int_equal(stream_write(scene.stream, &piece, 1), -EAGAIN);
    assert_int_equal(stream_waits(scene.stream, STREAM_OUT), STREAM_OUT);
    scene.below.room = SIZE_MAX;
    assert_int_equal(stream_write(scene.stream, &piece, 1), WEBSOCKET_CLIENT_FRAME_SIZE);
    frame = written(&scene, 0x82);
    assert_int_equal(frame.size, WEBSOCKET_CLIENT_FRAME_SIZE);
    assert_memory_equal(frame.data, large, frame.size);
    end(&scene);
}
