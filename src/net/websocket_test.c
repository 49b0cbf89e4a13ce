/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets over a stream in memory. Frames are written out; a mask of zeros changes nothing. */
#include "net/websocket.h"

#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

/* ---- Requests ---- */

#define HEAD "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define MQTT "Sec-WebSocket-Protocol: mqtt\r\n"
#define REQUEST HEAD KEY VERSION MQTT "\r\n"

#define ANSWER                                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static const struct websocket_options plain = { 0 };

/* A WebSocket on a stream in memory. */
struct line {
    struct scripted below;
    struct stream *stream;
};

static struct line *line_open(struct bytes input, const struct websocket_options *options)
{
    struct line *line = calloc(1, sizeof(*line));

    assert_non_null(line);
    scripted_init(&line->below, input);
    assert_int_equal(websocket_open(&line->stream, &line->below.stream, options), 0);
    return line;
}

static void line_close(struct line *line)
{
    stream_close(line->stream, STREAM_END_CLEAN);
    scripted_deinit(&line->below);
    free(line);
}

static int read_once(struct line *line)
{
    char buffer[256];

    return stream_read(line->stream, buffer, sizeof(buffer));
}

static void expect_output(struct line *line, struct bytes expected)
{
    struct bytes output = scripted_take_output(&line->below);

    assert_int_equal(output.size, expected.size);
    if (expected.size > 0)
        assert_memory_equal(output.data, expected.data, expected.size);
}

/* One whose handshake is done. */
static struct line *line_upgraded(struct bytes input)
{
    struct line *line = line_open(BYTES(REQUEST), &plain);

    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER MQTT "\r\n"));
    line->below.input = input;
    return line;
}

TEST(a_request_is_answered_with_its_key)
{
    struct line *line = line_upgraded((struct bytes){ 0 });

    assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN);
    line_close(line);
}

static void expect_protocol(const char *fields, const char *chosen)
{
    char request[512];
    char answer[512];
    struct line *line;

    snprintf(request, sizeof(request), HEAD KEY VERSION "%s\r\n", fields);
    snprintf(answer, sizeof(answer), ANSWER "%s\r\n", chosen);
    line = line_open(bytes_of_text(request), &plain);
    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, bytes_of_text(answer));
    line_close(line);
}

TEST(of_the_sub_protocols_the_first_of_ours_is_chosen)
{
    expect_protocol("Sec-WebSocket-Protocol: chat, mqtt\r\n", MQTT);
    expect_protocol("Sec-WebSocket-Protocol: chat\r\nsec-websocket-protocol:mqtt , x\r\n", MQTT);
    expect_protocol("Sec-WebSocket-Protocol: mqttv3.1\r\n", "Sec-WebSocket-Protocol: mqttv3.1\r\n");
    expect_protocol(
            "Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n", "Sec-WebSocket-Protocol: mqttv3.1\r\n");
    expect_protocol("", "");
}

/* The request gets an answer that begins so, and the read fails. */
static void expect_refused(
        const char *request, const struct websocket_options *options, const char *start)
{
    struct line *line = line_open(bytes_of_text(request), options);
    struct bytes output;

    assert_int_equal(read_once(line), -EPROTO);
    output = scripted_take_output(&line->below);
    assert_true(bytes_start_with(output, bytes_of_text(start)));
    assert_non_null(stream_failure(line->stream));
    assert_int_equal(stream_waits(line->stream, STREAM_IN) & STREAM_READY, STREAM_READY);
    assert_int_equal(read_once(line), -EPROTO);
    line_close(line);
}

TEST(what_is_no_request_for_a_websocket_is_told_why)
{
    static const struct {
        const char *request;
        const char *start;
    } rows[] = {
        { "\x10\x0c", "HTTP/1.1 400 " },
        { "GET / HTTP/9.9.9\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /mqtt HTTP/1.0\r\nHost: h\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /mqtt HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
        { "GET /mqtt HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "HTTP/1.1 400 " },
        { "POST /mqtt HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405 " },
        { "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 426 " },
        { "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" KEY VERSION "\r\n",
                "HTTP/1.1 426 " },
        { "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION "\r\n",
                "HTTP/1.1 426 " },
        { HEAD KEY "\r\n", "HTTP/1.1 426 " },
        { HEAD KEY "Sec-WebSocket-Version: 8\r\n\r\n", "HTTP/1.1 426 " },
        { HEAD VERSION "\r\n", "HTTP/1.1 400 " },
        { HEAD VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", "HTTP/1.1 400 " },
        { HEAD VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!A==\r\n\r\n", "HTTP/1.1 400 " },
        { HEAD VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n\r\n", "HTTP/1.1 400 " },
        { HEAD KEY VERSION KEY "\r\n", "HTTP/1.1 400 " },
        { HEAD KEY VERSION "Sec-WebSocket-Protocol: chat, MQTT\r\n\r\n", "HTTP/1.1 400 " },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_refused(rows[i].request, &plain, rows[i].start);
}

TEST(a_path_may_be_the_only_one)
{
    static const struct websocket_options only = { .path = "/mqtt" };
    static const struct websocket_options other = { .path = "/mqt" };
    struct line *line = line_open(BYTES(REQUEST), &only);

    assert_int_equal(read_once(line), -EAGAIN);
    line_close(line);
    expect_refused(REQUEST, &other, "HTTP/1.1 404 Not Found\r\n");
}

TEST(origins_are_let_in_by_a_list)
{
    static const struct websocket_options listed = { .origins = "https://a.example null" };
    static const char *const good[] = {
        HEAD KEY VERSION "Origin: https://a.example\r\n\r\n",
        HEAD KEY VERSION "origin: null\r\n\r\n",
    };
    static const char *const bad[] = {
        REQUEST,
        HEAD KEY VERSION "Origin: https://a.example.org\r\n\r\n",
        HEAD KEY VERSION "Origin: https://a.exampl\r\n\r\n",
        HEAD KEY VERSION "Origin:\r\n\r\n",
        HEAD KEY VERSION "Origin: null\r\nOrigin: null\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct line *line = line_open(bytes_of_text(good[i]), &listed);

        assert_int_equal(read_once(line), -EAGAIN);
        line_close(line);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_refused(bad[i], &listed, "HTTP/1.1 403 Forbidden\r\n");
}

TEST(a_head_has_a_limit)
{
    struct websocket_options options = { .head_size_max = sizeof(REQUEST) - 1 };
    struct line *line = line_open(BYTES(REQUEST), &options);

    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER MQTT "\r\n"));
    line_close(line);
    options.head_size_max--;
    expect_refused(REQUEST, &options, "HTTP/1.1 431 ");
}

TEST(a_request_may_come_byte_by_byte)
{
    struct line *line = line_open(BYTES(REQUEST), &plain);

    line->below.read_max = 1;
    for (size_t i = 0; i < sizeof(REQUEST) - 2; i++) {
        assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(stream_write(line->stream, NULL, 0), 0);
        expect_output(line, (struct bytes){ 0 });
    }
    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER MQTT "\r\n"));
    line_close(line);
}

TEST(a_request_that_ends_early_is_an_end)
{
    for (size_t size = 0; size < sizeof(REQUEST) - 1; size++) {
        struct line *line = line_open(bytes_first(BYTES(REQUEST), size), &plain);

        line->below.ended = true;
        if (size > 0)
            assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(read_once(line), 0);
        expect_output(line, (struct bytes){ 0 });
        line_close(line);
    }
}

TEST(an_answer_may_go_byte_by_byte)
{
    struct line *line = line_open(BYTES(REQUEST), &plain);

    for (size_t i = 0; i < sizeof(ANSWER MQTT "\r\n") - 1; i++) {
        line->below.room = i == 0 ? 0 : 1;
        assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN | STREAM_OUT);
    }
    line->below.room = 1;
    assert_int_equal(read_once(line), -EAGAIN);
    assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN);
    expect_output(line, BYTES(ANSWER MQTT "\r\n"));
    line_close(line);
}

/* ---- Who the client is ---- */

static const char *peer_of(const struct line *line, bool *preliminary)
{
    static char text[ADDRESS_TEXT_SIZE];
    struct stream_peer peer;

    stream_peer(line->stream, &peer);
    *preliminary = peer.preliminary;
    return address_format(&peer.address, text);
}

/* A line from this address with this X-Forwarded-For, by a listener that trusts 192.0.2.0/24. */
static struct line *line_forwarded(const char *from, const char *field)
{
    static struct network_list trusted = { .count = 1 };
    static const struct websocket_options options = { .trusted = &trusted };
    static char request[512];
    struct line *line;

    assert_int_equal(network_parse(&trusted.networks[0], BYTES("192.0.2.0/24")), 0);
    snprintf(request, sizeof(request), HEAD KEY VERSION "X-Forwarded-For: %s\r\n\r\n", field);
    line = line_open(bytes_of_text(request), &options);
    assert_int_equal(address_parse(&line->below.peer.address, from, 7), 0);
    return line;
}

TEST(a_trusted_proxy_tells_the_client)
{
    struct line *line = line_forwarded("192.0.2.1", "10.0.0.7");
    bool preliminary;

    assert_string_equal(peer_of(line, &preliminary), "192.0.2.1:7");
    assert_true(preliminary);
    assert_int_equal(read_once(line), -EAGAIN);
    assert_string_equal(peer_of(line, &preliminary), "10.0.0.7:0");
    assert_false(preliminary);
    line_close(line);
}

TEST(nobody_else_tells_the_client)
{
    static const char *const fields[] = { "10.0.0.7", "garbage" };

    for (size_t i = 0; i < 2; i++) {
        struct line *line = line_forwarded("192.0.3.1", fields[i]);
        bool preliminary;

        assert_string_equal(peer_of(line, &preliminary), "192.0.3.1:7");
        assert_true(preliminary); /* a reload may come to trust it before its request does */
        assert_int_equal(read_once(line), -EAGAIN);
        assert_string_equal(peer_of(line, &preliminary), "192.0.3.1:7");
        assert_false(preliminary);
        line_close(line);
    }
}

TEST(a_trusted_proxy_that_names_no_address_is_refused)
{
    struct line *line = line_forwarded("192.0.2.1", "10.0.0.7, unknown");
    struct bytes output;
    bool preliminary;

    assert_int_equal(read_once(line), -EPROTO);
    output = scripted_take_output(&line->below);
    assert_true(bytes_start_with(output, BYTES("HTTP/1.1 400 ")));
    assert_string_equal(peer_of(line, &preliminary), "192.0.2.1:7");
    line_close(line);
}

/* ---- Frames that come ---- */

/* Reads with a buffer of this size until nothing comes; gives what the last read gave. */
static int read_all(struct line *line, size_t size_max, uint8_t *out, size_t *size)
{
    int result;

    *size = 0;
    do {
        result = stream_read(line->stream, out + *size, size_max);
        if (result > 0)
            *size += (size_t)result;
    } while (result > 0 || (result == -EAGAIN && line->below.input.size > 0) ||
            (stream_waits(line->stream, STREAM_IN) & STREAM_READY && result == -EAGAIN));
    return result;
}

/* The frames give these bytes, whatever the sizes of reads here and below. */
static void expect_bytes(struct bytes frames, struct bytes expected)
{
    static uint8_t got[1 << 18];
    static const size_t sizes[] = { 1, 2, 3, 7, 100, 5000, 1 << 17 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            struct line *line = line_upgraded(frames);
            size_t size;

            line->below.read_max = sizes[i];
            assert_int_equal(read_all(line, sizes[j], got, &size), -EAGAIN);
            assert_int_equal(size, expected.size);
            if (size > 0)
                assert_memory_equal(got, expected.data, size);
            expect_output(line, (struct bytes){ 0 });
            line_close(line);
        }
    }
}

TEST(frames_are_unmasked)
{
    /* The example of RFC 6455 §5.7, as binary. */
    expect_bytes(BYTES("\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), BYTES("Hello"));
    expect_bytes(BYTES("\x82\x80\x37\xfa\x21\x3d"), BYTES(""));
}

TEST(bytes_lie_across_frames_and_fragments)
{
    expect_bytes(BYTES("\x82\x81\0\0\0\0a"
                       "\x82\x82\0\0\0\0bc"),
            BYTES("abc"));
    expect_bytes(BYTES("\x02\x81\0\0\0\0a"
                       "\x00\x80\0\0\0\0"
                       "\x8a\x82\0\0\0\0xx" /* a pong lies between */
                       "\x00\x82\0\0\0\0bc"
                       "\x80\x81\0\0\0\0d"
                       "\x82\x81\0\0\0\0e"),
            BYTES("abcde"));
}

TEST(large_frames_are_read)
{
    static uint8_t frame[14 + 70000];
    static const uint8_t mask[4] = { 1, 2, 3, 4 };
    static uint8_t payload[70000];

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7);
    for (int long_length = 0; long_length < 2; long_length++) {
        size_t size = long_length ? 70000 : 300;
        size_t head = long_length ? 14 : 8;

        memcpy(frame, long_length ? "\x82\xff\0\0\0\0\0\x01\x11\x70" : "\x82\xfe\x01\x2c",
                head - 4);
        memcpy(frame + head - 4, mask, 4);
        for (size_t i = 0; i < size; i++)
            frame[head + i] = payload[i] ^ mask[i % 4];
        expect_bytes(bytes_of(frame, head + size), bytes_of(payload, size));
    }
}

TEST(what_came_with_the_request_is_read_after_it)
{
    static const struct bytes both = { (const uint8_t *)REQUEST "\x82\x83\0\0\0\0abc",
        sizeof(REQUEST) - 1 + 9 };
    static const size_t sizes[] = { 1, 2, 5, 100 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct line *line = line_open(both, &plain);
        uint8_t got[128];
        size_t size;

        assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN | STREAM_READY);
        assert_int_equal(stream_waits(line->stream, STREAM_OUT), STREAM_OUT);
        assert_int_equal(read_all(line, sizes[i], got, &size), -EAGAIN);
        assert_int_equal(size, 3);
        assert_memory_equal(got, "abc", 3);
        assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN);
        line_close(line);
    }
}

/* After these frames comes a close frame with this code, and reads fail. */
static void expect_failure(struct bytes frames, const char *code)
{
    for (size_t read_max = 0; read_max < 3; read_max++) {
        struct line *line = line_upgraded(frames);
        uint8_t expected[4] = { 0x88, 2 };
        uint8_t got[256];
        size_t size;

        memcpy(expected + 2, code, 2);
        line->below.read_max = read_max;
        assert_int_equal(read_all(line, sizeof(got), got, &size), -EPROTO);
        assert_non_null(stream_failure(line->stream));
        expect_output(line, bytes_of(expected, sizeof(expected)));
        assert_int_equal(read_once(line), -EPROTO);
        line_close(line);
    }
}

SPEC_TEST("MQTT5-6.0.0-1 MQTT311-6.0.0-1", text_ends_the_connection)
{
    expect_failure(BYTES("\x81\x81\0\0\0\0a"), "\x03\xeb");
    expect_failure(BYTES("\x01\x80\0\0\0\0"), "\x03\xeb");
    expect_failure(BYTES("\x82\x81\0\0\0\0a\x81\x81\0\0\0\0a"), "\x03\xeb");
}

TEST(frames_that_break_the_rules_end_the_connection)
{
    static const struct bytes rows[] = {
        { (const uint8_t *)"\x82\x01x", 3 },                           /* no mask */
        { (const uint8_t *)"\xc2\x81\0\0\0\0x", 7 },                   /* RSV1 */
        { (const uint8_t *)"\x92\x81\0\0\0\0x", 7 },                   /* RSV3 */
        { (const uint8_t *)"\x83\x81\0\0\0\0x", 7 },                   /* an unknown opcode */
        { (const uint8_t *)"\x8b\x80\0\0\0\0", 6 },                    /* and of control frames */
        { (const uint8_t *)"\x80\x81\0\0\0\0x", 7 },                   /* nothing to go on with */
        { (const uint8_t *)"\x02\x81\0\0\0\0x\x82\x81\0\0\0\0x", 14 }, /* a message in another */
        { (const uint8_t *)"\x09\x80\0\0\0\0", 6 },                    /* a ping in parts */
        { (const uint8_t *)"\x89\xfe\0\x7e\0\0\0\0", 8 },              /* a ping of 126 bytes */
        { (const uint8_t *)"\x82\xfe\0\x7d\0\0\0\0", 8 }, /* a length written too long */
        { (const uint8_t *)"\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", 14 },
        { (const uint8_t *)"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14 }, /* its highest bit */
        { (const uint8_t *)"\x88\x81\0\0\0\0\x03", 7 },                /* half a close code */
        { (const uint8_t *)"\x88\x82\0\0\0\0\x03\xed", 8 },            /* 1005 */
        { (const uint8_t *)"\x88\x82\0\0\0\0\x03\xe7", 8 },            /* 999 */
        { (const uint8_t *)"\x88\x82\0\0\0\0\x13\x88", 8 },            /* 5000 */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_failure(rows[i], "\x03\xea");
}

TEST(a_frame_has_a_limit)
{
    expect_failure(BYTES("\x82\xff\0\0\0\0\x10\x00\x00\x05\0\0\0\0x"), "\x03\xf1");
}

TEST(what_came_before_a_fault_is_read_before_it)
{
    struct line *line = line_upgraded(BYTES("\x82\x81\0\0\0\0a\x81\x81\0\0\0\0b"));
    char byte;

    assert_int_equal(stream_read(line->stream, &byte, 1), -EAGAIN);
    line_close(line);
    line = line_upgraded(BYTES("\x82\x81\0\0\0\0a\x81\x81\0\0\0\0b"));
    assert_int_equal(read_once(line), 1);
    assert_int_equal(stream_waits(line->stream, STREAM_IN) & STREAM_READY, STREAM_READY);
    assert_int_equal(read_once(line), -EPROTO);
    line_close(line);
}

TEST(a_close_frame_is_answered_and_is_the_end)
{
    static const struct {
        struct bytes frame;
        struct bytes answer;
    } rows[] = {
        { { (const uint8_t *)"\x88\x80\0\0\0\0", 6 }, { (const uint8_t *)"\x88\x00", 2 } },
        { { (const uint8_t *)"\x88\x85\0\0\0\0\x03\xe9why", 11 },
                { (const uint8_t *)"\x88\x02\x03\xe9", 4 } },
        { { (const uint8_t *)"\x88\x82\0\0\0\0\x0f\xa0", 8 },
                { (const uint8_t *)"\x88\x02\x0f\xa0", 4 } },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line *line = line_upgraded(rows[i].frame);
        struct iovec piece = stream_piece(BYTES("x"));

        assert_int_equal(read_once(line), 0);
        expect_output(line, rows[i].answer);
        assert_int_equal(read_once(line), 0);
        assert_int_equal(stream_write(line->stream, &piece, 1), -EPIPE);
        assert_int_equal(stream_shutdown(line->stream), 0);
        line_close(line);
    }
}

TEST(a_ping_is_answered)
{
    for (size_t read_max = 0; read_max < 3; read_max++) {
        struct line *line = line_upgraded(BYTES("\x89\x82\0\0\0\0hi"));
        uint8_t got[16];
        size_t size;

        line->below.read_max = read_max;
        assert_int_equal(read_all(line, sizeof(got), got, &size), -EAGAIN);
        assert_int_equal(size, 0);
        expect_output(line, BYTES("\x8a\x02hi"));
        line_close(line);
    }
}

TEST(of_many_pings_the_last_is_answered)
{
    struct line *line = line_upgraded(BYTES("\x89\x81\0\0\0\0a"));

    line->below.room = 1;
    assert_int_equal(read_once(line), -EAGAIN);
    for (char i = '0'; i <= '9'; i++) {
        char ping[] = "\x89\x81\0\0\0\0x";

        ping[6] = i;
        line->below.input = bytes_of(ping, 7);
        assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN | STREAM_OUT);
    }
    line->below.room = SIZE_MAX;
    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line,
            BYTES("\x8a\x01"
                  "a\x8a\x01"
                  "9"));
    line_close(line);
}

/* ---- Compressed messages that come ---- */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define AGREED                                                                                     \
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "                   \
    "client_no_context_takeover; client_max_window_bits=12\r\n"

static const struct websocket_options compressing = { .compression = true };

/* One that has agreed on compression. */
static struct line *line_compressing(struct bytes input)
{
    struct line *line = line_open(BYTES(HEAD KEY VERSION MQTT OFFER "\r\n"), &compressing);

    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER MQTT AGREED "\r\n"));
    line->below.input = input;
    return line;
}

TEST(compression_is_agreed_on_where_both_want_it)
{
    struct line *line = line_open(BYTES(HEAD KEY VERSION OFFER "\r\n"), &plain);

    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER "\r\n"));
    line_close(line);
    line = line_open(BYTES(HEAD KEY VERSION "\r\n"), &compressing);
    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line, BYTES(ANSWER "\r\n"));
    line_close(line);
    line_close(line_compressing((struct bytes){ 0 }));
}

/* As expect_bytes(), of a line that has agreed on compression; all reads end so. */
static void expect_unpacked(struct bytes frames, struct bytes expected, int end)
{
    static uint8_t got[1 << 21];
    static const size_t sizes[] = { 1, 2, 3, 7, 100, 5000, 1 << 17 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            struct line *line = line_compressing(frames);
            size_t size;

            line->below.read_max = sizes[i];
            assert_int_equal(read_all(line, sizes[j], got, &size), end);
            assert_int_equal(size, expected.size);
            if (size > 0)
                assert_memory_equal(got, expected.data, size);
            line_close(line);
        }
    }
}

TEST(compressed_messages_are_unpacked)
{
    /* The examples of RFC 7692 §7.2.3, as binary. */
    expect_unpacked(BYTES("\xc2\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00"), BYTES("Hello"), -EAGAIN);
    expect_unpacked(BYTES("\x42\x83\0\0\0\0\xf2\x48\xcd"
                          "\x89\x81\0\0\0\0x" /* a ping lies between */
                          "\x80\x84\0\0\0\0\xc9\xc9\x07\x00"
                          "\x82\x81\0\0\0\0!"
                          "\x02\x81\0\0\0\0?\x80\x81\0\0\0\0."
                          "\xc2\x81\0\0\0\0\x00"
                          "\x42\x80\0\0\0\0\x00\x80\0\0\0\0\x80\x87\0\0\0\0"
                          "\xf2\x48\xcd\xc9\xc9\x07\x00"),
            BYTES("Hello!?.Hello"), -EAGAIN);
}

/* A frame of a message that holds 1 MiB of zeros, in about a thousandth of that. */
static struct bytes frame_of_zeros(void)
{
    static uint8_t frame[2048];
    static uint8_t zeros[1 << 20];
    z_stream zlib = { .next_in = zeros, .avail_in = sizeof(zeros) };
    size_t size;

    zlib.next_out = frame + 8;
    zlib.avail_out = sizeof(frame) - 8;
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&zlib, Z_SYNC_FLUSH), Z_OK);
    size = zlib.total_out - 4;
    assert_true(zlib.avail_in == 0 && zlib.avail_out > 0 && size > 125);
    deflateEnd(&zlib);
    memcpy(frame, "\xc2\xfe", 2);
    frame[2] = (uint8_t)(size >> 8);
    frame[3] = (uint8_t)size;
    return bytes_of(frame, 8 + size);
}

TEST(a_message_may_hold_far_more_than_it_takes)
{
    static const uint8_t zeros[1 << 20];

    expect_unpacked(frame_of_zeros(), bytes_of(zeros, sizeof(zeros)), -EAGAIN);
}

TEST(a_read_never_gives_more_of_a_message_than_there_is_room)
{
    struct line *line = line_compressing(frame_of_zeros());
    uint8_t buffer[4096];

    for (size_t i = 0; i < (1 << 20) / sizeof(buffer); i++) {
        assert_int_equal(stream_read(line->stream, buffer, sizeof(buffer)), sizeof(buffer));
        assert_int_equal(line->below.input.size, 0);
        assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN | STREAM_READY);
        assert_int_equal(stream_waits(line->stream, STREAM_OUT), STREAM_OUT);
    }
    assert_int_equal(stream_read(line->stream, buffer, sizeof(buffer)), -EAGAIN);
    assert_int_equal(stream_waits(line->stream, STREAM_IN), STREAM_IN);
    line_close(line);
}

/* As expect_failure(), of a line that has agreed on compression. */
static void expect_compressed_failure(struct bytes frames, const char *code)
{
    for (size_t read_max = 0; read_max < 3; read_max++) {
        struct line *line = line_compressing(frames);
        uint8_t expected[4] = { 0x88, 2 };
        uint8_t got[256];
        size_t size;

        memcpy(expected + 2, code, 2);
        line->below.read_max = read_max;
        assert_int_equal(read_all(line, sizeof(got), got, &size), -EPROTO);
        assert_non_null(stream_failure(line->stream));
        expect_output(line, bytes_of(expected, sizeof(expected)));
        line_close(line);
    }
}

TEST(compressed_messages_that_break_the_rules_end_the_connection)
{
    static const struct bytes rows[] = {
        { (const uint8_t *)"\xc9\x80\0\0\0\0", 6 },                      /* a control frame */
        { (const uint8_t *)"\xa2\x81\0\0\0\0x", 7 },                     /* RSV2 */
        { (const uint8_t *)"\xe2\x81\0\0\0\0x", 7 },                     /* RSV1 and RSV2 */
        { (const uint8_t *)"\x42\x81\0\0\0\0\0\xc0\x81\0\0\0\0\0", 14 }, /* not the first */
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_compressed_failure(rows[i], "\x03\xea");
    expect_compressed_failure(BYTES("\xc1\x81\0\0\0\0\0"), "\x03\xeb");   /* text */
    expect_compressed_failure(BYTES("\xc2\x81\0\0\0\0\x06"), "\x03\xef"); /* no deflate */
    expect_compressed_failure(BYTES("\xc2\x80\0\0\0\0"), "\x03\xef");     /* cut short */
    expect_compressed_failure(BYTES("\xc2\xff\0\0\0\0\x10\x00\x00\x05\0\0\0\0x"), "\x03\xf1");
}

/* ---- Frames that go ---- */

static int write_text(struct line *line, const char *text)
{
    struct iovec piece = stream_piece(bytes_of_text(text));

    return stream_write(line->stream, &piece, 1);
}

TEST(each_write_is_a_frame)
{
    struct line *line = line_upgraded((struct bytes){ 0 });
    struct iovec pieces[] = { stream_piece(BYTES("b")), stream_piece(BYTES("")),
        stream_piece(BYTES("cd")) };

    assert_int_equal(write_text(line, "a"), 1);
    assert_int_equal(stream_write(line->stream, pieces, 3), 3);
    expect_output(line,
            BYTES("\x82\x01"
                  "a\x82\x03"
                  "bcd"));
    line_close(line);
}

TEST(nothing_is_written_before_the_handshake)
{
    struct line *line = line_open(BYTES(REQUEST), &plain);

    assert_int_equal(write_text(line, "a"), -EAGAIN);
    line_close(line);
}

TEST(lengths_are_written_in_their_shortest_form)
{
    static const struct {
        size_t size;
        struct bytes header;
    } rows[] = {
        { 125, { (const uint8_t *)"\x82\x7d", 2 } },
        { 126, { (const uint8_t *)"\x82\x7e\0\x7e", 4 } },
        { 65535, { (const uint8_t *)"\x82\x7e\xff\xff", 4 } },
        { 65536, { (const uint8_t *)"\x82\x7f\0\0\0\0\0\x01\0\0", 10 } },
    };
    static char payload[65536];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct line *line = line_upgraded((struct bytes){ 0 });
        struct iovec piece = { payload, rows[i].size };
        struct bytes output;

        assert_int_equal(stream_write(line->stream, &piece, 1), rows[i].size);
        output = scripted_take_output(&line->below);
        assert_int_equal(output.size, rows[i].header.size + rows[i].size);
        assert_true(bytes_start_with(output, rows[i].header));
        line_close(line);
    }
}

/* A frame goes out in steps of `step` bytes. A ping comes meanwhile; the pong goes after it. */
static void write_in_steps(size_t step)
{
    struct line *line = line_upgraded((struct bytes){ 0 });
    struct bytes rest = BYTES("abcdefgh");

    for (unsigned i = 0; rest.size > 0; i++) {
        struct iovec pieces[] = { stream_piece(bytes_first(rest, 1)),
            stream_piece(bytes_from(rest, 1)) };
        int sent;

        line->below.room = step;
        sent = stream_write(line->stream, pieces, 2);
        if (sent > 0)
            rest = bytes_from(rest, (size_t)sent);
        else
            assert_int_equal(sent, -EAGAIN);
        if (i == 0) {
            line->below.input = BYTES("\x89\x80\0\0\0\0");
            assert_int_equal(read_once(line), -EAGAIN);
        }
    }
    line->below.room = SIZE_MAX;
    assert_int_equal(read_once(line), -EAGAIN);
    expect_output(line,
            BYTES("\x82\x08"
                  "abcdefgh"
                  "\x8a\x00"));
    line_close(line);
}

TEST(a_frame_may_go_in_steps_and_no_pong_comes_within)
{
    for (size_t step = 1; step < 10; step++)
        write_in_steps(step);
}

TEST(what_comes_behind_a_frame_half_sent_is_left_for_the_next)
{
    struct line *line = line_upgraded((struct bytes){ 0 });

    line->below.room = 3;
    assert_int_equal(write_text(line, "abc"), 1);
    line->below.room = SIZE_MAX;
    assert_int_equal(write_text(line, "bcde"), 2);
    assert_int_equal(write_text(line, "de"), 2);
    expect_output(line,
            BYTES("\x82\x03"
                  "abc\x82\x02"
                  "de"));
    line_close(line);
}

/* ---- Compressed messages that go ---- */

static void fill_with_words(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t) "temperature"[i * i % 11];
}

/* Unpacks the messages that lie in the frames of what was written, and expects just these bytes. */
static void expect_messages(struct bytes output, struct bytes expected)
{
    static uint8_t got[1 << 18];
    static uint8_t whole[1 << 18];
    size_t made = 0;

    while (output.size > 0) {
        size_t head = output.data[1] < 126 ? 2 : 4;
        size_t size = head == 2 ? output.data[1] : (size_t)output.data[2] << 8 | output.data[3];
        z_stream zlib = { .next_in = whole, .avail_in = (unsigned)size + 4 };

        assert_int_equal(output.data[0], 0xc2);
        memcpy(whole, output.data + head, size);
        memcpy(whole + size, "\0\0\xff\xff", 4);
        zlib.next_out = got + made;
        zlib.avail_out = (unsigned)(sizeof(got) - made);
        assert_int_equal(inflateInit2(&zlib, -12), Z_OK);
        assert_int_equal(inflate(&zlib, Z_SYNC_FLUSH), Z_OK);
        made += zlib.total_out;
        inflateEnd(&zlib);
        output = bytes_from(output, head + size);
    }
    assert_int_equal(made, expected.size);
    assert_memory_equal(got, expected.data, made);
}

/* Writes all, with room for `step` bytes below at a time. */
static void write_all(struct line *line, struct bytes rest, size_t step)
{
    while (rest.size > 0) {
        struct iovec pieces[] = { stream_piece(bytes_first(rest, rest.size / 3)),
            stream_piece(bytes_from(rest, rest.size / 3)) };
        int sent;

        line->below.room = step;
        sent = stream_write(line->stream, pieces, 2);
        assert_true(sent > 0 || sent == -EAGAIN);
        rest = bytes_from(rest, sent > 0 ? (size_t)sent : 0);
    }
}

TEST(what_shrinks_is_written_compressed)
{
    static uint8_t words[100000];
    static const size_t sizes[] = { 256, 5000, 32768, 32768 + 256, sizeof(words) };
    static const size_t steps[] = { 1, 7, 100, SIZE_MAX };

    fill_with_words(words, sizeof(words));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
            struct line *line = line_compressing((struct bytes){ 0 });

            write_all(line, bytes_of(words, sizes[i]), steps[j]);
            expect_messages(scripted_take_output(&line->below), bytes_of(words, sizes[i]));
            line_close(line);
        }
    }
}

TEST(what_is_small_or_does_not_shrink_is_written_as_it_is)
{
    struct line *line = line_compressing((struct bytes){ 0 });
    uint8_t bytes[300];
    uint8_t frame[4 + sizeof(bytes)] = "\x82\x7e\0\xff";

    fill_with_words(bytes, sizeof(bytes));
    memcpy(frame + 4, bytes, 255);
    write_all(line, bytes_of(bytes, 255), SIZE_MAX);
    expect_output(line, bytes_of(frame, 4 + 255));
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i < 256 ? i : 3 * i);
    memcpy(frame, "\x82\x7e\x01\x2c", 4);
    memcpy(frame + 4, bytes, sizeof(bytes));
    write_all(line, bytes_of(bytes, sizeof(bytes)), SIZE_MAX);
    expect_output(line, bytes_of(frame, sizeof(frame)));
    line_close(line);
}

TEST(a_compressed_message_counts_as_written_once_all_of_it_is)
{
    struct line *line = line_compressing((struct bytes){ 0 });
    uint8_t words[1000];
    struct iovec piece = { words, sizeof(words) };

    fill_with_words(words, sizeof(words));
    line->below.room = 20;
    assert_int_equal(stream_write(line->stream, &piece, 1), -EAGAIN);
    line->below.input = BYTES("\x89\x80\0\0\0\0"); /* no pong comes within */
    line->below.room = SIZE_MAX;
    assert_int_equal(read_once(line), -EAGAIN);
    assert_int_equal(stream_write(line->stream, &piece, 1), sizeof(words));
    assert_int_equal(read_once(line), -EAGAIN);
    assert_memory_equal(line->below.output + line->below.output_size - 2, "\x8a\x00", 2);
    line_close(line);
    line = line_compressing((struct bytes){ 0 });
    line->below.room = 20;
    assert_int_equal(stream_write(line->stream, &piece, 1), -EAGAIN);
    line_close(line);
}

/* ---- The end ---- */

TEST(a_shutdown_says_so_first)
{
    struct line *line = line_upgraded((struct bytes){ 0 });

    line->below.room = 3;
    assert_int_equal(stream_shutdown(line->stream), -EAGAIN);
    assert_false(line->below.shut);
    assert_int_equal(stream_waits(line->stream, STREAM_OUT), STREAM_OUT);
    line->below.room = SIZE_MAX;
    assert_int_equal(stream_shutdown(line->stream), 0);
    assert_true(line->below.shut);
    expect_output(line, BYTES("\x88\x02\x03\xe8"));
    line->below.input = BYTES("\x89\x80\0\0\0\0"); /* after a close frame nothing is said */
    assert_int_equal(read_once(line), -EAGAIN);
    line->below.input = BYTES("\x88\x82\0\0\0\0\x03\xe8");
    assert_int_equal(read_once(line), 0);
    expect_output(line, (struct bytes){ 0 });
    line_close(line);
}

TEST(after_a_fault_and_a_shutdown_what_comes_is_thrown_away)
{
    static const struct bytes rows[] = {
        { (const uint8_t *)"\x81\x81\0\0\0\0a", 7 }, /* text: a close frame tells why */
        { (const uint8_t *)"GARBAGE", 7 },           /* instead of a request */
    };

    for (size_t i = 0; i < 2; i++) {
        struct line *line = i == 0 ? line_upgraded(rows[0]) : line_open(rows[1], &plain);

        assert_int_equal(read_once(line), -EPROTO);
        assert_int_equal(read_once(line), -EPROTO);
        assert_int_equal(stream_shutdown(line->stream), 0);
        assert_true(line->below.shut);
        line->below.input = BYTES("whatever");
        assert_int_equal(read_once(line), -EAGAIN);
        assert_int_equal(line->below.input.size, 0);
        line->below.ended = true;
        assert_int_equal(read_once(line), 0);
        line_close(line);
    }
}

TEST(a_clean_end_says_so_and_an_abrupt_one_does_not)
{
    for (int end = STREAM_END_CLEAN; end <= STREAM_END_ABRUPT; end++) {
        struct line *line = line_upgraded((struct bytes){ 0 });

        stream_close(line->stream, (enum stream_end)end);
        assert_int_equal(line->below.how, end);
        expect_output(line, end == STREAM_END_CLEAN ? BYTES("\x88\x02\x03\xe8") : BYTES(""));
        scripted_deinit(&line->below);
        free(line);
    }
}

TEST(errors_below_are_told)
{
    struct line *line = line_upgraded(BYTES("\x89\x80\0\0\0\0"));

    line->below.write_error = -ECONNRESET;
    assert_int_equal(read_once(line), -EAGAIN);
    assert_int_equal(read_once(line), -ECONNRESET);
    assert_int_equal(write_text(line, "a"), -ECONNRESET);
    assert_int_equal(stream_shutdown(line->stream), -ECONNRESET);
    line_close(line);
}
