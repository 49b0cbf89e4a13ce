/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket.h"

#include "net/compression.h"
#include "net/forwarded.h"
#include "net/http.h"
#include "net/stream_layer.h"
#include "net/websocket_key.h"
#include "net/websocket_request.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <wslay/wslay.h>

enum {
    CONTROL_MAX = 125, /* bytes in a control frame */
    HEADER_MAX = 10,   /* of a frame that we send: it has no mask */
    MASK_SIZE = 4,
    FIN = 0x80,
    RSV1 = 0x40,
    LENGTH_OF_TWO = 126,   /* says that the length is in the next two bytes */
    LENGTH_OF_EIGHT = 127, /* or eight */
    OUTBOX_SIZE = HTTP_ANSWER_SIZE,
    PIECES_MAX = 64, /* of one frame that go out at once, its header included */
};

static_assert(WEBSOCKET_PONGS_MAX * (2 + CONTROL_MAX) + 2 + CONTROL_MAX <= OUTBOX_SIZE,
        "all control frames that may wait find room: pongs, and a close frame");

/* The client's request, as long as there is something to do about it. */
struct handshake {
    struct http_request request;
    size_t size;     /* of what came */
    size_t size_max; /* of head */
    size_t taken;    /* after the answer: how much of it is done with */
    uint8_t head[];
};

/* A frame that has begun to come: wslay's part of it takes 4 KiB. */
struct inflow {
    wslay_frame_context_ptr frames;
    struct bytes rest; /* of what was read, what wslay has not taken yet */
    uint64_t ahead;    /* bytes that wslay has taken of a frame without giving any of it */
    uint64_t left;     /* bytes of the frame's payload that are to come */
    bool inside;       /* of a frame whose first part was given */
    uint8_t control_size;
    uint8_t control[CONTROL_MAX]; /* the payload of a control frame */

    /* Where messages may be compressed, what holds them can be longer than they are. */
    size_t draws;      /* bytes that wslay may still take from below in this read */
    int below;         /* what it got there last, where that was not bytes */
    struct bytes part; /* of a payload, what has not been given; lies in wslay's buffer */
    bool last;         /* with that the message ends */
    bool full;         /* the last read found too little room: more lies here */
};

/* A compressed message that is being written. */
struct packed {
    size_t plain_size; /* of what it was made from */
    size_t size;
    uint8_t data[];
};

/*
 * What we have to say ourselves, and the stream below does not take yet. What it was once offered
 * must come again as it is, so there are two parts: the offered one, and what waits behind it.
 */
struct outbox {
    size_t size;
    size_t offered; /* end of the part that was offered */
    size_t sent;
    size_t pong; /* where the last pong begins */
    bool has_pong;
    uint8_t data[OUTBOX_SIZE];
};

struct websocket {
    struct stream_layer layer;
    const struct websocket_options *options;
    struct handshake *handshake; /* NULL once nothing is left of it */
    struct inflow *inflow;       /* NULL between two frames */
    struct outbox *outbox;       /* NULL when it is empty */
    struct packed *packed;       /* the payload of the frame we write, where that is compressed */
    struct compression_unpacker *unpacker; /* of the message that comes, the same */
    uint32_t message_size; /* of the compressed message that comes, as far as it is unpacked */
    uint32_t frame_left;   /* bytes of the frame we write that the socket has not taken */
    struct compression compression;
    struct address client; /* where a proxy has told it */
    uint8_t header[HEADER_MAX];
    uint8_t header_size; /* of the frame we write; 0: none is begun */
    uint8_t header_sent;
    bool answered;   /* the request, with yes */
    bool forwarded;  /* a proxy has told the client */
    bool fragmented; /* the client's message goes on in the next frame of data */
    bool compressed; /* that message is */
    bool closed;     /* we have said our last */
    bool over;       /* nothing more is read: each read gives `result` */
    bool shut;       /* our side is ended */
    int result;
};

/* layer.stream is the first member, so its address is the whole's. */
static struct websocket *websocket_of(struct stream *stream)
{
    return (struct websocket *)stream;
}

static const struct websocket *websocket_of_const(const struct stream *stream)
{
    return (const struct websocket *)stream;
}

/* ---- What we have to say ourselves ---- */

/* Whether a frame of data is half written: nothing may come in between. */
static bool is_within_frame(const struct websocket *websocket)
{
    return websocket->header_size > 0;
}

/* Writes what waits, as far as it goes. Returns 0 when nothing waits any more, or -errno. */
static int flush(struct websocket *websocket)
{
    struct outbox *outbox = websocket->outbox;

    while (outbox && outbox->sent < outbox->size) {
        struct iovec piece;
        int sent;

        if (is_within_frame(websocket))
            return -EAGAIN;
        if (outbox->sent == outbox->offered)
            outbox->offered = outbox->size;
        piece = (struct iovec){ outbox->data + outbox->sent, outbox->offered - outbox->sent };
        sent = stream_write(websocket->layer.below, &piece, 1);
        if (sent < 0)
            return sent;
        outbox->sent += (size_t)sent;
    }
    free(outbox);
    websocket->outbox = NULL;
    return 0;
}

/* Puts bytes behind what waits; there is room for all that may wait. Returns 0 or -ENOMEM. */
static int say(struct websocket *websocket, const void *data, size_t size)
{
    struct outbox *outbox = websocket->outbox;

    if (!outbox) {
        outbox = calloc(1, sizeof(*outbox));
        if (!outbox)
            return -ENOMEM;
        websocket->outbox = outbox;
    }
    assert(size <= OUTBOX_SIZE - outbox->size);
    memcpy(outbox->data + outbox->size, data, size);
    outbox->size += size;
    return 0;
}

static int say_control(struct websocket *websocket, uint8_t opcode, struct bytes payload)
{
    uint8_t frame[2 + CONTROL_MAX] = { FIN | opcode, (uint8_t)payload.size };

    assert(payload.size <= CONTROL_MAX);
    if (payload.size > 0)
        memcpy(frame + 2, payload.data, payload.size);
    return say(websocket, frame, 2 + payload.size);
}

/* Takes the place of a pong that has not been offered: only the last ping needs an answer. */
static int say_pong(struct websocket *websocket, struct bytes payload)
{
    struct outbox *outbox = websocket->outbox;
    size_t at = outbox ? outbox->size : 0;
    int result;

    if (outbox && outbox->has_pong && outbox->pong >= outbox->offered)
        outbox->size = at = outbox->pong;
    result = say_control(websocket, WSLAY_PONG, payload);
    if (result == 0) {
        websocket->outbox->pong = at;
        websocket->outbox->has_pong = true;
    }
    return result;
}

/* From here on nothing is read: a read gives `result`. */
static int end(struct websocket *websocket, int result, const char *failure)
{
    websocket->over = true;
    websocket->result = result;
    websocket->layer.failure = failure;
    return result;
}

/* Says the last frame. A code of 0 stands for none. */
static int say_close(struct websocket *websocket, unsigned code)
{
    uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };

    if (websocket->closed)
        return 0;
    websocket->closed = true;
    return say_control(websocket, WSLAY_CONNECTION_CLOSE, bytes_of(payload, code > 0 ? 2 : 0));
}

/* The client broke a rule: it is told which, as far as that goes without waiting. */
static void fail(struct websocket *websocket, unsigned code, const char *failure)
{
    if (say_close(websocket, code) == 0)
        flush(websocket);
    end(websocket, -EPROTO, failure);
}

/* ---- The handshake ---- */

static int say_yes(struct websocket *websocket, const struct http_request *request)
{
    char extension[COMPRESSION_ANSWER_SIZE] = "";
    char answer[HTTP_ANSWER_SIZE];

    if (websocket->options->compression)
        compression_agree(&websocket->compression, extension, request);
    return say(websocket, answer, websocket_request_accept(answer, request, extension));
}

static int refuse(struct websocket *websocket, const struct websocket_refusal *refusal)
{
    char answer[HTTP_ANSWER_SIZE];
    size_t size = http_refusal(answer, refusal->status, refusal->fields, refusal->text);

    websocket->closed = true;
    if (say(websocket, answer, size) == 0)
        flush(websocket);
    return end(websocket, -EPROTO, refusal->text);
}

static void free_handshake(struct websocket *websocket)
{
    free(websocket->handshake);
    websocket->handshake = NULL;
}

/* What came behind the request is read first. */
static int accept_request(struct websocket *websocket)
{
    struct handshake *handshake = websocket->handshake;
    int result = say_yes(websocket, &handshake->request);

    if (result < 0)
        return result;
    websocket->answered = true;
    handshake->taken = handshake->request.read;
    if (handshake->taken == handshake->size)
        free_handshake(websocket);
    result = flush(websocket);
    return result == 0 ? -EAGAIN : result;
}

static bool is_trusted(const struct websocket *websocket, const struct stream_peer *peer)
{
    const struct network_list *trusted = websocket->options->trusted;

    return trusted && network_list_contains(trusted, &peer->address);
}

/* Takes a trusted proxy's word. False when that is no good. */
static bool take_client(struct websocket *websocket, const struct http_request *request)
{
    struct stream_peer peer;
    enum forwarded found = FORWARDED_NOTHING;

    stream_peer(websocket->layer.below, &peer);
    if (is_trusted(websocket, &peer))
        found = forwarded_find(&websocket->client, request, websocket->options->trusted);
    websocket->forwarded = found == FORWARDED_CLIENT;
    return found != FORWARDED_BAD;
}

/* Reads the request on, and answers it once it is whole. Returns -EAGAIN, 0 or -errno as a read. */
static int shake_hands(struct websocket *websocket)
{
    static const struct websocket_refusal bad = { HTTP_STATUS_BAD_REQUEST, "",
        "this is no HTTP request, and this port speaks MQTT over WebSocket" };
    static const struct websocket_refusal large = { HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE, "",
        "the head of the request is too large" };
    static const struct websocket_refusal nameless = { HTTP_STATUS_BAD_REQUEST, "",
        "X-Forwarded-For does not name the client by an address" };
    struct handshake *handshake = websocket->handshake;
    struct websocket_refusal refusal;
    int size = stream_read(websocket->layer.below, handshake->head + handshake->size,
            handshake->size_max - handshake->size);

    if (size <= 0)
        return size;
    handshake->size += (size_t)size;
    switch (http_request_read(&handshake->request, bytes_of(handshake->head, handshake->size))) {
    case HTTP_PARTIAL:
        return handshake->size < handshake->size_max ? -EAGAIN : refuse(websocket, &large);
    case HTTP_TOO_MANY:
        return refuse(websocket, &large);
    case HTTP_BAD:
        return refuse(websocket, &bad);
    case HTTP_WHOLE:
        break;
    }
    if (!take_client(websocket, &handshake->request))
        return refuse(websocket, &nameless);
    refusal = websocket_request_judge(&handshake->request, websocket->options);
    return refusal.status == 0 ? accept_request(websocket) : refuse(websocket, &refusal);
}

/* ---- Frames that come ---- */

/* What came behind the request, or comes now. Returns as a read. */
static int read_frames(struct websocket *websocket, uint8_t *buffer, size_t size)
{
    struct handshake *handshake = websocket->handshake;
    size_t left;

    if (!handshake)
        return stream_read(websocket->layer.below, buffer, size);
    left = handshake->size - handshake->taken;
    if (left > size)
        left = size;
    memcpy(buffer, handshake->head + handshake->taken, left);
    handshake->taken += left;
    if (handshake->taken == handshake->size)
        free_handshake(websocket);
    return (int)left;
}

static bool may_compress(const struct websocket *websocket)
{
    return websocket->compression.window_bits > 0;
}

/* Takes what has been read. Returns how much, or -1. */
static ssize_t take_rest(struct inflow *inflow, uint8_t *buffer, size_t size)
{
    size_t taken = size < inflow->rest.size ? size : inflow->rest.size;

    if (taken == 0)
        return -1;
    memcpy(buffer, inflow->rest.data, taken);
    inflow->rest = bytes_from(inflow->rest, taken);
    return (ssize_t)taken;
}

/* Takes from below. Returns how much, or -1. */
static ssize_t draw(struct websocket *websocket, uint8_t *buffer, size_t size)
{
    struct inflow *inflow = websocket->inflow;
    int result;

    if (size > inflow->draws)
        size = inflow->draws;
    if (size == 0)
        return -1;
    result = read_frames(websocket, buffer, size);
    if (result <= 0) {
        inflow->below = result;
        return -1;
    }
    inflow->draws -= (size_t)result;
    return result;
}

static ssize_t feed_wslay(uint8_t *buffer, size_t size, int flags, void *context)
{
    struct websocket *websocket = context;
    struct inflow *inflow = websocket->inflow;
    ssize_t taken = may_compress(websocket) ? draw(websocket, buffer, size)
                                            : take_rest(inflow, buffer, size);

    (void)flags;
    inflow->ahead += taken > 0 ? (size_t)taken : 0;
    return taken;
}

static struct inflow *inflow_new(struct websocket *websocket)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = feed_wslay };
    struct inflow *inflow = calloc(1, sizeof(*inflow));

    if (inflow && wslay_frame_context_init(&inflow->frames, &callbacks, websocket) < 0) {
        free(inflow);
        inflow = NULL;
    }
    return inflow;
}

static void inflow_free(struct inflow *inflow)
{
    if (inflow)
        wslay_frame_context_free(inflow->frames);
    free(inflow);
}

static uint64_t header_size(const struct wslay_frame_iocb *frame)
{
    size_t length = frame->payload_length < LENGTH_OF_TWO ? 0 : 2;

    if (frame->payload_length > UINT16_MAX)
        length = sizeof(uint64_t);
    return 2 + length + (frame->mask ? MASK_SIZE : 0);
}

/* RSV1 tells that a message is compressed, in the first of its frames (RFC 7692 §6). */
static bool are_reserved_bits_good(
        const struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    return frame->rsv == WSLAY_RSV_NONE ||
            (frame->rsv == WSLAY_RSV1_BIT && may_compress(websocket) &&
                    (frame->opcode == WSLAY_BINARY_FRAME || frame->opcode == WSLAY_TEXT_FRAME));
}

/* What is wrong with a frame (RFC 6455 §5, [MQTT5-6.0.0-1]): a close code, with *why; or 0. */
static unsigned fault_of(
        const struct websocket *websocket, const struct wslay_frame_iocb *frame, const char **why)
{
    bool is_first = frame->opcode != WSLAY_CONTINUATION_FRAME;

    *why = "a frame breaks the rules of WebSocket";
    if (!frame->mask || !are_reserved_bits_good(websocket, frame))
        return WSLAY_CODE_PROTOCOL_ERROR;
    switch (frame->opcode) {
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return 0;
    case WSLAY_TEXT_FRAME:
        *why = "a frame holds text, and MQTT is binary";
        return WSLAY_CODE_UNSUPPORTED_DATA;
    case WSLAY_BINARY_FRAME:
    case WSLAY_CONTINUATION_FRAME:
        break;
    default:
        return WSLAY_CODE_PROTOCOL_ERROR;
    }
    if (is_first == websocket->fragmented)
        return WSLAY_CODE_PROTOCOL_ERROR;
    *why = "a frame is too large";
    return frame->payload_length > WEBSOCKET_FRAME_SIZE_MAX ? WSLAY_CODE_MESSAGE_TOO_BIG : 0;
}

/* Whether a client may give this as its reason to close (RFC 6455 §7.4). */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
            (code >= 3000 && code <= 4999);
}

static void take_close(struct websocket *websocket, struct bytes payload)
{
    unsigned code = 0;

    if (payload.size >= 2)
        code = (unsigned)payload.data[0] << 8 | payload.data[1];
    if (payload.size == 1 || (payload.size >= 2 && !is_close_code(code))) {
        fail(websocket, WSLAY_CODE_PROTOCOL_ERROR, "a close frame has no good code");
        return;
    }
    if (say_close(websocket, code) == 0)
        flush(websocket);
    end(websocket, 0, NULL);
}

/* Does what a control frame asks for, once it is whole. */
static void take_control(struct websocket *websocket, uint8_t opcode)
{
    struct inflow *inflow = websocket->inflow;
    struct bytes payload = bytes_of(inflow->control, inflow->control_size);
    int result = 0;

    inflow->control_size = 0;
    if (opcode == WSLAY_CONNECTION_CLOSE)
        take_close(websocket, payload);
    else if (opcode == WSLAY_PING && !websocket->closed)
        result = say_pong(websocket, payload);
    if (result < 0)
        end(websocket, result, NULL);
}

/* A compressed message has come to its end, or to one that is too early. */
static void forget_message(struct websocket *websocket)
{
    compression_unpacker_free(websocket->unpacker);
    websocket->unpacker = NULL;
    websocket->compressed = false;
    websocket->message_size = 0;
}

static enum compression_result unpack(struct websocket *websocket, struct compression_room *out)
{
    struct inflow *inflow = websocket->inflow;
    enum compression_result result;

    if (!websocket->unpacker)
        websocket->unpacker = compression_unpacker_new(&websocket->compression);
    if (!websocket->unpacker)
        return COMPRESSION_NO_MEMORY;
    result = compression_unpack(websocket->unpacker, &inflow->part, out);
    if (result == COMPRESSION_DONE && inflow->last)
        result = compression_unpack_end(websocket->unpacker);
    return result;
}

/* Gives what it can of the part of a compressed message. */
static void give_unpacked(struct websocket *websocket, struct compression_room *out)
{
    size_t before = out->used;
    enum compression_result result = unpack(websocket, out);

    websocket->message_size += (uint32_t)(out->used - before);
    if (result == COMPRESSION_NO_MEMORY)
        end(websocket, -ENOMEM, NULL);
    else if (result == COMPRESSION_BAD)
        fail(websocket, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA, "a message is not well compressed");
    else if (websocket->message_size > WEBSOCKET_FRAME_SIZE_MAX)
        fail(websocket, WSLAY_CODE_MESSAGE_TOO_BIG, "a compressed message holds too much");
    else if (result == COMPRESSION_DONE && websocket->inflow->last)
        forget_message(websocket);
    websocket->inflow->full = result == COMPRESSION_FULL;
}

/* Gives what it can of the part of a payload. */
static void give(struct websocket *websocket, struct compression_room *out)
{
    struct inflow *inflow = websocket->inflow;
    size_t room = out->size - out->used;
    size_t size = inflow->part.size < room ? inflow->part.size : room;

    if (websocket->compressed) {
        give_unpacked(websocket, out);
        return;
    }
    if (size > 0)
        memcpy(out->data + out->used, inflow->part.data, size);
    out->used += size;
    inflow->part = bytes_from(inflow->part, size);
    inflow->full = inflow->part.size > 0;
}

static void take_control_part(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
    struct inflow *inflow = websocket->inflow;

    if (frame->data_length > 0)
        memcpy(inflow->control + inflow->control_size, frame->data, frame->data_length);
    inflow->control_size += (uint8_t)frame->data_length;
    if (!inflow->inside)
        take_control(websocket, frame->opcode);
}

/* Takes the next part of a frame, and gives of it what is MQTT's. */
static void take_part(struct websocket *websocket, const struct wslay_frame_iocb *frame,
        struct compression_room *out)
{
    struct inflow *inflow = websocket->inflow;

    inflow->left -= frame->data_length;
    inflow->ahead -= frame->data_length;
    inflow->inside = inflow->left > 0;
    if (wslay_is_ctrl_frame(frame->opcode)) {
        take_control_part(websocket, frame);
        return;
    }
    websocket->fragmented = !frame->fin;
    websocket->compressed |= frame->rsv != WSLAY_RSV_NONE;
    inflow->part = bytes_of(frame->data, frame->data_length);
    inflow->last = frame->fin && !inflow->inside;
    give(websocket, out);
}

/* Takes the next part that came. False when there is none, or nothing more counts. */
static bool take_next(struct websocket *websocket, struct compression_room *out)
{
    struct inflow *inflow = websocket->inflow;
    struct wslay_frame_iocb frame;
    ssize_t result = wslay_frame_recv(inflow->frames, &frame);
    const char *why = "a frame breaks the rules of WebSocket";
    unsigned code = result < 0 ? WSLAY_CODE_PROTOCOL_ERROR : 0;

    if (result == WSLAY_ERR_WANT_READ)
        return false;
    if (result >= 0 && !inflow->inside) {
        code = fault_of(websocket, &frame, &why);
        inflow->left = frame.payload_length;
        inflow->ahead -= header_size(&frame);
    }
    if (code > 0)
        fail(websocket, code, why);
    else
        take_part(websocket, &frame, out);
    return !websocket->over && !inflow->full;
}

/* Takes all that comes, as far as there is room. Returns as a read. */
static int decode(struct websocket *websocket, struct compression_room *out)
{
    struct inflow *inflow = websocket->inflow;

    if (inflow->full)
        give(websocket, out);
    while (!websocket->over && !inflow->full && take_next(websocket, out))
        continue;
    if (inflow->below != -EAGAIN && !websocket->over)
        end(websocket, inflow->below, NULL);
    if (websocket->over || (!inflow->inside && inflow->ahead == 0 && !inflow->full)) {
        inflow_free(inflow);
        websocket->inflow = NULL;
    }
    if (out->used > 0)
        return (int)out->used;
    return websocket->over ? websocket->result : -EAGAIN;
}

/*
 * Decodes in place what is read into the buffer: what frames hold is shorter than they are, and
 * wslay keeps nothing of a payload, so it never comes to lie before its own end. What is compressed
 * is shorter than what it holds: of that wslay takes as much as finds room, from below itself.
 */
static int read_on(struct websocket *websocket, uint8_t *buffer, size_t size)
{
    struct compression_room out = { buffer, size, 0 };
    int result = 0;

    if (!may_compress(websocket)) {
        result = read_frames(websocket, buffer, size);
        if (result <= 0)
            return result;
    }
    if (!websocket->inflow)
        websocket->inflow = inflow_new(websocket);
    if (!websocket->inflow)
        return end(websocket, -ENOMEM, NULL);
    websocket->inflow->rest = bytes_of(buffer, (size_t)result);
    websocket->inflow->draws = size;
    websocket->inflow->below = -EAGAIN;
    return decode(websocket, &out);
}

static int websocket_read(struct stream *stream, void *buffer, size_t size)
{
    struct websocket *websocket = websocket_of(stream);
    int result = flush(websocket);

    if (websocket->over && websocket->shut && websocket->result == -EPROTO)
        return stream_discard(websocket->layer.below, buffer, size);
    if (websocket->over)
        return websocket->result;
    if (result < 0 && result != -EAGAIN)
        return result;
    if (!websocket->answered)
        return shake_hands(websocket);
    result = read_on(websocket, buffer, size);
    flush(websocket); /* pongs; an error shows again at the next read or write */
    return result;
}

/* ---- Frames that go ---- */

/* wslay would need 4 KiB of its own for these few bytes, and all of the payload in one piece. */
static void begin_frame(struct websocket *websocket, uint8_t first, size_t size)
{
    uint8_t *header = websocket->header;

    header[0] = first;
    websocket->header_size = 2;
    if (size < LENGTH_OF_TWO) {
        header[1] = (uint8_t)size;
    } else {
        header[1] = size <= UINT16_MAX ? LENGTH_OF_TWO : LENGTH_OF_EIGHT;
        for (unsigned shift = size <= UINT16_MAX ? 16 : 64; shift > 0; shift -= 8)
            header[websocket->header_size++] = (uint8_t)((uint64_t)size >> (shift - 8));
    }
    websocket->header_sent = 0;
    websocket->frame_left = (uint32_t)size;
}

/* Packs what begins the pieces. NULL where that does not help: then they go as they are. */
static struct packed *pack(struct websocket *websocket, const struct iovec pieces[], size_t size)
{
    size_t plain_size = size < COMPRESSION_PIECE_MAX ? size : COMPRESSION_PIECE_MAX;
    struct packed *packed = NULL;

    if (may_compress(websocket) && size >= COMPRESSION_SIZE_MIN)
        packed = malloc(sizeof(*packed) + plain_size);
    if (!packed)
        return NULL;
    packed->plain_size = plain_size;
    packed->size = compression_pack(&websocket->compression, packed->data, pieces, plain_size);
    if (packed->size > 0)
        return packed;
    free(packed);
    return NULL;
}

static void begin_message(struct websocket *websocket, const struct iovec pieces[], size_t size)
{
    websocket->packed = pack(websocket, pieces, size);
    if (websocket->packed)
        begin_frame(websocket, FIN | RSV1 | WSLAY_BINARY_FRAME, websocket->packed->size);
    else
        begin_frame(websocket, FIN | WSLAY_BINARY_FRAME, size);
}

/* Writes what is left of the frame's header, and of its payload what the pieces have. */
static int write_frame(struct websocket *websocket, const struct iovec pieces[], size_t count)
{
    struct iovec all[PIECES_MAX];
    size_t header_left = (size_t)websocket->header_size - websocket->header_sent;
    size_t left = websocket->frame_left;
    size_t used = 0;
    int sent;

    if (header_left > 0)
        all[used++] = (struct iovec){ websocket->header + websocket->header_sent, header_left };
    for (size_t i = 0; i < count && left > 0 && used < PIECES_MAX; i++) {
        all[used] = pieces[i];
        if (all[used].iov_len > left)
            all[used].iov_len = left;
        left -= all[used++].iov_len;
    }
    sent = stream_write(websocket->layer.below, all, used);
    if (sent < 0)
        return sent;
    if ((size_t)sent < header_left) {
        websocket->header_sent += (uint8_t)sent;
        return -EAGAIN;
    }
    sent -= (int)header_left;
    websocket->header_sent = websocket->header_size;
    websocket->frame_left -= (uint32_t)sent;
    if (websocket->frame_left == 0)
        websocket->header_size = websocket->header_sent = 0;
    return sent > 0 ? sent : -EAGAIN;
}

/* The same for a compressed one: what it was made from counts as written once all of it is. */
static int write_packed(struct websocket *websocket)
{
    struct packed *packed = websocket->packed;
    struct iovec piece = { packed->data + packed->size - websocket->frame_left,
        websocket->frame_left };
    int result = write_frame(websocket, &piece, 1);

    if (result < 0)
        return result;
    if (is_within_frame(websocket))
        return -EAGAIN;
    result = (int)packed->plain_size;
    free(packed);
    websocket->packed = NULL;
    return result;
}

static size_t size_of(const struct iovec pieces[], size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    return size < INT_MAX ? size : INT_MAX;
}

static int websocket_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct websocket *websocket = websocket_of(stream);
    size_t size = size_of(pieces, count);
    int result;

    if (websocket->closed)
        return -EPIPE;
    if (size == 0)
        return 0;
    if (!websocket->answered)
        return -EAGAIN;
    if (!is_within_frame(websocket)) {
        result = flush(websocket);
        if (result < 0)
            return result;
        begin_message(websocket, pieces, size);
    }
    return websocket->packed ? write_packed(websocket) : write_frame(websocket, pieces, count);
}

/* ---- The rest of a stream ---- */

static int websocket_shutdown(struct stream *stream)
{
    struct websocket *websocket = websocket_of(stream);
    int result = 0;

    if (websocket->answered)
        result = say_close(websocket, WSLAY_CODE_NORMAL_CLOSURE);
    if (result == 0)
        result = flush(websocket);
    if (result == 0)
        result = stream_shutdown(websocket->layer.below);
    websocket->shut |= result == 0;
    return result;
}

static void websocket_close(struct stream *stream, enum stream_end end)
{
    struct websocket *websocket = websocket_of(stream);

    if (end == STREAM_END_CLEAN && websocket->answered &&
            say_close(websocket, WSLAY_CODE_NORMAL_CLOSURE) == 0)
        flush(websocket);
    stream_close(websocket->layer.below, end);
    free_handshake(websocket);
    inflow_free(websocket->inflow);
    free(websocket->outbox);
    free(websocket->packed);
    compression_unpacker_free(websocket->unpacker);
    free(websocket);
}

static unsigned websocket_waits(const struct stream *stream, unsigned wanted)
{
    const struct websocket *websocket = websocket_of_const(stream);
    bool lies_inside = websocket->over || (websocket->answered && websocket->handshake) ||
            (websocket->inflow && websocket->inflow->full);
    unsigned own = websocket->outbox && !is_within_frame(websocket) ? STREAM_OUT : 0;
    unsigned waits = stream_waits(websocket->layer.below, wanted | own);

    return waits | (wanted & STREAM_IN && lies_inside ? STREAM_READY : 0);
}

static void websocket_peer(const struct stream *stream, struct stream_peer *out)
{
    const struct websocket *websocket = websocket_of_const(stream);

    stream_peer(websocket->layer.below, out);
    /* Whom the options trust is asked when the request has come: a reload may be quicker. */
    if (websocket->forwarded)
        out->address = websocket->client;
    else if (!websocket->answered && !websocket->closed)
        out->preliminary = true;
}

int websocket_open(
        struct stream **out, struct stream *below, const struct websocket_options *options)
{
    static const struct stream_functions functions = {
        .read = websocket_read,
        .write = websocket_write,
        .shutdown = websocket_shutdown,
        .hasten = stream_layer_hasten,
        .close = websocket_close,
        .waits = websocket_waits,
        .fd = stream_layer_fd,
        .failure = stream_layer_failure,
        .peer = websocket_peer,
        .objection = stream_layer_objection,
    };
    size_t size_max = options->head_size_max > 0 ? options->head_size_max : WEBSOCKET_HEAD_SIZE;
    struct websocket *websocket = stream_layer_new(sizeof(*websocket), &functions, below);
    struct handshake *handshake;

    if (!websocket)
        return -ENOMEM;
    handshake = malloc(sizeof(*handshake) + size_max);
    if (!handshake) {
        websocket_close(&websocket->layer.stream, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    handshake->size = handshake->taken = 0;
    handshake->size_max = size_max;
    http_request_init(&handshake->request);
    websocket->options = options;
    websocket->handshake = handshake;
    *out = &websocket->layer.stream;
    return 0;
}

void websocket_prepare(void)
{
    static const struct wslay_frame_callbacks none = { 0 };
    const struct compression compression = { .client_window_bits = COMPRESSION_WINDOW_BITS };
    struct compression_unpacker *unpacker = compression_unpacker_new(&compression);
    char accept[WEBSOCKET_ACCEPT_SIZE];
    wslay_frame_context_ptr frames;
    struct http_request request;

    compression_unpacker_free(unpacker);
    websocket_key_accept(accept, BYTES("dGhlIHNhbXBsZSBub25jZQ=="));
    http_request_init(&request);
    if (wslay_frame_context_init(&frames, &none, NULL) == 0)
        wslay_frame_context_free(frames);
}
