/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of a WebSocket (RFC 6455) that carries MQTT: a stream over any other one.
 *
 * It reads the client's request and answers it, then gives the bytes that come in binary frames,
 * however they are cut, and puts each write into one binary frame. Pings are answered here. An idle
 * one keeps nothing but itself: no buffer, no frame.
 */
#ifndef NET_WEBSOCKET_H
#define NET_WEBSOCKET_H

#include "net/network.h"
#include "net/stream.h"

enum {
    WEBSOCKET_HEAD_SIZE = 4096, /* default for head_size_max */
    /* Bytes in a frame from a client, or in a compressed message of it once that is unpacked:
     * MQTT's largest packet. */
    WEBSOCKET_FRAME_SIZE_MAX = 268435460,
    WEBSOCKET_PONGS_MAX = 2, /* answers that wait: one half written, and that to the last ping */
};

/* What is asked of a client's request; borrowed until that is answered, and may change before. */
struct websocket_options {
    const char *path;     /* the only one that is served, "/mqtt"; NULL: any */
    const char *origins;  /* the Origins that are let in, with blanks between; NULL or "": any */
    size_t head_size_max; /* bytes of the request's head; 0: WEBSOCKET_HEAD_SIZE */
    bool compression;     /* messages are compressed for clients that offer it */
    /* Proxies whose X-Forwarded-For tells who the client is; NULL: none. */
    const struct network_list *trusted;
};

/**
 * Makes a stream of `below`, on which a client is about to ask for a WebSocket.
 *
 * Of the client's sub-protocols it takes the first that is "mqtt" or "mqttv3.1", and names it in
 * the answer. A client that offers none is let in, as there is nothing else to speak here; one that
 * offers only others is refused. What is no such request gets an HTTP answer that says why (400,
 * 403, 404, 405, 426 or 431), and the read fails with -EPROTO. So it does, after a close frame with
 * the reason, where a client sends text (1003), breaks the rules of frames (1002), sends too large
 * a frame (1009), or a compressed message that is malformed (1007) or holds too much (1009). Such a
 * message is unpacked as it is read, no further than there is room. Where a trusted proxy is
 * connected, stream_peer() tells the client that it names, once the request is read; a request that
 * names something else than an address gets 400. Once the client has sent its own close frame, that
 * is answered and the stream is at its end.
 *
 * Takes `below`, also on failure. Returns 0, or -ENOMEM.
 */
int websocket_open(
        struct stream **out, struct stream *below, const struct websocket_options *options);

/* Calls something of each library that a WebSocket needs, so that it is loaded from then on: once
 * there are clients, they may have left no descriptor to load it by. */
void websocket_prepare(void);

#endif
