/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream over another one, and what such a stream passes on as it is: the functions here fit into
 * its table.
 */
#ifndef NET_STREAM_LAYER_H
#define NET_STREAM_LAYER_H

#include "net/stream.h"

/* The first member of every stream that stands on another one. */
struct stream_layer {
    struct stream stream;
    struct stream *below;
    const char *failure; /* why this layer has failed, in words that last; NULL: it has not */
};

/**
 * Memory of calloc() for a stream of so many bytes, which begins with a layer on `below`. NULL when
 * memory is short; below is closed then.
 */
void *stream_layer_new(size_t size, const struct stream_functions *functions, struct stream *below);

/* What the layer itself knows, or else the one below. */
const char *stream_layer_failure(const struct stream *stream);

/* As the stream below does it. */
int stream_layer_write(struct stream *stream, const struct iovec pieces[], size_t count);
int stream_layer_shutdown(struct stream *stream);
void stream_layer_hasten(struct stream *stream);
int stream_layer_fd(const struct stream *stream);
void stream_layer_peer(const struct stream *stream, struct stream_peer *out);
const char *stream_layer_objection(struct stream *stream, const struct tls_server *tls);

#endif
