/* SPDX-License-Identifier: Apache-2.0 */
/* What layers of a stream cost, and that they can do without what they do not get. */
#include "net/proxy.h"
#include "net/socks_client.h"
#include "net/websocket.h"

#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>
#include <wslay/wslay.h>

/* The linker puts __wrap_X in the place of X, for which __real_X then stands. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
int __real_wslay_frame_context_init(wslay_frame_context_ptr *frames,
        const struct wslay_frame_callbacks *callbacks, void *context);
void __real_wslay_frame_context_free(wslay_frame_context_ptr frames);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *frames,
        const struct wslay_frame_callbacks *callbacks, void *context);
void __wrap_wslay_frame_context_free(wslay_frame_context_ptr frames);

struct counter {
    unsigned taken;
    unsigned fail_at; /* the n-th, from 1; 0: none */
    int out;          /* blocks taken and not given back */
};

static struct counter *counter(void)
{
    static struct counter only;

    return &only;
}

static bool fails(void)
{
    return ++counter()->taken == counter()->fail_at;
}

static void *counted(void *block)
{
    counter()->out += block ? 1 : 0;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

/* Only the stream below, which is the test's own, calls it: it does not fail. */
void *__wrap_realloc(void *block, size_t size)
{
    counter()->out += block ? 0 : 1;
    return __real_realloc(block, size);
}

void __wrap_free(void *block)
{
    counter()->out -= block ? 1 : 0;
    __real_free(block);
}

int __wrap_wslay_frame_context_init(wslay_frame_context_ptr *frames,
        const struct wslay_frame_callbacks *callbacks, void *context)
{
    int result = fails() ? -1 : __real_wslay_frame_context_init(frames, callbacks, context);

    counter()->out += result == 0 ? 1 : 0;
    return result;
}

void __wrap_wslay_frame_context_free(wslay_frame_context_ptr frames)
{
    counter()->out--;
    __real_wslay_frame_context_free(frames);
}

static const struct websocket_options plain = { 0 };

static const char request[] =
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* Half of a frame that is to be read, after a ping. */
static const struct bytes frames = { (const uint8_t *)"\x89\x80\0\0\0\0\x82\x82\0\0\0\0a", 13 };

/* Reads until nothing is left to be read, or something fails. */
static int read_on(struct stream *stream, const struct scripted *below)
{
    char buffer[64];
    int result;

    do
        result = stream_read(stream, buffer, sizeof(buffer));
    while (result > 0 || (result == -EAGAIN && below->input.size > 0));
    return result;
}

/* Returns what the last read gave, or -ENOMEM where the stream could not be opened. */
static int converse(struct scripted *below)
{
    struct stream *stream;
    int result = websocket_open(&stream, &below->stream, &plain);

    if (result < 0)
        return result;
    result = read_on(stream, below);
    if (result == -EAGAIN) {
        below->input = frames;
        result = read_on(stream, below);
    }
    stream_close(stream, STREAM_END_CLEAN);
    return result;
}

TEST(each_allocation_of_a_websocket_may_fail)
{
    unsigned fail_at = 0;
    unsigned failures = 0;

    do {
        struct scripted below;
        int result;

        scripted_init(&below, bytes_of_text(request));
        *counter() = (struct counter){ .fail_at = ++fail_at };
        result = converse(&below);
        assert_true(below.closed);
        assert_true(result == -ENOMEM || result == -EAGAIN);
        failures += result == -ENOMEM;
        scripted_deinit(&below);
        assert_int_equal(counter()->out, 0);
    } while (counter()->taken >= fail_at);
    /* The stream, its handshake, the answer, the frames (two blocks) and a pong. */
    assert_int_equal(failures, 6);
}

/* Counts what is out, without what the stream below keeps of its output. */
static int blocks_out(const struct scripted *below)
{
    return counter()->out - (below->output ? 1 : 0) - (below->refused ? 1 : 0);
}

TEST(an_idle_websocket_keeps_nothing_but_itself)
{
    struct scripted below;
    struct stream *stream;

    scripted_init(&below, bytes_of_text(request));
    *counter() = (struct counter){ 0 };
    assert_int_equal(websocket_open(&stream, &below.stream, &plain), 0);
    assert_int_equal(blocks_out(&below), 2);
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    assert_int_equal(blocks_out(&below), 1);
    below.input = frames;
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    assert_true(blocks_out(&below) > 1);
    below.input = BYTES("b");
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    assert_int_equal(blocks_out(&below), 1);
    stream_close(stream, STREAM_END_CLEAN);
    assert_int_equal(blocks_out(&below), 0);
    scripted_deinit(&below);
}

/* ---- Compression ---- */

static const struct websocket_options compressing = { .compression = true };

static const char compressing_request[] =
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* Half of a compressed "Hello", in a frame of its own; and the other half. */
static const struct bytes half = { (const uint8_t *)"\x42\x83\0\0\0\0\xf2\x48\xcd", 9 };
static const struct bytes other_half = { (const uint8_t *)"\x80\x84\0\0\0\0\xc9\xc9\x07\0", 10 };

/* Reads a compressed message. Returns what the last read gave. */
static int converse_compressed(struct stream *stream, struct scripted *below)
{
    int result = read_on(stream, below);

    if (result == -EAGAIN) {
        below->input = half;
        result = read_on(stream, below);
    }
    if (result == -EAGAIN) {
        below->input = other_half;
        result = read_on(stream, below);
    }
    return result;
}

TEST(each_allocation_of_a_compressed_message_may_fail)
{
    unsigned fail_at = 0;
    unsigned failures = 0;

    do {
        struct scripted below;
        struct stream *stream;
        int result;

        scripted_init(&below, bytes_of_text(compressing_request));
        *counter() = (struct counter){ .fail_at = ++fail_at };
        result = websocket_open(&stream, &below.stream, &compressing);
        if (result == 0) {
            result = converse_compressed(stream, &below);
            stream_close(stream, STREAM_END_CLEAN);
        }
        assert_true(result == -ENOMEM || result == -EAGAIN);
        failures += result == -ENOMEM;
        scripted_deinit(&below);
        assert_int_equal(counter()->out, 0);
    } while (counter()->taken >= fail_at);
    /* The stream, its handshake, the answer, two blocks for each of four reads, and to unpack: what
     * we keep, zlib's state and its window. */
    assert_int_equal(failures, 14);
}

TEST(what_cannot_be_compressed_for_lack_of_memory_is_written_as_it_is)
{
    static char zeros[300];
    struct iovec piece = { zeros, sizeof(zeros) };

    for (unsigned fail_at = 1; fail_at <= 7; fail_at++) {
        struct scripted below;
        struct stream *stream;
        struct bytes output;

        scripted_init(&below, bytes_of_text(compressing_request));
        *counter() = (struct counter){ 0 };
        assert_int_equal(websocket_open(&stream, &below.stream, &compressing), 0);
        assert_int_equal(read_on(stream, &below), -EAGAIN);
        scripted_take_output(&below);
        *counter() = (struct counter){ .fail_at = fail_at, .out = counter()->out };
        assert_int_equal(stream_write(stream, &piece, 1), sizeof(zeros));
        output = scripted_take_output(&below);
        /* Our block, zlib's state, and its four. */
        assert_int_equal(output.data[0], fail_at <= 6 ? 0x82 : 0xc2);
        assert_int_equal(blocks_out(&below), 1);
        stream_close(stream, STREAM_END_CLEAN);
        scripted_deinit(&below);
    }
}

TEST(an_idle_websocket_that_compresses_keeps_nothing_more)
{
    static char zeros[300];
    struct iovec piece = { zeros, sizeof(zeros) };
    struct scripted below;
    struct stream *stream;

    scripted_init(&below, bytes_of_text(compressing_request));
    *counter() = (struct counter){ 0 };
    assert_int_equal(websocket_open(&stream, &below.stream, &compressing), 0);
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    below.input = half;
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    assert_true(blocks_out(&below) > 1);
    below.input = other_half;
    assert_int_equal(read_on(stream, &below), -EAGAIN);
    assert_int_equal(blocks_out(&below), 1);
    assert_int_equal(stream_write(stream, &piece, 1), sizeof(zeros));
    assert_int_equal(blocks_out(&below), 1);
    stream_close(stream, STREAM_END_CLEAN);
    assert_int_equal(blocks_out(&below), 0);
    scripted_deinit(&below);
}

/* ---- PROXY ---- */

/* A header with facts about TLS, and a byte behind it. */
static const struct bytes header = {
    (const uint8_t *)"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x17\x0a\0\0\7\x0a\0\0\1\xa1\x60\7\x5b"
                     "\x20\0\x08\1\0\0\0\0\x21\0\0x",
    40,
};

TEST(each_allocation_of_a_proxy_may_fail)
{
    static const struct proxy_options options = { .version = PROXY_2 };
    unsigned fail_at = 0;
    unsigned failures = 0;

    do {
        struct scripted below;
        struct stream *stream;
        int result;

        scripted_init(&below, header);
        *counter() = (struct counter){ .fail_at = ++fail_at };
        result = proxy_open(&stream, &below.stream, &options);
        if (result == 0) {
            result = read_on(stream, &below);
            stream_close(stream, STREAM_END_CLEAN);
        }
        assert_true(below.closed);
        assert_true(result == -ENOMEM || result == -EAGAIN);
        failures += result == -ENOMEM;
        scripted_deinit(&below);
        assert_int_equal(counter()->out, 0);
    } while (counter()->taken >= fail_at);
    /* The stream, its header and the texts in it. */
    assert_int_equal(failures, 3);
}

/* ---- SOCKS ---- */

TEST(the_one_allocation_of_a_connection_through_a_socks_proxy_may_fail)
{
    const struct socks_wish wish = { .host = "a", .port = 1 };

    for (unsigned fail_at = 1; fail_at <= 2; fail_at++) {
        struct scripted below;
        struct stream *stream;
        int result;

        scripted_init(&below, BYTES("\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0x"));
        *counter() = (struct counter){ .fail_at = fail_at };
        result = socks_client_open(&stream, &below.stream, &wish);
        assert_int_equal(result, fail_at == 1 ? -ENOMEM : 0);
        if (result == 0)
            stream_close(stream, STREAM_END_CLEAN);
        assert_true(below.closed);
        scripted_deinit(&below);
        assert_int_equal(counter()->out, 0);
    }
}
