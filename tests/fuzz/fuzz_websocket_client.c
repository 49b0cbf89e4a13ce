/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a WebSocket, whose server answers with any bytes: as the answer to the
 * request, or, where the first of them is odd, as frames after a good answer. However they are cut,
 * the same bytes of MQTT come out of them, and the same end.
 */
#include "net/websocket_client.h"
#include "net/websocket_key.h"

#include "tests/fuzz/cut_streams.h"
#include "tests/harness/scripted.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_SIZE = 256, REQUEST_SIZE = 1024 };

/* The answer that a good server gives to the request that was written. */
static size_t answer(struct scripted *below, char out[static ANSWER_SIZE])
{
    static const char name[] = "Sec-WebSocket-Key: ";
    struct bytes request = scripted_take_output(below);
    char text[REQUEST_SIZE] = "";
    char accept[WEBSOCKET_ACCEPT_SIZE];
    const char *key;

    assert(request.size < REQUEST_SIZE);
    memcpy(text, request.data, request.size);
    key = strstr(text, name);
    assert(key);
    websocket_key_accept(accept, bytes_of(key + strlen(name), WEBSOCKET_KEY_SIZE));
    return (size_t)snprintf(out, ANSWER_SIZE,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
            accept);
}

/* What comes out, with reads of this size here and below. Returns what ended it. */
static int decode(struct bytes input, bool frames, size_t step, uint8_t *out, size_t *size)
{
    char good[ANSWER_SIZE];
    struct scripted below;
    struct stream *stream;
    int result;

    *size = 0;
    scripted_init(&below, (struct bytes){ 0 });
    below.read_max = step;
    assert(websocket_client_open(&stream, &below.stream, "host", "/mqtt") == 0);
    result = stream_read(stream, out, step);
    assert(result == -EAGAIN);
    if (frames) {
        below.input = bytes_of(good, answer(&below, good));
        while (below.input.size > 0)
            assert(stream_read(stream, out, step) == -EAGAIN);
    }
    below.input = input;
    do {
        result = stream_read(stream, out + *size, step);
        *size += result > 0 ? (size_t)result : 0;
    } while (result > 0 ||
            (result == -EAGAIN &&
                    (below.input.size > 0 || stream_waits(stream, STREAM_IN) & STREAM_READY)));
    stream_close(stream, STREAM_END_CLEAN);
    scripted_deinit(&below);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cut_streams_agree(decode, data, size);
    return 0;
}
