/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socks_client.h"

#include "net/stream_layer.h"

#include <stdlib.h>

struct socks_client {
    struct stream_layer layer;
    struct socks socks;
};

/* layer.stream is the first member, so its address is the whole's. */
static struct socks_client *of(struct stream *stream)
{
    return (struct socks_client *)stream;
}

static const struct socks_client *of_const(const struct stream *stream)
{
    return (const struct socks_client *)stream;
}

/* ---- The proxy ---- */

static int say(struct socks_client *client)
{
    struct socks *socks = &client->socks;

    while (socks->out_sent < socks->out_used) {
        struct iovec piece = stream_piece(socks_output(socks));
        int result = stream_write(client->layer.below, &piece, 1);

        if (result < 0)
            return result;
        socks->out_sent = (uint16_t)(socks->out_sent + result);
    }
    return 0;
}

static int hear(struct socks_client *client)
{
    struct socks *socks = &client->socks;
    int result = stream_read(client->layer.below, socks->in + socks->in_used, socks_wanted(socks));

    if (result > 0)
        socks_take(socks, (size_t)result);
    return result == 0 ? -ECONNRESET : result;
}

/* 0 when the server is reached. */
static int shake_hands(struct socks_client *client)
{
    int result = 0;

    while (result >= 0 && client->socks.state < SOCKS_CONNECTED) {
        result = say(client);
        if (result == 0)
            result = hear(client);
    }
    client->layer.failure = client->socks.failure;
    if (client->socks.state == SOCKS_FAILED)
        return client->socks.error;
    return result < 0 ? result : 0;
}

/* ---- A stream ---- */

static int read_through(struct stream *stream, void *buffer, size_t size)
{
    int result = shake_hands(of(stream));

    return result < 0 ? result : stream_read(of(stream)->layer.below, buffer, size);
}

static int write_through(struct stream *stream, const struct iovec pieces[], size_t count)
{
    int result = shake_hands(of(stream));

    return result < 0 ? result : stream_write(of(stream)->layer.below, pieces, count);
}

static void close_client(struct stream *stream, enum stream_end end)
{
    stream_close(of(stream)->layer.below, end);
    free(stream);
}

static unsigned waits(const struct stream *stream, unsigned wanted)
{
    const struct socks_client *client = of_const(stream);

    if (client->socks.state >= SOCKS_CONNECTED)
        return stream_waits(client->layer.below, wanted);
    return stream_waits(
            client->layer.below, socks_wanted(&client->socks) > 0 ? STREAM_IN : STREAM_OUT);
}

int socks_client_open(struct stream **out, struct stream *below, const struct socks_wish *wish)
{
    static const struct stream_functions functions = {
        .read = read_through,
        .write = write_through,
        .shutdown = stream_layer_shutdown,
        .hasten = stream_layer_hasten,
        .close = close_client,
        .waits = waits,
        .fd = stream_layer_fd,
        .failure = stream_layer_failure,
        .peer = stream_layer_peer,
    };
    struct socks_client *client = stream_layer_new(sizeof(*client), &functions, below);

    if (!client)
        return -ENOMEM;
    *out = &client->layer.stream;
    if (socks_init(&client->socks, wish))
        return 0;
    stream_close(*out, STREAM_END_CLEAN);
    return -EINVAL;
}
