/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_layer.h"

#include <stdlib.h>

/* stream is the first member of the first member, so its address is the whole's. */
static const struct stream_layer *of(const struct stream *stream)
{
    return (const struct stream_layer *)stream;
}

void *stream_layer_new(size_t size, const struct stream_functions *functions, struct stream *below)
{
    struct stream_layer *layer = calloc(1, size);

    if (!layer) {
        stream_close(below, STREAM_END_CLEAN);
        return NULL;
    }
    layer->stream.functions = functions;
    layer->below = below;
    return layer;
}

const char *stream_layer_failure(const struct stream *stream)
{
    const char *failure = of(stream)->failure;

    return failure ? failure : stream_failure(of(stream)->below);
}

int stream_layer_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    return stream_write(of(stream)->below, pieces, count);
}

int stream_layer_shutdown(struct stream *stream)
{
    return stream_shutdown(of(stream)->below);
}

void stream_layer_hasten(struct stream *stream)
{
    stream_hasten(of(stream)->below);
}

int stream_layer_fd(const struct stream *stream)
{
    return stream_fd(of(stream)->below);
}

void stream_layer_peer(const struct stream *stream, struct stream_peer *out)
{
    stream_peer(of(stream)->below, out);
}

const char *stream_layer_objection(struct stream *stream, const struct tls_server *tls)
{
    return stream_objection(of(stream)->below, tls);
}
