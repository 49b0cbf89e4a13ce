/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed messages of a WebSocket: the server's side of permessage-deflate (RFC 7692), by zlib.
 *
 * Each message stands for itself. Both sides are told to remember nothing of the ones before, so
 * that an idle connection keeps no state of zlib, whose two windows would be its largest part.
 */
#ifndef NET_COMPRESSION_H
#define NET_COMPRESSION_H

#include "net/http.h"

#include <stdint.h>
#include <sys/uio.h>

enum {
    /* The window that we compress with, and what a client that can is asked for: 4 KiB. Ours takes
     * 38 KiB while a message is written; the default of 15 bits would take 262. */
    COMPRESSION_WINDOW_BITS = 12,
    COMPRESSION_SIZE_MIN = 256,    /* bytes of a message; a smaller one hardly shrinks */
    COMPRESSION_PIECE_MAX = 32768, /* bytes packed at once; what is behind is another message */
    COMPRESSION_ANSWER_SIZE = 160, /* room for the answer to an offer */
};

/* What both sides have agreed on; zero: nothing is compressed. */
struct compression {
    uint8_t window_bits;        /* of what we send */
    uint8_t client_window_bits; /* of what comes */
};

/**
 * Looks for the first of a client's offers (Sec-WebSocket-Extensions) that can be kept, and writes
 * the extension that answers it, with a NUL. An offer with a parameter that RFC 7692 does not know,
 * or with a value that it does not allow, cannot be; nor one that wants a window of 8 bits from us,
 * which zlib has not.
 *
 * False when there is none: then the connection goes on without compression.
 */
bool compression_agree(struct compression *out, char answer[static COMPRESSION_ANSWER_SIZE],
        const struct http_request *request);

/**
 * Packs the first `size` bytes of the pieces, which have so many or more, as one message.
 *
 * Returns the message's size; 0 when it would not be smaller than what is packed, or when memory is
 * short: then it goes as it is. `out` has room for `size` bytes.
 */
size_t compression_pack(const struct compression *compression, uint8_t *out,
        const struct iovec pieces[], size_t size);

/* A message that is unpacked as its bytes come. It takes 7 KiB and the client's window. */
struct compression_unpacker;

/* NULL when memory is short. */
struct compression_unpacker *compression_unpacker_new(const struct compression *compression);

/* NULL is fine. */
void compression_unpacker_free(struct compression_unpacker *unpacker);

enum compression_result {
    COMPRESSION_DONE,      /* all that was given is unpacked */
    COMPRESSION_FULL,      /* there is no more room: more may come out, call again */
    COMPRESSION_BAD,       /* this is no compressed message */
    COMPRESSION_NO_MEMORY, /* the window cannot be had */
};

/* Where unpacked bytes go to: `size` is the room, of which `used` has been taken. */
struct compression_room {
    uint8_t *data;
    size_t size;
    size_t used;
};

/* Unpacks the next bytes of the message, and takes off `in` what is done with. One that refers to
 * what is further back than the window is BAD, unless that still lies in the room. */
enum compression_result compression_unpack(
        struct compression_unpacker *unpacker, struct bytes *in, struct compression_room *room);

/* Whether a message, all of whose bytes are DONE, may end there: DONE, BAD or NO_MEMORY. */
enum compression_result compression_unpack_end(struct compression_unpacker *unpacker);

#endif
