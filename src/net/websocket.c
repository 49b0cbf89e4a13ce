/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket.h"

#include "net/http.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <wslay/wslay.h>

enum {
    KEY_SIZE = 16,      /* bytes of Sec-WebSocket-Key, before Base64 */
    KEY_TEXT_SIZE = 24, /* and after it */
    ACCEPT_SIZE = 29,   /* Sec-WebSocket-Accept with a NUL */
    CONTROL_MAX = 125,  /* bytes in a control frame */
    HEADER_MAX = 10,    /* of a frame that we send: it has no mask */
    MASK_SIZE = 4,
    FIN = 0x80,
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
    struct stream stream;
    struct stream *below;
    const struct websocket_options *options;
    struct handshake *handshake; /* NULL once nothing is left of it */
    struct inflow *inflow;       /* NULL between two frames */
    struct outbox *outbox;       /* NULL when it is empty */
    const char *failure;
    uint32_t frame_left; /* bytes of the frame we write that the socket has not taken */
    uint8_t header[HEADER_MAX];
    uint8_t header_size; /* of the frame we write; 0: none is begun */
    uint8_t header_sent;
    bool answered;   /* the request, with yes */
    bool fragmented; /* the client's message goes on in the next frame of data */
    bool closed;     /* we have said our last */
    bool over;       /* nothing more is read: each read gives `result` */
    int result;
};

/* stream is the first member, so its address is the whole's. */
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
        sent = stream_write(websocket->below, &piece, 1);
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
    websocket->failure = failure;
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

/* What is wrong with a request, and how it is answered. */
struct refusal {
    enum http_status status; /* 0: nothing is wrong */
    const char *fields;      /* of the answer */
    const char *text;        /* for the client and for the log */
};

static bool names_protocol(struct bytes word)
{
    return bytes_equal(word, BYTES("mqtt")) || bytes_equal(word, BYTES("mqttv3.1"));
}

/* The first sub-protocol that is ours; empty when none is. */
static struct bytes choose_protocol(const struct http_request *request)
{
    struct http_walk walk = { 0 };
    struct bytes word;

    while (http_next_word(request, "Sec-WebSocket-Protocol", &walk, &word)) {
        if (names_protocol(word))
            return word;
    }
    return (struct bytes){ 0 };
}

static bool is_among(struct bytes origin, const char *origins)
{
    struct bytes rest = bytes_of_text(origins);

    while (rest.size > 0) {
        const uint8_t *blank = memchr(rest.data, ' ', rest.size);
        size_t size = blank ? (size_t)(blank - rest.data) : rest.size;

        if (bytes_equal(bytes_first(rest, size), origin))
            return true;
        rest = bytes_from(rest, blank ? size + 1 : size);
    }
    return false;
}

static bool is_origin_good(const struct http_request *request, const char *origins)
{
    struct bytes origin;

    if (!origins || origins[0] == '\0')
        return true;
    return http_field(request, "Origin", &origin) && is_among(origin, origins);
}

/* Base64 of 16 bytes: 22 letters and "==". */
static bool is_key(struct bytes key)
{
    uint8_t decoded[KEY_SIZE + 2]; /* it counts what "==" stands for */

    return key.size == KEY_TEXT_SIZE && key.data[21] != '=' && key.data[22] == '=' &&
            key.data[23] == '=' &&
            EVP_DecodeBlock(decoded, key.data, (int)key.size) == sizeof(decoded);
}

static bool is_version_13(const struct http_request *request)
{
    struct bytes version;

    return http_field(request, "Sec-WebSocket-Version", &version) &&
            bytes_equal(version, BYTES("13"));
}

/* The rules of RFC 6455 §4.2.1, and our own. */
static struct refusal judge(
        const struct http_request *request, const struct websocket_options *options)
{
    static const char version[] = "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n";
    struct bytes path = http_request_path(request);
    struct bytes value;

    if (http_request_version(request) != 0x101 || !http_field(request, "Host", &value))
        return (struct refusal){ HTTP_STATUS_BAD_REQUEST, "", "HTTP/1.1 with a Host is wanted" };
    if (strcmp(http_request_method(request), "GET") != 0)
        return (struct refusal){ HTTP_STATUS_METHOD_NOT_ALLOWED, "Allow: GET\r\n",
            "only GET is there, for WebSocket" };
    if (options->path && !bytes_equal(path, bytes_of_text(options->path)))
        return (struct refusal){ HTTP_STATUS_NOT_FOUND, "", "nothing is at this path" };
    if (!http_has_word(request, "Upgrade", "websocket") ||
            !http_has_word(request, "Connection", "upgrade") || !is_version_13(request))
        return (struct refusal){ HTTP_STATUS_UPGRADE_REQUIRED, version,
            "this port speaks MQTT over WebSocket, version 13" };
    if (!http_field(request, "Sec-WebSocket-Key", &value) || !is_key(value))
        return (struct refusal){ HTTP_STATUS_BAD_REQUEST, "",
            "Sec-WebSocket-Key is not 16 bytes in Base64" };
    if (!is_origin_good(request, options->origins))
        return (struct refusal){ HTTP_STATUS_FORBIDDEN, "", "pages of this Origin are not let in" };
    if (http_has_field(request, "Sec-WebSocket-Protocol") && choose_protocol(request).size == 0)
        return (struct refusal){ HTTP_STATUS_BAD_REQUEST, "",
            "no sub-protocol is mqtt or mqttv3.1" };
    return (struct refusal){ 0 };
}

/* The answer to the key (RFC 6455 §4.2.2): SHA-1, whose weakness does not matter here. */
static void accept_key(struct bytes key, char out[static ACCEPT_SIZE])
{
    static const char salt[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[KEY_TEXT_SIZE + sizeof(salt) - 1];
    uint8_t digest[SHA_DIGEST_LENGTH];

    memcpy(text, key.data, KEY_TEXT_SIZE);
    memcpy(text + KEY_TEXT_SIZE, salt, sizeof(salt) - 1);
    SHA1(text, sizeof(text), digest);
    EVP_EncodeBlock((uint8_t *)out, digest, sizeof(digest));
}

static int say_yes(struct websocket *websocket, const struct http_request *request)
{
    struct bytes protocol = choose_protocol(request);
    struct bytes key = { 0 };
    char accept[ACCEPT_SIZE];
    char answer[HTTP_ANSWER_SIZE];
    int size;

    http_field(request, "Sec-WebSocket-Key", &key);
    accept_key(key, accept);
    size = snprintf(answer, sizeof(answer),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: %s\r\n%s%.*s%s\r\n",
            accept, protocol.size > 0 ? "Sec-WebSocket-Protocol: " : "", (int)protocol.size,
            protocol.size > 0 ? (const char *)protocol.data : "", protocol.size > 0 ? "\r\n" : "");
    return say(websocket, answer, (size_t)size);
}

static int refuse(struct websocket *websocket, const struct refusal *refusal)
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

/* Reads the request on, and answers it once it is whole. Returns -EAGAIN, 0 or -errno as a read. */
static int shake_hands(struct websocket *websocket)
{
    static const struct refusal bad = { HTTP_STATUS_BAD_REQUEST, "", "this is no HTTP request" };
    static const struct refusal large = { HTTP_STATUS_REQUEST_HEADER_FIELDS_TOO_LARGE, "",
        "the head of the request is too large" };
    struct handshake *handshake = websocket->handshake;
    struct refusal refusal;
    int size = stream_read(websocket->below, handshake->head + handshake->size,
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
    refusal = judge(&handshake->request, websocket->options);
    return refusal.status == 0 ? accept_request(websocket) : refuse(websocket, &refusal);
}

/* ---- Frames that come ---- */

static ssize_t feed_wslay(uint8_t *buffer, size_t size, int flags, void *context)
{
    struct inflow *inflow = context;
    size_t taken = size < inflow->rest.size ? size : inflow->rest.size;

    (void)flags;
    if (taken == 0)
        return -1;
    memcpy(buffer, inflow->rest.data, taken);
    inflow->rest = bytes_from(inflow->rest, taken);
    inflow->ahead += taken;
    return (ssize_t)taken;
}

static struct inflow *inflow_new(void)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = feed_wslay };
    struct inflow *inflow = calloc(1, sizeof(*inflow));

    if (inflow && wslay_frame_context_init(&inflow->frames, &callbacks, inflow) < 0) {
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

/* What is wrong with a frame (RFC 6455 §5, [MQTT5-6.0.0-1]): a close code, with *why; or 0. */
static unsigned fault_of(
        const struct websocket *websocket, const struct wslay_frame_iocb *frame, const char **why)
{
    bool is_first = frame->opcode != WSLAY_CONTINUATION_FRAME;

    *why = "a frame breaks the rules of WebSocket";
    if (!frame->mask || frame->rsv != WSLAY_RSV_NONE)
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

/* Takes the next part of a frame. Returns how many bytes of it are MQTT's, put to `out`. */
static size_t take_part(
        struct websocket *websocket, const struct wslay_frame_iocb *frame, uint8_t *out)
{
    struct inflow *inflow = websocket->inflow;
    bool is_control = wslay_is_ctrl_frame(frame->opcode);

    inflow->left -= frame->data_length;
    inflow->ahead -= frame->data_length;
    inflow->inside = inflow->left > 0;
    if (frame->data_length > 0)
        memcpy(is_control ? inflow->control + inflow->control_size : out, frame->data,
                frame->data_length);
    if (!is_control) {
        websocket->fragmented = !frame->fin;
        return frame->data_length;
    }
    inflow->control_size += (uint8_t)frame->data_length;
    if (!inflow->inside)
        take_control(websocket, frame->opcode);
    return 0;
}

/* Takes the next part that came. False when there is none, or nothing more counts. */
static bool take_next(struct websocket *websocket, uint8_t *out, size_t *made)
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
        *made += take_part(websocket, &frame, out + *made);
    return !websocket->over;
}

/*
 * Decodes in place what has been read into the buffer: what frames hold is shorter than they are,
 * and wslay keeps nothing of a payload, so it never comes to lie before its own end. Returns as a
 * read.
 */
static int decode(struct websocket *websocket, uint8_t *buffer, size_t size)
{
    struct inflow *inflow = websocket->inflow;
    size_t made = 0;

    if (!inflow) {
        websocket->inflow = inflow = inflow_new();
        if (!inflow)
            return end(websocket, -ENOMEM, NULL);
    }
    inflow->rest = bytes_of(buffer, size);
    while (take_next(websocket, buffer, &made))
        continue;
    if (websocket->over || (!inflow->inside && inflow->ahead == 0)) {
        inflow_free(inflow);
        websocket->inflow = NULL;
    }
    if (made > 0)
        return (int)made;
    return websocket->over ? websocket->result : -EAGAIN;
}

/* What came behind the request, or now. Returns as a read. */
static int read_frames(struct websocket *websocket, uint8_t *buffer, size_t size)
{
    struct handshake *handshake = websocket->handshake;
    size_t left;

    if (!handshake)
        return stream_read(websocket->below, buffer, size);
    left = handshake->size - handshake->taken;
    if (left > size)
        left = size;
    memcpy(buffer, handshake->head + handshake->taken, left);
    handshake->taken += left;
    if (handshake->taken == handshake->size)
        free_handshake(websocket);
    return (int)left;
}

static int websocket_read(struct stream *stream, void *buffer, size_t size)
{
    struct websocket *websocket = websocket_of(stream);
    int result = flush(websocket);

    if (websocket->over)
        return websocket->result;
    if (result < 0 && result != -EAGAIN)
        return result;
    if (!websocket->answered)
        return shake_hands(websocket);
    result = read_frames(websocket, buffer, size);
    if (result <= 0)
        return result;
    result = decode(websocket, buffer, (size_t)result);
    flush(websocket); /* pongs; an error shows again at the next read or write */
    return result;
}

/* ---- Frames that go ---- */

/* wslay would need 4 KiB of its own for these few bytes, and all of the payload in one piece. */
static void begin_frame(struct websocket *websocket, size_t size)
{
    uint8_t *header = websocket->header;

    header[0] = FIN | WSLAY_BINARY_FRAME;
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
    sent = stream_write(websocket->below, all, used);
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
        begin_frame(websocket, size);
    }
    return write_frame(websocket, pieces, count);
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
    return result == 0 ? stream_shutdown(websocket->below) : result;
}

static void websocket_hasten(struct stream *stream)
{
    stream_hasten(websocket_of(stream)->below);
}

static void websocket_close(struct stream *stream, enum stream_end end)
{
    struct websocket *websocket = websocket_of(stream);

    if (end == STREAM_END_CLEAN && websocket->answered &&
            say_close(websocket, WSLAY_CODE_NORMAL_CLOSURE) == 0)
        flush(websocket);
    stream_close(websocket->below, end);
    free_handshake(websocket);
    inflow_free(websocket->inflow);
    free(websocket->outbox);
    free(websocket);
}

static unsigned websocket_waits(const struct stream *stream, unsigned wanted)
{
    const struct websocket *websocket = websocket_of_const(stream);
    bool lies_inside = websocket->over || (websocket->answered && websocket->handshake);
    unsigned own = websocket->outbox && !is_within_frame(websocket) ? STREAM_OUT : 0;
    unsigned waits = stream_waits(websocket->below, wanted | own);

    return waits | (wanted & STREAM_IN && lies_inside ? STREAM_READY : 0);
}

static int websocket_fd(const struct stream *stream)
{
    return stream_fd(websocket_of_const(stream)->below);
}

static const char *websocket_failure(const struct stream *stream)
{
    const struct websocket *websocket = websocket_of_const(stream);

    return websocket->failure ? websocket->failure : stream_failure(websocket->below);
}

static void websocket_peer(const struct stream *stream, struct stream_peer *out)
{
    stream_peer(websocket_of_const(stream)->below, out);
}

int websocket_open(
        struct stream **out, struct stream *below, const struct websocket_options *options)
{
    static const struct stream_functions functions = {
        .read = websocket_read,
        .write = websocket_write,
        .shutdown = websocket_shutdown,
        .hasten = websocket_hasten,
        .close = websocket_close,
        .waits = websocket_waits,
        .fd = websocket_fd,
        .failure = websocket_failure,
        .peer = websocket_peer,
    };
    size_t size_max = options->head_size_max > 0 ? options->head_size_max : WEBSOCKET_HEAD_SIZE;
    struct websocket *websocket = calloc(1, sizeof(*websocket));
    struct handshake *handshake = malloc(sizeof(*handshake) + size_max);

    if (!websocket || !handshake) {
        free(websocket);
        free(handshake);
        stream_close(below, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    handshake->size = handshake->taken = 0;
    handshake->size_max = size_max;
    http_request_init(&handshake->request);
    websocket->stream.functions = &functions;
    websocket->below = below;
    websocket->options = options;
    websocket->handshake = handshake;
    *out = &websocket->stream;
    return 0;
}
