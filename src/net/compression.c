/* SPDX-License-Identifier: Apache-2.0 */
#include "net/compression.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum {
    BITS_MIN = 8, /* of a window, as RFC 7692 allows */
    BITS_MAX = 15,
    ZLIB_BITS_MIN =
            9,        /* the least that zlib packs with; it takes 8 for 9 in streams without head */
    MEMORY_LEVEL = 5, /* of deflateInit2(): 16 KiB beside the window's 16 */
    LEVEL = 1,        /* a tenth larger than level 6 makes it, in half the time */
    TAIL_SIZE = 4,
};

/* What ends each flush of zlib, and is left out of a message (RFC 7692 §7.2.1). */
static const uint8_t tail[TAIL_SIZE] = { 0x00, 0x00, 0xff, 0xff };

/* ---- Offers ---- */

/* One of a client's offers. */
struct offer {
    bool no_context; /* it allows that of us */
    bool client_no_context;
    bool limits_window; /* to window_bits */
    bool limits_client_window;
    uint8_t window_bits;
    uint8_t client_window_bits; /* 0: any */
};

/* A number from 8 to 15, with no zero in front; quoted or not. */
static bool read_bits(struct bytes text, uint8_t *out)
{
    unsigned bits = 0;

    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"')
        text = bytes_first(bytes_from(text, 1), text.size - 2);
    if (text.size == 0 || text.size > 2 || text.data[0] == '0')
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = (uint8_t)bits;
    return bits >= BITS_MIN && bits <= BITS_MAX;
}

/* Notes that a parameter is there. False for one that was there before. */
static bool note(bool *seen)
{
    bool before = *seen;

    *seen = true;
    return !before;
}

/* False when the parameter is none that RFC 7692 §7.1 knows, or has a value that it has not. */
static bool read_parameter(struct offer *offer, struct bytes parameter)
{
    struct bytes name = http_take_part(&parameter, '=');
    bool has_value = parameter.data != NULL;

    if (bytes_equal(name, BYTES("server_no_context_takeover")))
        return note(&offer->no_context) && !has_value;
    if (bytes_equal(name, BYTES("client_no_context_takeover")))
        return note(&offer->client_no_context) && !has_value;
    if (bytes_equal(name, BYTES("server_max_window_bits")))
        return note(&offer->limits_window) && read_bits(parameter, &offer->window_bits);
    if (bytes_equal(name, BYTES("client_max_window_bits")))
        return note(&offer->limits_client_window) &&
                (!has_value || read_bits(parameter, &offer->client_window_bits));
    return false;
}

/* "permessage-deflate; client_max_window_bits". False when it cannot be kept. */
static bool read_offer(struct offer *offer, struct bytes text)
{
    *offer = (struct offer){ 0 };
    if (!bytes_equal(http_take_part(&text, ';'), BYTES("permessage-deflate")))
        return false;
    while (text.data) {
        if (!read_parameter(offer, http_take_part(&text, ';')))
            return false;
    }
    return !offer->limits_window || offer->window_bits >= ZLIB_BITS_MIN;
}

/* The smaller of ours and what a client has named, where it has. */
static uint8_t choose_bits(uint8_t named)
{
    return named > 0 && named < COMPRESSION_WINDOW_BITS ? named : COMPRESSION_WINDOW_BITS;
}

static void answer_offer(struct compression *out, char answer[static COMPRESSION_ANSWER_SIZE],
        const struct offer *offer)
{
    int size;

    /* One that does not offer to keep its window small must not be asked to (§7.1.2.2). */
    *out = (struct compression){
        .window_bits = choose_bits(offer->window_bits),
        .client_window_bits =
                offer->limits_client_window ? choose_bits(offer->client_window_bits) : BITS_MAX,
    };
    size = snprintf(answer, COMPRESSION_ANSWER_SIZE,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    if (offer->limits_window)
        size += snprintf(answer + size, COMPRESSION_ANSWER_SIZE - (size_t)size,
                "; server_max_window_bits=%u", out->window_bits);
    if (offer->limits_client_window)
        size += snprintf(answer + size, COMPRESSION_ANSWER_SIZE - (size_t)size,
                "; client_max_window_bits=%u", out->client_window_bits);
    assert(size < COMPRESSION_ANSWER_SIZE);
}

bool compression_agree(struct compression *out, char answer[static COMPRESSION_ANSWER_SIZE],
        const struct http_request *request)
{
    struct http_walk walk = { 0 };
    struct bytes word;
    struct offer offer;

    while (http_next_word(request, "Sec-WebSocket-Extensions", &walk, &word)) {
        if (read_offer(&offer, word)) {
            answer_offer(out, answer, &offer);
            return true;
        }
    }
    return false;
}

/* ---- zlib ---- */

static void *take_memory(void *context, unsigned count, unsigned size)
{
    (void)context;
    return malloc((size_t)count * size);
}

static void give_memory(void *context, void *block)
{
    (void)context;
    free(block);
}

static const z_stream start = { .zalloc = take_memory, .zfree = give_memory };

/* zlib's pointer lacks a const. */
static Bytef *zlib_input(const uint8_t *data)
{
    return (Bytef *)(uintptr_t)data;
}

/* ---- Packing ---- */

/* Gives zlib the pieces. False when there is no room for what they become. */
static bool pack_pieces(z_stream *zlib, const struct iovec pieces[], size_t size)
{
    for (; size > 0; pieces++) {
        size_t taken = pieces->iov_len < size ? pieces->iov_len : size;

        if (taken == 0)
            continue;
        size -= taken;
        zlib->next_in = pieces->iov_base;
        zlib->avail_in = (unsigned)taken;
        /* Room that is used up means that more is to come. */
        if (deflate(zlib, size == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH) != Z_OK || zlib->avail_out == 0)
            return false;
    }
    return true;
}

size_t compression_pack(const struct compression *compression, uint8_t *out,
        const struct iovec pieces[], size_t size)
{
    z_stream zlib = start;
    size_t packed = 0;

    assert(size >= COMPRESSION_SIZE_MIN && size <= COMPRESSION_PIECE_MAX);
    if (deflateInit2(&zlib, LEVEL, Z_DEFLATED, -compression->window_bits, MEMORY_LEVEL,
                Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    zlib.next_out = out;
    zlib.avail_out = (unsigned)size;
    if (pack_pieces(&zlib, pieces, size))
        packed = size - zlib.avail_out - TAIL_SIZE;
    deflateEnd(&zlib);
    return packed;
}

/* ---- Unpacking ---- */

struct compression_unpacker {
    z_stream zlib;
    bool between; /* a last block has ended, and nothing came after it */
};

struct compression_unpacker *compression_unpacker_new(const struct compression *compression)
{
    struct compression_unpacker *unpacker = malloc(sizeof(*unpacker));
    int bits = compression->client_window_bits;

    if (!unpacker)
        return NULL;
    *unpacker = (struct compression_unpacker){ .zlib = start };
    /* A client that packs by zlib with 8 bits has a window of 9. */
    if (inflateInit2(&unpacker->zlib, -(bits < ZLIB_BITS_MIN ? ZLIB_BITS_MIN : bits)) != Z_OK) {
        free(unpacker);
        return NULL;
    }
    return unpacker;
}

void compression_unpacker_free(struct compression_unpacker *unpacker)
{
    if (unpacker)
        inflateEnd(&unpacker->zlib);
    free(unpacker);
}

enum compression_result compression_unpack(
        struct compression_unpacker *unpacker, struct bytes *in, struct compression_room *room)
{
    z_stream *zlib = &unpacker->zlib;
    int result;

    do {
        size_t taken = in->size < COMPRESSION_PIECE_MAX ? in->size : COMPRESSION_PIECE_MAX;

        zlib->next_in = zlib_input(in->data);
        zlib->avail_in = (unsigned)taken;
        zlib->next_out = room->data + room->used;
        zlib->avail_out = (unsigned)(room->size - room->used);
        result = inflate(zlib, Z_SYNC_FLUSH);
        if (zlib->avail_in < taken)
            unpacker->between = false;
        *in = bytes_from(*in, taken - zlib->avail_in);
        room->used = room->size - zlib->avail_out;
        if (result == Z_STREAM_END) {
            /* A message may go on behind a last block, with a window of its own. */
            inflateReset(zlib);
            unpacker->between = true;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return result == Z_MEM_ERROR ? COMPRESSION_NO_MEMORY : COMPRESSION_BAD;
        }
    } while (in->size > 0 && zlib->avail_out > 0);
    return zlib->avail_out > 0 ? COMPRESSION_DONE : COMPRESSION_FULL;
}

/* Whether zlib has come to the end of a block, with no bit left over: it says so in data_type. */
static bool is_between_blocks(const struct compression_unpacker *unpacker)
{
    enum { AFTER_BLOCK = 128, BITS = 63 };
    int state = unpacker->zlib.data_type;

    return unpacker->between || (state & AFTER_BLOCK && !(state & BITS));
}

enum compression_result compression_unpack_end(struct compression_unpacker *unpacker)
{
    struct bytes rest = bytes_of(tail, TAIL_SIZE);
    uint8_t byte;
    struct compression_room room = { &byte, 1, 0 };
    enum compression_result result = compression_unpack(unpacker, &rest, &room);

    /* What is left out is an empty block. Taken for anything else, it ends a message cut short. */
    if (result != COMPRESSION_NO_MEMORY)
        result = result == COMPRESSION_DONE && is_between_blocks(unpacker) ? result
                                                                           : COMPRESSION_BAD;
    return result;
}
