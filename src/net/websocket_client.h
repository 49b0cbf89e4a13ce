/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of a WebSocket (RFC 6455) that carries MQTT: a stream over any other one.
 *
 * The first write sends the request, and none takes a byte before the server has granted it. Each
 * write is put into one binary frame; reads give the bytes of binary frames, however they are cut.
 * Pings are answered here.
 */
#ifndef NET_WEBSOCKET_CLIENT_H
#define NET_WEBSOCKET_CLIENT_H

#include "net/stream.h"

enum {
    WEBSOCKET_CLIENT_HEAD_SIZE = 8192,  /* bytes of the server's answer at most */
    WEBSOCKET_CLIENT_FRAME_SIZE = 16384 /* bytes of a frame of ours at most */
};

/**
 * Makes a stream of `below`, which it takes, also on failure. `host` goes into the request, with
 * the port where that is to be named, and so does `path`; both without anything to be escaped.
 *
 * Reads and writes fail with -EBADMSG where the server does not grant a WebSocket for "mqtt", or
 * breaks the rules of frames; stream_failure() says which. Once the server has sent a close frame,
 * that is answered and the stream is at its end.
 *
 * Returns 0, -ENOMEM, or -EINVAL where host or path are too long.
 */
int websocket_client_open(
        struct stream **out, struct stream *below, const char *host, const char *path);

#endif
