/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_stream.h"

#include "cli/decode_packet.h"

#include <stdlib.h>

enum { OPCODE_CLOSE = 8, OPCODE_PING = 9, STREAM_SHOWN_MAX = 200 };

/* One segment being taken. */
struct taking {
    struct stream *stream;
    struct stream_side *side;
    enum mqtt_sender sender;
    FILE *out;
    void (*heading)(FILE *out, const void *context);
    const void *context;
    bool framed; /* a side whose beginning is not seen comes by a WebSocket */
    bool good;
};

/* ---- Which connection ---- */

static bool is_stream(
        const struct stream *stream, const struct capture_packet *packet, enum mqtt_sender sender)
{
    bool from_client = sender == MQTT_FROM_CLIENT;
    const uint8_t *client = from_client ? packet->from : packet->to;
    const uint8_t *server = from_client ? packet->to : packet->from;

    return stream->client_port == (from_client ? packet->from_port : packet->to_port) &&
            stream->server_port == (from_client ? packet->to_port : packet->from_port) &&
            memcmp(stream->client, client, CAPTURE_ADDRESS_SIZE) == 0 &&
            memcmp(stream->server, server, CAPTURE_ADDRESS_SIZE) == 0;
}

static void stream_free(struct stream *stream)
{
    free(stream->sides[0].data);
    free(stream->sides[1].data);
    free(stream);
}

static struct stream *add_stream(
        struct streams *streams, const struct capture_packet *packet, enum mqtt_sender sender)
{
    bool from_client = sender == MQTT_FROM_CLIENT;
    struct stream *stream = (struct stream *)calloc(1, sizeof(*stream));

    if (!stream)
        return NULL;
    memcpy(stream->client, from_client ? packet->from : packet->to, CAPTURE_ADDRESS_SIZE);
    memcpy(stream->server, from_client ? packet->to : packet->from, CAPTURE_ADDRESS_SIZE);
    stream->client_port = from_client ? packet->from_port : packet->to_port;
    stream->server_port = from_client ? packet->to_port : packet->from_port;
    stream->version = streams->version;
    if (streams->count < STREAM_CONNECTIONS_MAX) {
        streams->streams[streams->count++] = stream;
    } else {
        stream_free(streams->streams[streams->oldest]);
        streams->streams[streams->oldest] = stream;
        streams->oldest = (streams->oldest + 1) % STREAM_CONNECTIONS_MAX;
    }
    return stream;
}

static struct stream *find_stream(
        struct streams *streams, const struct capture_packet *packet, enum mqtt_sender sender)
{
    for (size_t i = streams->count; i > 0; i--)
        if (is_stream(streams->streams[i - 1], packet, sender))
            return streams->streams[i - 1];
    return add_stream(streams, packet, sender);
}

/* ---- What is in it ---- */

static void lose(struct taking *taking, const char *why)
{
    taking->heading(taking->out, taking->context);
    fprintf(taking->out, "\n  ! %s; the rest of this side is passed over\n", why);
    taking->side->lost = true;
    taking->good = false;
}

/* Tells of a WebSocket; `text` may have any bytes in it. */
static void tell_websocket(struct taking *taking, const char *what, struct bytes text)
{
    taking->heading(taking->out, taking->context);
    fprintf(taking->out, "WebSocket from %s, %s",
            taking->sender == MQTT_FROM_CLIENT ? "client" : "server", what);
    for (size_t i = 0; i < text.size && i < STREAM_SHOWN_MAX; i++)
        fputc(text.data[i] >= ' ' && text.data[i] < 0x7f ? text.data[i] : '.', taking->out);
    fputc('\n', taking->out);
}

static void tell_control(struct taking *taking, const struct decode_websocket_piece *piece)
{
    char what[32] = "ping";

    if (piece->opcode == OPCODE_CLOSE && piece->bytes.size >= 2)
        snprintf(what, sizeof(what), "close, code %d",
                piece->bytes.data[0] << 8 | piece->bytes.data[1]);
    else if (piece->opcode != OPCODE_PING)
        snprintf(what, sizeof(what), "%s", piece->opcode == OPCODE_CLOSE ? "close" : "pong");
    tell_websocket(taking, what, (struct bytes){ 0 });
}

/* Takes one piece off what of frames is there; what of it is MQTT joins what was before. False when
 * there is none that is whole. */
static bool take_piece(struct taking *taking)
{
    struct stream_side *side = taking->side;
    size_t size = side->size - side->plain;
    struct decode_websocket_piece piece;
    uint8_t *raw;
    size_t used;

    if (size == 0)
        return false;
    raw = side->data + side->plain;
    used = decode_websocket_next(&side->websocket, raw, size, taking->sender, &piece);
    if (used == 0)
        return false;
    if (piece.kind == WEBSOCKET_HEAD)
        tell_websocket(taking, "", piece.bytes);
    if (piece.kind == WEBSOCKET_CONTROL)
        tell_control(taking, &piece);
    if (piece.kind == WEBSOCKET_WRONG) {
        if (piece.bytes.size > 0)
            tell_websocket(taking, "", piece.bytes);
        lose(taking, piece.why);
        return false;
    }
    if (piece.kind == WEBSOCKET_DATA) {
        side->plain += used;
        return true;
    }
    memmove(raw, raw + used, size - used);
    side->size -= used;
    return true;
}

/* Tells the packets at the front of what the side has sent. */
static void tell_packets(struct taking *taking)
{
    struct stream_side *side = taking->side;
    struct bytes rest = bytes_of(side->data, side->plain);

    while (rest.size > 0 && !side->lost) {
        size_t size = 0;
        char *text = NULL;
        size_t text_size = 0;
        FILE *told = open_memstream(&text, &text_size);
        enum decode_result result;

        if (!told) {
            lose(taking, "memory is short");
            break;
        }
        result = decode_packet(told, rest, taking->sender, &taking->stream->version, &size);
        fclose(told);
        if (result != DECODE_PARTIAL) {
            taking->heading(taking->out, taking->context);
            fwrite(text, 1, text_size, taking->out);
        }
        free(text);
        taking->good &= result == DECODE_GOOD || result == DECODE_PARTIAL;
        if (result == DECODE_LOST)
            side->lost = true;
        if (result == DECODE_PARTIAL || result == DECODE_LOST)
            break;
        rest = bytes_from(rest, size);
    }
    side->size -= side->plain - rest.size;
    if (side->size > 0)
        memmove(side->data, rest.data, side->size);
    side->plain = rest.size;
}

static void append(struct taking *taking, struct bytes bytes)
{
    struct stream_side *side = taking->side;
    size_t needed = side->size + bytes.size;

    side->next += (uint32_t)bytes.size;
    if (needed > side->capacity) {
        uint8_t *data = (uint8_t *)realloc(side->data, needed * 2);

        if (!data) {
            lose(taking, "memory is short");
            return;
        }
        side->data = data;
        side->capacity = needed * 2;
    }
    memcpy(side->data + side->size, bytes.data, bytes.size);
    side->size = needed;
}

/* Whether the segment begins where the side has come to, or before; it is appended then, without
 * what was there already. */
static bool append_if_next(struct taking *taking, const struct stream_segment *segment)
{
    int32_t ahead = (int32_t)(segment->sequence - taking->side->next);
    uint32_t known = taking->side->next - segment->sequence;

    if (ahead > 0)
        return false;
    if (known < segment->bytes.size)
        append(taking, bytes_from(segment->bytes, known));
    return true;
}

static void append_waiting(struct taking *taking)
{
    struct stream_side *side = taking->side;

    for (size_t i = 0; i < side->waiting_count;) {
        if (!append_if_next(taking, &side->waiting[i])) {
            i++;
            continue;
        }
        side->waiting[i] = side->waiting[--side->waiting_count];
        i = 0; /* one that was passed over may be next now */
    }
}

/* Looks once at the first bytes: another protocol has no packets that could be told. */
static void sniff(struct taking *taking)
{
    struct stream_side *side = taking->side;
    struct bytes start = bytes_of(side->data, side->size);

    side->sniffed = true;
    if (decode_websocket_begins(start))
        side->framed = true;
    else if (bytes_start_with(start, BYTES("\x16\x03")))
        lose(taking, "this is TLS, which is encrypted; see TLS in nightjar-decode(1)");
}

/* Finds what of MQTT is in what has come. */
static void unwrap(struct taking *taking)
{
    struct stream_side *side = taking->side;

    if (!side->framed)
        side->plain = side->size;
    while (side->framed && !side->lost && take_piece(taking))
        tell_packets(taking);
}

static void take_payload(struct taking *taking, const struct capture_packet *packet)
{
    struct stream_side *side = taking->side;
    struct stream_segment segment = { packet->sequence, packet->payload };

    if (!side->begun) { /* the capture begins within the connection */
        side->begun = true;
        side->next = packet->sequence;
        side->framed = side->websocket.has_head = side->sniffed = taking->framed;
    }
    if (!append_if_next(taking, &segment)) {
        if (side->waiting_count == STREAM_WAITING_MAX)
            lose(taking, "bytes are missing");
        else
            side->waiting[side->waiting_count++] = segment;
        return;
    }
    append_waiting(taking);
    if (!side->sniffed)
        sniff(taking);
    unwrap(taking);
    tell_packets(taking);
}

bool streams_take(struct streams *streams, FILE *out, const struct capture_packet *packet,
        enum mqtt_sender sender, void (*heading)(FILE *out, const void *context),
        const void *context)
{
    struct taking taking = {
        .stream = find_stream(streams, packet, sender),
        .sender = sender,
        .out = out,
        .heading = heading,
        .context = context,
        .framed = streams->framed,
        .good = true,
    };

    if (!taking.stream)
        return false;
    taking.side = &taking.stream->sides[sender];
    if (packet->begins) { /* a new connection, also of the same ports again */
        free(taking.side->data);
        *taking.side = (struct stream_side){ .begun = true, .next = packet->sequence + 1 };
        if (sender == MQTT_FROM_CLIENT)
            taking.stream->version = streams->version;
    } else if (packet->payload.size > 0 && !taking.side->lost) {
        take_payload(&taking, packet);
    }
    return taking.good;
}

bool streams_end(struct streams *streams, FILE *out)
{
    bool good = true;

    for (size_t i = 0; i < streams->count; i++) {
        for (size_t side = 0; side < 2; side++) {
            const struct stream_side *one = &streams->streams[i]->sides[side];

            if (one->lost || one->size + one->waiting_count == 0)
                continue;
            good = false;
            fprintf(out, "a packet from the %s at port %u is not whole: %zu bytes%s\n",
                    side == MQTT_FROM_CLIENT ? "client" : "server",
                    side == MQTT_FROM_CLIENT ? streams->streams[i]->client_port
                                             : streams->streams[i]->server_port,
                    one->size, one->waiting_count > 0 ? ", and bytes are missing" : "");
        }
    }
    return good;
}

void streams_deinit(struct streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        stream_free(streams->streams[i]);
}
