/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections in captured traffic: segments of TCP are put in order, MQTT is taken out of the
 * frames of WebSockets, and packets are told as soon as they are whole.
 */
#ifndef CLI_DECODE_STREAM_H
#define CLI_DECODE_STREAM_H

#include "cli/decode_capture.h"
#include "cli/decode_websocket.h"

#include "mqtt/packet.h"

#include <stdio.h>

enum {
    STREAM_CONNECTIONS_MAX = 4096, /* the oldest makes room for the next */
    STREAM_WAITING_MAX = 256,      /* segments of one side that came before those in front */
};

struct stream_segment {
    uint32_t sequence;
    struct bytes bytes; /* borrowed from the capture */
};

/* What one side of a connection sends. */
struct stream_side {
    bool begun;   /* `next` is known */
    bool sniffed; /* its first bytes were looked at */
    bool lost;    /* what it sends cannot be decoded any more */
    uint32_t next;
    bool framed; /* it comes by a WebSocket */
    struct decode_websocket websocket;
    uint8_t *data; /* the front of a packet that is not whole, and what of frames is behind it */
    size_t plain;  /* of that, bytes of MQTT */
    size_t size;
    size_t capacity;
    struct stream_segment waiting[STREAM_WAITING_MAX];
    size_t waiting_count;
};

struct stream {
    uint8_t client[CAPTURE_ADDRESS_SIZE];
    uint8_t server[CAPTURE_ADDRESS_SIZE];
    uint16_t client_port;
    uint16_t server_port;
    unsigned version;            /* as decode_packet() has it */
    struct stream_side sides[2]; /* by enum mqtt_sender */
};

struct streams {
    struct stream *streams[STREAM_CONNECTIONS_MAX];
    size_t count;
    size_t oldest;
    unsigned version; /* of connections whose CONNECT is not seen */
    bool framed;      /* connections whose beginning is not seen are WebSockets */
};

/**
 * Takes a segment of TCP, from the client where `sender` says so; its payload must stay as long as
 * the streams. Prints what has become whole; `heading` is called before each packet.
 *
 * Returns false when a packet breaks the standard, the traffic is of another protocol, bytes are
 * missing, or memory is short.
 */
bool streams_take(struct streams *streams, FILE *out, const struct capture_packet *packet,
        enum mqtt_sender sender, void (*heading)(FILE *out, const void *context),
        const void *context);

/* Tells packets that never became whole; false when there are any. */
bool streams_end(struct streams *streams, FILE *out);

void streams_deinit(struct streams *streams);

#endif
