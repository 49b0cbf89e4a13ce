/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls_hello.h"

#include "base/reader.h"

#include <assert.h>

enum {
    CONTENT_FIRST = 20, /* change_cipher_spec */
    CONTENT_HANDSHAKE = 22,
    CONTENT_MESSAGE = 23,
    CONTENT_LAST = 25,
    VERSION_1_0 = 0xFEFF,
    VERSION_1_2 = 0xFEFD,
    CLIENT_HELLO = 1,
    HELLO_VERIFY_REQUEST = 3,
    NUMBER_SIZE = 6,
    HANDSHAKE_HEAD_SIZE = 12,
    VERIFY_BODY_SIZE = 3 + DTLS_COOKIE_SIZE,
};

/* The answer to a forged address is never larger than the question. */
static_assert((int)DTLS_VERIFY_SIZE <= (int)DTLS_HELLO_SIZE_MIN, "no amplification");

/* A record's header, and its content. */
struct record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    struct bytes number;
    struct bytes content;
};

/* Reads the first record; the reader fails where there is none. */
static struct record read_record(struct reader *in)
{
    struct record record = { .type = reader_u8(in) };

    record.version = reader_u16(in);
    record.epoch = reader_u16(in);
    record.number = reader_bytes(in, NUMBER_SIZE);
    record.content = reader_bytes(in, reader_u16(in));
    if (record.type < CONTENT_FIRST || record.type > CONTENT_LAST ||
            (record.version != VERSION_1_0 && record.version != VERSION_1_2))
        reader_fail(in);
    return record;
}

bool dtls_is_record(struct bytes datagram)
{
    struct reader in = { .rest = datagram };

    /* Every datagram of a listener in the clear is asked, and nearly all end here. */
    if (datagram.size < 2 || datagram.data[1] != VERSION_1_2 >> 8)
        return false;
    read_record(&in);
    return !in.failed;
}

bool dtls_is_message(struct bytes datagram)
{
    return dtls_is_record(datagram) && datagram.data[0] == CONTENT_MESSAGE;
}

bool dtls_has_sealed_word(struct bytes datagram)
{
    struct reader in = { .rest = datagram };
    bool has = false;

    while (!has && !in.failed && in.rest.size > 0) {
        struct record record = read_record(&in);

        has = !in.failed && record.type == CONTENT_HANDSHAKE && record.epoch > 0;
    }
    return has;
}

static uint32_t read_u24(struct reader *in)
{
    uint32_t high = reader_u8(in);

    return high << 16 | reader_u16(in);
}

/* Takes the header of a handshake's message off; the reader is left with its first fragment. */
static void read_handshake_head(struct reader *in, struct dtls_hello *hello)
{
    uint8_t type = reader_u8(in);
    uint32_t size = read_u24(in);
    uint32_t offset;
    uint32_t fragment;

    hello->message_number = reader_u16(in);
    offset = read_u24(in);
    fragment = read_u24(in);
    if (type != CLIENT_HELLO || offset != 0 || fragment > size || fragment > in->rest.size)
        reader_fail(in);
    else
        in->rest = bytes_first(in->rest, fragment);
}

bool dtls_hello_decode(struct dtls_hello *out, struct bytes datagram)
{
    struct reader whole = { .rest = datagram };
    struct record record = read_record(&whole);
    struct reader in = { .rest = record.content };
    struct dtls_hello hello = { .record_number = record.number };

    if (whole.failed || record.type != CONTENT_HANDSHAKE || record.epoch != 0)
        return false;
    read_handshake_head(&in, &hello);
    reader_u16(&in); /* the newest version that it speaks: OpenSSL chooses */
    hello.random = reader_bytes(&in, DTLS_RANDOM_SIZE);
    reader_bytes(&in, reader_u8(&in)); /* the session that it wants to go on with */
    hello.cookie = reader_bytes(&in, reader_u8(&in));
    if (in.failed)
        return false;
    *out = hello;
    return true;
}

static void write_u24(struct writer *out, uint32_t value)
{
    writer_u8(out, (uint8_t)(value >> 16));
    writer_u16(out, (uint16_t)value);
}

/* All of it is of version 1.0, whatever is spoken later: RFC 6347 §4.2.1. */
void dtls_verify_encode(
        struct writer *out, const struct dtls_hello *hello, const uint8_t cookie[DTLS_COOKIE_SIZE])
{
    writer_u8(out, CONTENT_HANDSHAKE);
    writer_u16(out, VERSION_1_0);
    writer_u16(out, 0); /* epoch */
    writer_bytes(out, hello->record_number);
    writer_u16(out, HANDSHAKE_HEAD_SIZE + VERIFY_BODY_SIZE);
    writer_u8(out, HELLO_VERIFY_REQUEST);
    write_u24(out, VERIFY_BODY_SIZE);
    writer_u16(out, 0); /* the server's first message */
    write_u24(out, 0);
    write_u24(out, VERIFY_BODY_SIZE);
    writer_u16(out, VERSION_1_0);
    writer_u8(out, DTLS_COOKIE_SIZE);
    writer_bytes(out, bytes_of(cookie, DTLS_COOKIE_SIZE));
}
