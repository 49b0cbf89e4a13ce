/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket that is given any bytes: as the request, or, where the first of them is odd, as
 * frames after a good request, which has agreed on compression where the next bit is set. However
 * they are cut, the same bytes of MQTT come out of them, and the same end.
 *
 * There is one exception: a compressed message that refers to what is further back than its window,
 * which it may not, is good as long as that still lies in the reader's buffer.
 */
#include "net/websocket.h"

#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INFLATED_MAX = 1032 }; /* bytes that one byte may become */

static const char request[] =
        "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
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
static int decode(struct bytes input, uint8_t kind, size_t step, uint8_t *out, size_t *size)
{
    static const struct websocket_options options = { .path = "/mqtt", .origins = "a b" };
    const struct websocket_options open = { .head_size_max = 512, .compression = kind & 2 };
    bool frames = kind & 1;
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
    uint8_t kind = size > 0 ? data[0] : 0;
    struct bytes input = size > 0 ? bytes_of(data + 1, size - 1) : bytes_of(data, 0);
    size_t room = input.size * (kind & 2 ? INFLATED_MAX : 1) + 65536;
    uint8_t *whole = malloc(room);
    uint8_t *cut = malloc(room);
    size_t whole_size;
    size_t cut_size;
    int result;
    int cut_result;

    assert(whole && cut);
    result = decode(input, kind, 65536, whole, &whole_size);
    cut_result = decode(input, kind, 1, cut, &cut_size);
    assert(bytes_start_with(bytes_of(whole, whole_size), bytes_of(cut, cut_size)));
    if (!(kind & 2) || cut_result != -EPROTO)
        assert(cut_result == result && cut_size == whole_size);
    free(whole);
    free(cut);
    return 0;
}
