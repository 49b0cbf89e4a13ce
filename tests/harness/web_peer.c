/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness/web_peer.h"

#include "net/websocket.h"
#include "tests/harness/scripted.h"
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

enum { STEP_SIZE = 4096 };

struct web_peer {
    struct peer *peer;
    struct scripted below;
    struct stream *stream; /* NULL once the server has closed it */
};

struct web_peer *web_peer_open(struct server *server)
{
    static const struct websocket_options options = { .path = "/mqtt" };
    struct web_peer *web = calloc(1, sizeof(*web));

    assert_non_null(web);
    web->peer = peer_open(server);
    scripted_init(&web->below, (struct bytes){ 0 });
    assert_int_equal(websocket_open(&web->stream, &web->below.stream, &options), 0);
    return web;
}

static void close_stream(struct web_peer *web)
{
    stream_close(web->stream, STREAM_END_CLEAN);
    web->stream = NULL;
}

/* Brings what the server says through the stream, and its end. */
static void pump_output(struct web_peer *web)
{
    struct bytes bytes;

    while (web->stream && (bytes = peer_take_bytes(web->peer, STEP_SIZE)).size > 0) {
        struct iovec piece = stream_piece(bytes);

        assert_int_equal(stream_write(web->stream, &piece, 1), bytes.size);
    }
    if (web->stream && !peer_is_open(web->peer))
        close_stream(web);
}

/* Brings what the client has sent through the stream, as the server's loop does. */
static void pump_input(struct web_peer *web)
{
    uint8_t buffer[STEP_SIZE];

    while (web->stream) {
        int size = stream_read(web->stream, buffer, sizeof(buffer));

        if (size > 0) {
            peer_send_bytes(web->peer, bytes_of(buffer, (size_t)size));
            pump_output(web);
        } else if (size != -EAGAIN) {
            peer_cut(web->peer);
            close_stream(web);
        } else if (web->below.input.size == 0 &&
                !(stream_waits(web->stream, STREAM_IN) & STREAM_READY)) {
            return;
        }
    }
}

void web_peer_cut(struct web_peer *web)
{
    if (web->stream)
        close_stream(web);
    if (peer_is_open(web->peer))
        peer_cut(web->peer);
    scripted_deinit(&web->below);
    free(web);
}

bool web_peer_is_open(const struct web_peer *web)
{
    return web->stream != NULL;
}

void web_peer_send_bytes(struct web_peer *web, struct bytes bytes)
{
    web->below.input = bytes;
    pump_input(web);
}

struct bytes web_peer_take_bytes(struct web_peer *web, size_t size_max)
{
    struct scripted *below = &web->below;
    size_t size;

    pump_output(web);
    size = below->output_size - below->output_taken;
    if (size > size_max)
        size = size_max;
    below->output_taken += size;
    return bytes_of(below->output + below->output_taken - size, size);
}
