/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_websocket.h"

#include <strings.h>

enum {
    FIN = 0x80,
    COMPRESSED = 0x40,
    RESERVED = 0x30,
    MASKED = 0x80,
    LENGTH_OF_TWO = 126,   /* says that the length is in the next two bytes */
    LENGTH_OF_EIGHT = 127, /* or eight */
    MASK_SIZE = 4,
    CONTINUATION = 0,
    TEXT = 1,
    BINARY = 2,
    CONTROL = 8, /* a bit of their opcodes */
    CONTROL_MAX = 125,
};

static size_t wrong(struct decode_websocket_piece *out, const char *why)
{
    out->kind = WEBSOCKET_WRONG;
    out->why = why;
    return 1;
}

/* ---- The head ---- */

bool decode_websocket_begins(struct bytes data)
{
    struct bytes get = bytes_first(BYTES("GET "), data.size < 4 ? data.size : 4);
    struct bytes http = bytes_first(BYTES("HTTP/"), data.size < 5 ? data.size : 5);

    return bytes_start_with(data, get) || bytes_start_with(data, http);
}

/* Where `text` is in the data, whatever the case of its letters; NULL: nowhere. */
static const uint8_t *find(struct bytes data, const char *text)
{
    size_t size = strlen(text);

    for (size_t at = 0; at + size <= data.size; at++)
        if (strncasecmp((const char *)data.data + at, text, size) == 0)
            return data.data + at;
    return NULL;
}

/* Whether a line with that field and those words is in the head. */
static bool says(struct bytes head, const char *name, const char *words)
{
    const uint8_t *at = find(head, name);
    struct bytes line;
    const uint8_t *end;

    if (!at)
        return false;
    line = bytes_from(head, (size_t)(at - head.data));
    end = find(bytes_from(line, 2), "\r\n");
    return find(bytes_first(line, end ? (size_t)(end - line.data) : line.size), words) != NULL;
}

static const char *judge_head(struct bytes head, enum mqtt_sender sender)
{
    if (sender == MQTT_FROM_SERVER && !bytes_start_with(head, BYTES("HTTP/1.1 101")))
        return "the server grants no WebSocket";
    if (!says(head, "\r\nupgrade:", "websocket"))
        return "this is HTTP, and no WebSocket";
    if (!says(head, "\r\nsec-websocket-protocol:", "mqtt"))
        return sender == MQTT_FROM_SERVER
                ? "the WebSocket is not granted for \"mqtt\" [MQTT5-6.0.0-4]"
                : "the WebSocket is not asked for \"mqtt\" [MQTT5-6.0.0-3]";
    return NULL;
}

static size_t take_head(struct decode_websocket *websocket, struct bytes data,
        enum mqtt_sender sender, struct decode_websocket_piece *out)
{
    const uint8_t *line_end = find(data, "\r\n");
    const uint8_t *end = find(data, "\r\n\r\n");
    size_t size;

    if (!end && data.size > DECODE_WEBSOCKET_HEAD_MAX)
        return wrong(out, "the head of HTTP is too long");
    if (!end)
        return 0;
    size = (size_t)(end - data.data) + 4;
    out->why = judge_head(bytes_first(data, size), sender);
    out->kind = out->why ? WEBSOCKET_WRONG : WEBSOCKET_HEAD;
    out->bytes = bytes_first(data, (size_t)(line_end - data.data));
    websocket->has_head = true;
    return size;
}

/* ---- Frames ---- */

/* The size of a frame's header; *payload gets that of the payload. 0: it is not whole. */
static size_t header_size(struct bytes data, uint64_t *payload)
{
    size_t more = 0;

    if (data.size < 2)
        return 0;
    *payload = data.data[1] & ~(unsigned)MASKED;
    if (*payload == LENGTH_OF_TWO)
        more = 2;
    else if (*payload == LENGTH_OF_EIGHT)
        more = 8;
    if (data.size < 2 + more + (data.data[1] & MASKED ? MASK_SIZE : 0))
        return 0;
    if (more > 0)
        *payload = 0;
    for (size_t i = 0; i < more; i++)
        *payload = *payload << 8 | data.data[2 + i];
    return 2 + more + (data.data[1] & MASKED ? MASK_SIZE : 0);
}

static const char *judge_frame(const uint8_t *header, uint64_t size, enum mqtt_sender sender)
{
    uint8_t opcode = header[0] & 0xf;

    if (header[0] & COMPRESSED)
        return "these messages are compressed (permessage-deflate), which cannot be read; capture "
               "a client that does not offer it";
    if (header[0] & RESERVED || (opcode & CONTROL ? opcode > 10 : opcode > BINARY))
        return "this is no frame of a WebSocket";
    if (opcode == TEXT)
        return "a frame of text; packets go in binary ones [MQTT5-6.0.0-1]";
    if (((header[1] & MASKED) != 0) != (sender == MQTT_FROM_CLIENT))
        return "a client's frames are masked, and a server's are not; this is the other way";
    if (opcode & CONTROL && (size > CONTROL_MAX || !(header[0] & FIN)))
        return "a control frame that is too long, or cut";
    return NULL;
}

static void unmask(struct decode_websocket *websocket, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && websocket->masked; i++)
        data[i] ^= websocket->mask[(websocket->at + i) % MASK_SIZE];
    websocket->at += size;
    websocket->left -= size;
}

static size_t take_frame(struct decode_websocket *websocket, uint8_t *data, size_t size,
        enum mqtt_sender sender, struct decode_websocket_piece *out)
{
    uint64_t payload = 0;
    size_t header = header_size(bytes_of(data, size), &payload);
    const char *why = header > 0 ? judge_frame(data, payload, sender) : NULL;
    bool control = size > 0 && data[0] & CONTROL;

    if (why)
        return wrong(out, why);
    if (header == 0 || (control && size - header < payload))
        return 0;
    websocket->masked = data[1] & MASKED;
    if (websocket->masked)
        memcpy(websocket->mask, data + header - MASK_SIZE, MASK_SIZE);
    websocket->at = 0;
    websocket->left = payload;
    out->kind = WEBSOCKET_NOTHING;
    if (!control)
        return header;
    unmask(websocket, data + header, (size_t)payload);
    out->kind = WEBSOCKET_CONTROL;
    out->opcode = data[0] & 0xf;
    out->bytes = bytes_of(data + header, (size_t)payload);
    return header + (size_t)payload;
}

size_t decode_websocket_next(struct decode_websocket *websocket, uint8_t *data, size_t size,
        enum mqtt_sender sender, struct decode_websocket_piece *out)
{
    *out = (struct decode_websocket_piece){ 0 };
    if (!websocket->has_head)
        return take_head(websocket, bytes_of(data, size), sender, out);
    if (websocket->left == 0)
        return take_frame(websocket, data, size, sender, out);
    if (size > websocket->left)
        size = (size_t)websocket->left;
    unmask(websocket, data, size);
    out->kind = WEBSOCKET_DATA;
    out->bytes = bytes_of(data, size);
    return size;
}
