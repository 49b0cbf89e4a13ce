/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket_client.h"

#include "net/stream_layer.h"
#include "net/websocket_key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    MASK_SIZE = 4,
    HEADER_MAX = 4 + MASK_SIZE, /* of a frame of ours */
    CONTROL_MAX = 125,          /* bytes in a control frame */
    KEY_BYTES = 16,
    FIN = 0x80,
    RESERVED = 0x70,
    MASKED = 0x80,
    LENGTH_OF_TWO = 126,   /* says that the length is in the next two bytes */
    LENGTH_OF_EIGHT = 127, /* or eight */
};

enum opcode {
    OPCODE_CONTINUATION = 0,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
};

enum handshake { ASKS, AWAITS, GRANTED };

/* What is to be written of a buffer. */
struct outgoing {
    size_t start;
    size_t end;
};

struct websocket_client {
    struct stream_layer layer;
    enum handshake handshake;
    int error;      /* it has failed with this -errno; 0: it has not */
    bool ended;     /* the server has closed it */
    bool closing;   /* our close frame is written */
    bool continues; /* the message has not ended */
    bool partial;   /* what is there is a part of a header or of a control frame */

    /* What comes: the answer's head, then frames as far as they were not given yet. */
    size_t in_start;
    size_t in_end;
    uint64_t left; /* of the frame's payload */

    /* What goes. The frame stays until all of it is gone: then it counts as written. */
    struct outgoing frame;
    struct outgoing controls;
    size_t begun_size; /* bytes of the caller's in the frame */
    char accept[WEBSOCKET_ACCEPT_SIZE];
    uint8_t control[2 * (HEADER_MAX + CONTROL_MAX)]; /* a pong and a close frame */
    uint8_t in[WEBSOCKET_CLIENT_HEAD_SIZE];
    uint8_t out[HEADER_MAX + WEBSOCKET_CLIENT_FRAME_SIZE];
};

/* layer.stream is the first member, so its address is the whole's. */
static struct websocket_client *of(struct stream *stream)
{
    return (struct websocket_client *)stream;
}

static const struct websocket_client *of_const(const struct stream *stream)
{
    return (const struct websocket_client *)stream;
}

static int fail(struct websocket_client *client, const char *failure)
{
    client->layer.failure = failure;
    client->error = -EBADMSG;
    return -EBADMSG;
}

/* ---- Writing ---- */

/* Writes what is left. 0 when all is gone, -EAGAIN, or another -errno. */
static int drain(struct stream *below, struct outgoing *outgoing, const uint8_t *data)
{
    while (outgoing->start < outgoing->end) {
        struct iovec piece =
                stream_piece(bytes_of(data + outgoing->start, outgoing->end - outgoing->start));
        int result = stream_write(below, &piece, 1);

        if (result < 0)
            return result;
        outgoing->start += (size_t)result;
    }
    outgoing->start = outgoing->end = 0;
    return 0;
}

/* A frame that has begun goes first, for nothing may come into it. */
static int drain_all(struct websocket_client *client)
{
    int result = drain(client->layer.below, &client->frame, client->out);

    return result < 0 ? result : drain(client->layer.below, &client->controls, client->control);
}

/* Writes a header with a mask, by which what follows is to be masked. Returns its size. */
static size_t write_header(uint8_t *out, enum opcode opcode, size_t size)
{
    size_t used = 0;

    out[used++] = (uint8_t)(FIN | opcode);
    if (size < LENGTH_OF_TWO) {
        out[used++] = (uint8_t)(MASKED | size);
    } else {
        out[used++] = MASKED | LENGTH_OF_TWO;
        out[used++] = (uint8_t)(size >> 8);
        out[used++] = (uint8_t)size;
    }
    /* A mask that could be foretold is no help to a proxy that is fooled; without chance, none. */
    if (RAND_bytes(out + used, MASK_SIZE) != 1)
        memset(out + used, 0, MASK_SIZE);
    return used + MASK_SIZE;
}

static void put_control(struct websocket_client *client, enum opcode opcode, struct bytes payload)
{
    uint8_t *out = client->control + client->controls.end;
    size_t header;

    if (sizeof(client->control) - client->controls.end < HEADER_MAX + payload.size)
        return; /* the answer to a ping before is still on its way, and serves for this one */
    header = write_header(out, opcode, payload.size);
    for (size_t i = 0; i < payload.size; i++)
        out[header + i] = payload.data[i] ^ out[header - MASK_SIZE + i % MASK_SIZE];
    client->controls.end += header + payload.size;
}

/* Makes the next frame of the pieces. */
static void begin_frame(struct websocket_client *client, const struct iovec pieces[], size_t count)
{
    uint8_t *out = client->out;
    size_t size = 0, used = 0, header;

    for (size_t i = 0; i < count && size < WEBSOCKET_CLIENT_FRAME_SIZE; i++)
        size += pieces[i].iov_len;
    if (size > WEBSOCKET_CLIENT_FRAME_SIZE)
        size = WEBSOCKET_CLIENT_FRAME_SIZE;
    header = write_header(out, OPCODE_BINARY, size);
    for (size_t i = 0; used < size; i++) {
        const uint8_t *from = pieces[i].iov_base;

        for (size_t j = 0; j < pieces[i].iov_len && used < size; j++, used++)
            out[header + used] = from[j] ^ out[header - MASK_SIZE + used % MASK_SIZE];
    }
    client->begun_size = size;
    client->frame = (struct outgoing){ .end = header + size };
}

static int shake_hands(struct websocket_client *client);

static int write_frames(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct websocket_client *client = of(stream);
    int result = client->error;

    if (result == 0)
        result = shake_hands(client);
    if (result == 0 && client->begun_size == 0) {
        result = drain_all(client);
        if (result == 0)
            begin_frame(client, pieces, count);
    }
    if (result == 0)
        result = drain_all(client);
    if (result < 0)
        return result;
    result = (int)client->begun_size;
    client->begun_size = 0;
    return result;
}

/* ---- The handshake ---- */

/* Reads more behind what is there. The number of bytes, 0 at the end, or -errno. */
static int fill(struct websocket_client *client)
{
    int result;

    if (client->in_start > 0) {
        memmove(client->in, client->in + client->in_start, client->in_end - client->in_start);
        client->in_end -= client->in_start;
        client->in_start = 0;
    }
    result = stream_read(
            client->layer.below, client->in + client->in_end, sizeof(client->in) - client->in_end);
    if (result > 0)
        client->in_end += (size_t)result;
    return result;
}

/* The value of a field in the head, up to its line's end; empty when there is none. */
static struct bytes field(const char *head, const char *name)
{
    const char *value = strcasestr(head, name);

    if (!value)
        return (struct bytes){ 0 };
    value += strlen(name);
    value += strspn(value, " \t");
    return bytes_of(value, strcspn(value, "\r\n"));
}

static bool is(struct bytes value, const char *wanted)
{
    return value.size == strlen(wanted) &&
            strncasecmp((const char *)value.data, wanted, value.size) == 0;
}

/* A head with a NUL in it ends there. */
static int judge(struct websocket_client *client, const char *head)
{
    static const char granted[] = "HTTP/1.1 101";

    if (strncmp(head, granted, sizeof(granted) - 1) != 0)
        return fail(client, "the server does not grant a WebSocket at this path");
    if (!is(field(head, "\nUpgrade:"), "websocket") ||
            !bytes_equal(field(head, "\nSec-WebSocket-Accept:"), bytes_of_text(client->accept)))
        return fail(client, "the server's answer is none to a request for a WebSocket");
    if (!bytes_equal(field(head, "\nSec-WebSocket-Protocol:"), BYTES("mqtt")) ||
            field(head, "\nSec-WebSocket-Extensions:").size > 0)
        return fail(client, "the server grants a WebSocket, but none for MQTT");
    client->handshake = GRANTED;
    return 0;
}

static int read_answer(struct websocket_client *client)
{
    for (;;) {
        uint8_t *end = memmem(client->in, client->in_end, "\r\n\r\n", 4);
        int result;

        if (end) {
            *end = '\0';
            client->in_start = (size_t)(end - client->in) + 4;
            return judge(client, (const char *)client->in);
        }
        if (client->in_end == sizeof(client->in))
            return fail(client, "the server's answer to the request for a WebSocket is too long");
        result = fill(client);
        if (result == 0)
            return fail(client,
                    "the server has closed the connection instead of an answer; does it "
                    "speak WebSocket at this port, and with TLS or without?");
        if (result < 0)
            return result;
    }
}

/* 0 when the WebSocket stands. */
static int shake_hands(struct websocket_client *client)
{
    int result = 0;

    if (client->handshake == ASKS) {
        result = drain_all(client);
        if (result == 0)
            client->handshake = AWAITS;
    }
    return result == 0 && client->handshake == AWAITS ? read_answer(client) : result;
}

/* ---- Reading ---- */

static int break_rules(struct websocket_client *client)
{
    return fail(client, "the server sends text, or breaks the rules of WebSocket frames");
}

static int take_control(struct websocket_client *client, enum opcode opcode, struct bytes payload)
{
    switch (opcode) {
    case OPCODE_PING:
        put_control(client, OPCODE_PONG, payload);
        break;
    case OPCODE_CLOSE:
        if (!client->closing)
            put_control(client, OPCODE_CLOSE, bytes_first(payload, payload.size >= 2 ? 2 : 0));
        client->closing = client->ended = true;
        break;
    case OPCODE_PONG:
        break;
    case OPCODE_CONTINUATION:
    case OPCODE_BINARY:
    default:
        return break_rules(client);
    }
    drain_all(client); /* what does not go now goes later */
    return 0;
}

/* The size of the next frame's header, in which the payload's *size is. 0: it is not whole. */
static size_t read_header(const struct websocket_client *client, uint64_t *size)
{
    const uint8_t *in = client->in + client->in_start;
    size_t there = client->in_end - client->in_start;
    size_t more = 0;

    if (there < 2)
        return 0;
    *size = in[1] & 0x7f;
    if (*size == LENGTH_OF_TWO)
        more = 2;
    else if (*size == LENGTH_OF_EIGHT)
        more = 8;
    if (there < 2 + more)
        return 0;
    if (more > 0)
        *size = 0;
    for (size_t i = 0; i < more; i++)
        *size = *size << 8 | in[2 + i];
    return 2 + more;
}

/* Takes the next frame's header, and all of a control frame. 0; -EAGAIN: it is not there yet. */
static int take_frame(struct websocket_client *client)
{
    uint64_t size = 0;
    size_t header = read_header(client, &size);
    const uint8_t *in = client->in + client->in_start;
    enum opcode opcode = (enum opcode)(in[0] & 0xf);

    if (header == 0)
        return -EAGAIN;
    if (in[0] & RESERVED || in[1] & MASKED)
        return break_rules(client);
    if (opcode == OPCODE_BINARY || opcode == OPCODE_CONTINUATION) {
        if (client->continues != (opcode == OPCODE_CONTINUATION))
            return break_rules(client);
        client->continues = !(in[0] & FIN);
        client->left = size;
        client->in_start += header;
        return 0;
    }
    if (size > CONTROL_MAX || !(in[0] & FIN))
        return break_rules(client);
    if (client->in_end - client->in_start < header + size)
        return -EAGAIN;
    client->in_start += header + size;
    return take_control(client, opcode, bytes_of(in + header, size));
}

/* Bytes of the payload: those that are here, or else the next ones from below. */
static int give(struct websocket_client *client, void *buffer, size_t size)
{
    size_t there = client->in_end - client->in_start;
    int result;

    if (size > client->left)
        size = (size_t)client->left;
    if (there == 0) {
        result = stream_read(client->layer.below, buffer, size);
        if (result > 0)
            client->left -= (uint64_t)result;
        return result;
    }
    if (size > there)
        size = there;
    memcpy(buffer, client->in + client->in_start, size);
    client->in_start += size;
    client->left -= size;
    return (int)size;
}

static int read_frames(struct stream *stream, void *buffer, size_t size)
{
    struct websocket_client *client = of(stream);
    int result = client->error;

    if (result == 0)
        result = shake_hands(client);
    if (result == 0 && client->controls.end > 0) {
        result = drain_all(client);
        result = result == -EAGAIN ? 0 : result;
    }
    while (result == 0) {
        if (client->ended)
            return 0;
        if (client->left > 0)
            return give(client, buffer, size);
        result = take_frame(client);
        if (result == -EAGAIN) {
            client->partial = true;
            result = fill(client);
            if (result <= 0)
                return result;
            client->partial = false;
            result = 0;
        }
    }
    return result;
}

/* ---- The rest ---- */

static int shut(struct stream *stream)
{
    struct websocket_client *client = of(stream);
    static const uint8_t normal[] = { 0x03, 0xe8 };
    int result = 0;

    if (client->error == 0 && client->handshake == GRANTED) {
        if (!client->closing)
            put_control(client, OPCODE_CLOSE, bytes_of(normal, sizeof(normal)));
        client->closing = true;
        result = drain_all(client);
    }
    return result == -EAGAIN ? result : stream_shutdown(client->layer.below);
}

static void close_client(struct stream *stream, enum stream_end end)
{
    struct websocket_client *client = of(stream);

    if (end == STREAM_END_CLEAN)
        shut(stream);
    stream_close(client->layer.below, end);
    free(client);
}

static unsigned waits(const struct stream *stream, unsigned wanted)
{
    const struct websocket_client *client = of_const(stream);
    unsigned below = wanted & STREAM_IN;
    unsigned ready = 0;

    if (client->handshake == AWAITS)
        below = STREAM_IN;
    else if (wanted & STREAM_OUT || client->controls.end > 0)
        below |= STREAM_OUT;
    if (wanted & STREAM_IN && client->handshake == GRANTED && client->in_start < client->in_end &&
            !client->partial)
        ready = STREAM_READY;
    return stream_waits(client->layer.below, below) | ready;
}

/* ---- Making ---- */

/* Puts the request where the first frame will be. */
static bool write_request(struct websocket_client *client, const char *host, const char *path)
{
    uint8_t chance[KEY_BYTES];
    uint8_t key[WEBSOCKET_KEY_SIZE + 1];
    int size;

    if (RAND_bytes(chance, sizeof(chance)) != 1)
        return false;
    EVP_EncodeBlock(key, chance, sizeof(chance));
    websocket_key_accept(client->accept, bytes_of(key, WEBSOCKET_KEY_SIZE));
    size = snprintf((char *)client->out, sizeof(client->out),
            "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: mqtt\r\n\r\n",
            path, host, (const char *)key);
    client->frame.end = (size_t)size;
    return size > 0 && (size_t)size < sizeof(client->out);
}

int websocket_client_open(
        struct stream **out, struct stream *below, const char *host, const char *path)
{
    static const struct stream_functions functions = {
        .read = read_frames,
        .write = write_frames,
        .shutdown = shut,
        .hasten = stream_layer_hasten,
        .close = close_client,
        .waits = waits,
        .fd = stream_layer_fd,
        .failure = stream_layer_failure,
        .peer = stream_layer_peer,
    };
    struct websocket_client *client = stream_layer_new(sizeof(*client), &functions, below);

    if (!client)
        return -ENOMEM;
    *out = &client->layer.stream;
    if (write_request(client, host, path))
        return 0;
    stream_close(*out, STREAM_END_CLEAN);
    return -EINVAL;
}
