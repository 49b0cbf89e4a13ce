/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one side of a connection sends by a WebSocket (RFC 6455), taken apart: the head of HTTP, and
 * then frames, out of which the bytes of MQTT come.
 */
#ifndef CLI_DECODE_WEBSOCKET_H
#define CLI_DECODE_WEBSOCKET_H

#include "base/bytes.h"

#include "mqtt/packet.h"

enum { DECODE_WEBSOCKET_HEAD_MAX = 16384 }; /* bytes of a head; a longer one is not read */

enum decode_websocket_kind {
    WEBSOCKET_HEAD,    /* bytes: its first line */
    WEBSOCKET_DATA,    /* bytes: of MQTT, unmasked */
    WEBSOCKET_CONTROL, /* bytes: what is in it; opcode */
    WEBSOCKET_NOTHING, /* the header of a frame with data */
    WEBSOCKET_WRONG,   /* why: the rest cannot be read */
};

struct decode_websocket_piece {
    enum decode_websocket_kind kind;
    struct bytes bytes; /* borrows from the data */
    uint8_t opcode;
    const char *why; /* a phrase that lasts */
};

/* Its zero value is the beginning, before a head. */
struct decode_websocket {
    bool has_head; /* what comes are frames */
    bool masked;
    uint8_t mask[4];
    uint64_t at;   /* how much of the frame's payload was there */
    uint64_t left; /* of it */
};

/* Whether data begin as a head does, as far as they have come: no packet of MQTT begins so. */
bool decode_websocket_begins(struct bytes data);

/**
 * Takes the next piece off the front of `data`, which it unmasks in place.
 *
 * Returns its size with *out, or 0 when more must come first.
 */
size_t decode_websocket_next(struct decode_websocket *websocket, uint8_t *data, size_t size,
        enum mqtt_sender sender, struct decode_websocket_piece *out);

#endif
