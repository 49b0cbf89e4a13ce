/* SPDX-License-Identifier: Apache-2.0 */
/* Offers as clients write them, and the messages that RFC 7692 §7.2.3 has as its examples. */
#include "net/compression.h"

#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define BOTH "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* ---- Offers ---- */

/* Whether the values of so many header lines have an offer that is kept. */
static bool agree(const char *fields, struct compression *out, char *answer)
{
    struct http_request request;
    char head[1024];
    int size = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n%s\r\n", fields);

    http_request_init(&request);
    assert_int_equal(http_request_read(&request, bytes_of(head, (size_t)size)), HTTP_WHOLE);
    return compression_agree(out, answer, &request);
}

TEST(an_offer_that_can_be_kept_is_answered)
{
    static const struct {
        const char *offer;
        const char *answer;
        unsigned bits;
        unsigned client_bits;
    } rows[] = {
        { "permessage-deflate", BOTH, 12, 15 },
        { "permessage-deflate; client_max_window_bits", BOTH "; client_max_window_bits=12", 12,
                12 },
        { "permessage-deflate;client_max_window_bits=10", BOTH "; client_max_window_bits=10", 12,
                10 },
        { "permessage-deflate; client_max_window_bits=15", BOTH "; client_max_window_bits=12", 12,
                12 },
        { "permessage-deflate; client_max_window_bits=\"8\"", BOTH "; client_max_window_bits=8", 12,
                8 },
        { "permessage-deflate; server_max_window_bits=9", BOTH "; server_max_window_bits=9", 9,
                15 },
        { "permessage-deflate; server_max_window_bits=15; client_max_window_bits",
                BOTH "; server_max_window_bits=12; client_max_window_bits=12", 12, 12 },
        { "permessage-deflate; client_no_context_takeover; server_no_context_takeover", BOTH, 12,
                15 },
        { "x-webkit-deflate-frame, permessage-deflate", BOTH, 12, 15 },
        { "permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH, 12, 15 },
        { "permessage-deflate; of_tomorrow, permessage-deflate; server_max_window_bits=10",
                BOTH "; server_max_window_bits=10", 10, 15 },
        { "a\r\nSec-WebSocket-Extensions: permessage-deflate", BOTH, 12, 15 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char fields[512];
        char answer[COMPRESSION_ANSWER_SIZE];
        struct compression compression;

        snprintf(fields, sizeof(fields), "Sec-WebSocket-Extensions: %s\r\n", rows[i].offer);
        assert_true(agree(fields, &compression, answer));
        assert_string_equal(answer, rows[i].answer);
        assert_int_equal(compression.window_bits, rows[i].bits);
        assert_int_equal(compression.client_window_bits, rows[i].client_bits);
    }
}

TEST(an_offer_that_cannot_be_kept_is_passed_over)
{
    static const char *const rows[] = {
        "permessage-bzip2",
        "permessage-deflate; unknown",
        "permessage-deflate;",
        "permessage-deflate; ; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=012",
        "permessage-deflate; server_max_window_bits=1a",
        "permessage-deflate; server_max_window_bits=\"",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; server_max_window_bits=4294967306",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=-9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    };
    char answer[COMPRESSION_ANSWER_SIZE];
    struct compression compression;

    assert_false(agree("", &compression, answer));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char fields[512];

        snprintf(fields, sizeof(fields), "Sec-WebSocket-Extensions: %s\r\n", rows[i]);
        assert_false(agree(fields, &compression, answer));
    }
}

/* ---- Unpacking ---- */

static const struct compression least = { .window_bits = 9, .client_window_bits = 8 };
static const struct compression most = { .window_bits = 15, .client_window_bits = 15 };

/* Unpacks a message that comes in pieces of `step` bytes into room for `room_size` at a time. */
static enum compression_result unpack(
        struct bytes message, size_t step, size_t room_size, uint8_t *out, size_t *size)
{
    struct compression_unpacker *unpacker = compression_unpacker_new(&most);
    enum compression_result result = COMPRESSION_DONE;

    assert_non_null(unpacker);
    *size = 0;
    while (result == COMPRESSION_FULL || (result == COMPRESSION_DONE && message.size > 0)) {
        struct compression_room room = { out + *size, room_size, 0 };
        struct bytes in = bytes_first(message, message.size < step ? message.size : step);
        size_t given = in.size;

        result = compression_unpack(unpacker, &in, &room);
        message = bytes_from(message, given - in.size);
        *size += room.used;
    }
    if (result == COMPRESSION_DONE)
        result = compression_unpack_end(unpacker);
    compression_unpacker_free(unpacker);
    return result;
}

static void expect_unpacked(struct bytes message, struct bytes expected)
{
    static uint8_t out[1 << 17];

    for (size_t step = 1; step <= message.size; step++) {
        for (size_t room = 1; room <= expected.size + 1; room++) {
            size_t size;

            assert_int_equal(unpack(message, step, room, out, &size), COMPRESSION_DONE);
            assert_int_equal(size, expected.size);
            assert_memory_equal(out, expected.data, size);
        }
    }
}

TEST(messages_are_unpacked)
{
    static const struct bytes rows[] = {
        { (const uint8_t *)"\xf2\x48\xcd\xc9\xc9\x07\x00", 7 },
        { (const uint8_t *)"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13 },
        { (const uint8_t *)"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11 },
        { (const uint8_t *)"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8 }, /* a last block */
        /* A last block of its own for each half. */
        { (const uint8_t *)"\x01\x02\x00\xfd\xffHe\x01\x03\x00\xfc\xffllo\x00", 16 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_unpacked(rows[i], BYTES("Hello"));
    expect_unpacked(BYTES("\x00"), BYTES(""));
    /* The end's own bytes may be those of a last block. */
    expect_unpacked(BYTES("\x00\x05\x00\xfa\xffHello\x01"), BYTES("Hello"));
}

TEST(what_is_no_compressed_message_is_bad)
{
    static const struct bytes rows[] = {
        { (const uint8_t *)"", 0 }, { (const uint8_t *)"\x06", 1 }, /* a block of the fourth kind */
        { (const uint8_t *)"\x00\x05\x00\xfa\xfe\x48", 6 },         /* two lengths that differ */
        { (const uint8_t *)"\x00\x05\x00\xfa\xff\x48", 6 },         /* a block cut short */
        { (const uint8_t *)"\xf2\x48\xcd", 3 },                     /* another */
        { (const uint8_t *)"\x02\x06\x00", 3 },             /* a copy of what is before it */
        { (const uint8_t *)"\xf2\x48\xcd\xc9\xc9\x07", 6 }, /* its last byte is missing */
        { (const uint8_t *)"\xf2\x48\xcd\xc9\xc9\x07\x00\x00", 8 }, /* one too many */
    };
    uint8_t out[64];
    size_t size;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(unpack(rows[i], 100, 60, out, &size), COMPRESSION_BAD);
}

/* ---- Packing ---- */

/* What our message holds, by zlib alone. */
static size_t inflated(struct bytes message, uint8_t *out, size_t size)
{
    z_stream zlib = { .next_out = out, .avail_out = (unsigned)size };
    uint8_t *whole = malloc(message.size + 4);

    assert_non_null(whole);
    memcpy(whole, message.data, message.size);
    memcpy(whole + message.size, "\0\0\xff\xff", 4);
    zlib.next_in = whole;
    zlib.avail_in = (unsigned)message.size + 4;
    assert_int_equal(inflateInit2(&zlib, -9), Z_OK);
    assert_int_equal(inflate(&zlib, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(zlib.avail_in, 0);
    inflateEnd(&zlib);
    free(whole);
    return size - zlib.avail_out;
}

TEST(pieces_are_packed_as_one_message)
{
    static uint8_t plain[COMPRESSION_PIECE_MAX];
    static uint8_t packed[COMPRESSION_PIECE_MAX];
    static uint8_t got[COMPRESSION_PIECE_MAX + 1];
    static const size_t sizes[] = { COMPRESSION_SIZE_MIN, 1000, COMPRESSION_PIECE_MAX };

    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t) "temperature"[i * i % 11];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        /* What is behind the size is left out. */
        struct iovec pieces[] = { { plain, 100 }, { plain, 0 },
            { plain + 100, sizeof(plain) - 100 }, { NULL, 0 } };
        size_t size = compression_pack(&least, packed, pieces, sizes[i]);

        assert_in_range(size, 1, sizes[i] / 2);
        assert_int_equal(inflated(bytes_of(packed, size), got, sizeof(got)), sizes[i]);
        assert_memory_equal(got, plain, sizes[i]);
    }
}

TEST(what_would_not_shrink_is_not_packed)
{
    uint8_t plain[4096];
    uint8_t packed[sizeof(plain)];
    struct iovec piece = { plain, sizeof(plain) };
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(plain); i++) {
        state = state * 1664525 + 1013904223;
        plain[i] = (uint8_t)(state >> 24);
    }
    assert_int_equal(compression_pack(&most, packed, &piece, sizeof(plain)), 0);
    assert_int_equal(compression_pack(&least, packed, &piece, COMPRESSION_SIZE_MIN), 0);
}
