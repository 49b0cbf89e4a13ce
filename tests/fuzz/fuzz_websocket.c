/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket that is given any bytes: as the request, or, where the first of them is odd, as
 * frames after a good request. However they are cut, the same bytes of MQTT come out of them, and
 * the same end.
 */
#include "net/websocket.h"

#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char request[] =
        "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/* Reads all that comes, each time into room for `step` bytes. Returns what ended it. */
static int read_all(struct stream *stream, const struct scripted *below, size_t step, uint8_t *out,
        size_t *size)
{
    int result;

    do {
        result = stream_read(stream, out + *size, step);
        *size += result > 0 ? (size_t)result : 0;
    } while (result > 0 ||
            (result == -EAGAIN &&
                    (below->input.size > 0 || stream_waits(stream, STREAM_IN) & STREAM_READY)));
    return result;
}

/* What comes out, with reads of this size here and below. Returns what ended it. */
static int decode(struct bytes input, bool frames, size_t step, uint8_t *out, size_t *size)
{
    static const struct websocket_options options = { .path = "/mqtt", .origins = "a b" };
    static const struct websocket_options open = { .head_size_max = 512 };
    struct scripted below;
    struct stream *stream;
    int result = -EAGAIN;

    *size = 0;
    scripted_init(&below, frames ? bytes_of_text(request) : input);
    below.read_max = step;
    assert(websocket_open(&stream, &below.stream, input.size % 2 && !frames ? &options : &open) ==
            0);
    if (frames) {
        assert(read_all(stream, &below, step, out, size) == -EAGAIN && *size == 0);
        below.input = input;
    }
    result = read_all(stream, &below, step, out, size);
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool frames = size > 0 && data[0] % 2;
    struct bytes input = size > 0 ? bytes_of(data + 1, size - 1) : bytes_of(data, 0);
    size_t room = input.size + 65536;
    uint8_t *whole = malloc(room);
    uint8_t *cut = malloc(room);
    size_t whole_size;
    size_t cut_size;
    int result;

    assert(whole && cut);
    result = decode(input, frames, 65536, whole, &whole_size);
    assert(decode(input, frames, 1, cut, &cut_size) == result);
    assert(bytes_equal(bytes_of(whole, whole_size), bytes_of(cut, cut_size)));
    free(whole);
    free(cut);
    return 0;
}
