/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_stream.h"

#include "net/tls_failure.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_SIZE_MAX = 16 * 1024, /* of the bytes in a record of TLS */
    READ_SIZE_MAX = INT_MAX,
    ALLOWANCE_SIZE = 64 * 1024, /* that one read may take for TLS's own, as headers and handshake */
};

/* layer.stream is the first member, so its address is the whole's. */
static struct tls_stream *of(struct stream *stream)
{
    return (struct tls_stream *)stream;
}

static const struct tls_stream *of_const(const struct stream *stream)
{
    return (const struct tls_stream *)stream;
}

/* ---- What OpenSSL answers ---- */

static int fail(struct tls_stream *tls)
{
    if (tls->below_error < 0) {
        tls->error = tls->below_error; /* it says all: TLS has nothing to add */
        return tls->error;
    }
    tls->error = tls->ended ? -ECONNRESET : -EPROTO;
    tls->read_waits = STREAM_IN;
    /* One that came and went without a byte has failed at nothing. */
    if (!tls->ended || BIO_number_read(SSL_get_rbio(tls->ssl)) > 0)
        tls->layer.failure = tls_failure_of(tls->ssl, tls->blame);
    return tls->error;
}

/* Notes what a read or write waits for; the handshake is one thing for both. */
static int wait_for(struct tls_stream *tls, uint8_t *waits, enum stream_waits what)
{
    if (!SSL_is_init_finished(tls->ssl))
        tls->read_waits = tls->write_waits = (uint8_t)what;
    else if (tls->begun_size == 0)
        tls->write_waits = STREAM_OUT; /* the handshake is over */
    *waits = (uint8_t)what;
    return -EAGAIN;
}

/* What a call that did not succeed means: 0 at the peer's end, -EAGAIN, or another -errno. */
static int outcome(struct tls_stream *tls, uint8_t *waits)
{
    switch (SSL_get_error(tls->ssl, -1)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(tls, waits, STREAM_IN);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(tls, waits, STREAM_OUT);
    case SSL_ERROR_ZERO_RETURN:
        return SSL_is_init_finished(tls->ssl) ? 0 : fail(tls);
    default:
        return fail(tls);
    }
}

/* ---- Reading ---- */

int tls_stream_read(struct stream *stream, void *buffer, size_t size)
{
    struct tls_stream *tls = of(stream);
    uint8_t *to = buffer;
    size_t room = size < READ_SIZE_MAX ? size : READ_SIZE_MAX;
    size_t total = 0;
    bool shakes_hands;
    int result = 0;

    if (tls->error == -EPROTO && tls->shut)
        return stream_discard(tls->layer.below, buffer, size);
    if (tls->error < 0)
        return tls->error;
    ERR_clear_error();
    shakes_hands = !SSL_is_init_finished(tls->ssl);
    tls->allowance = room + ALLOWANCE_SIZE;
    while (total < room && result == 0) {
        size_t taken;

        if (SSL_read_ex(tls->ssl, to + total, room - total, &taken) == 1)
            total += taken;
        else
            result = outcome(tls, &tls->read_waits);
        if (result == 0 && SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN)
            break;
    }
    /* The peer had the last word, and its next one may wait for our acknowledgement. */
    if (shakes_hands && total == 0 && SSL_is_init_finished(tls->ssl))
        stream_hasten(tls->layer.below);
    if (total == 0)
        return result;
    /* What stopped it, or the rest of a record, is told by the next read: nothing else may come. */
    if (result != -EAGAIN)
        tls->read_waits = STREAM_IN | STREAM_READY;
    return (int)total;
}

/* ---- Writing ---- */

/* What is left of the pieces to write. */
struct cursor {
    const struct iovec *pieces;
    size_t count;
    size_t offset; /* in the first piece */
};

static struct bytes first_piece(const struct cursor *cursor)
{
    return bytes_from(bytes_of(cursor->pieces->iov_base, cursor->pieces->iov_len), cursor->offset);
}

static struct bytes first_part(const struct cursor *cursor, size_t size)
{
    struct bytes piece = first_piece(cursor);

    return bytes_first(piece, size < piece.size ? size : piece.size);
}

static void advance(struct cursor *cursor, size_t size)
{
    while (cursor->count > 0 && size >= first_piece(cursor).size) {
        size -= first_piece(cursor).size;
        cursor->pieces++;
        cursor->count--;
        cursor->offset = 0;
    }
    cursor->offset += size;
}

/*
 * The next record's bytes, at most `size`: where they lie, or small pieces copied together, so that
 * a packet's head and tail are one record and one write.
 */
static struct bytes next_record(
        struct cursor cursor, size_t size, uint8_t gathered[static RECORD_SIZE_MAX])
{
    size_t total = 0;

    advance(&cursor, 0); /* over empty pieces */
    if (cursor.count == 0)
        return (struct bytes){ 0 };
    if (cursor.count == 1 || first_piece(&cursor).size >= size)
        return first_part(&cursor, size);
    while (cursor.count > 0 && total < size) {
        struct bytes part = first_part(&cursor, size - total);

        memcpy(gathered + total, part.data, part.size);
        total += part.size;
        advance(&cursor, part.size);
    }
    return bytes_of(gathered, total);
}

int tls_stream_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct tls_stream *tls = of(stream);
    struct cursor cursor = { .pieces = pieces, .count = count };
    uint8_t gathered[RECORD_SIZE_MAX];
    size_t total = 0;
    int result = tls->error;

    ERR_clear_error();
    if (!SSL_is_init_finished(tls->ssl))
        tls->allowance = ALLOWANCE_SIZE; /* to shake hands it must read */
    while (result == 0 && total <= INT_MAX - RECORD_SIZE_MAX) {
        size_t size = tls->begun_size > 0 ? tls->begun_size : RECORD_SIZE_MAX;
        struct bytes record = next_record(cursor, size, gathered);
        size_t taken;

        if (record.size == 0)
            break;
        assert(tls->begun_size == 0 || record.size == size); /* the same bytes come again */
        if (SSL_write_ex(tls->ssl, record.data, record.size, &taken) == 1) {
            advance(&cursor, taken);
            total += taken;
            tls->begun_size = 0;
            tls->write_waits = STREAM_OUT;
        } else {
            int failure = outcome(tls, &tls->write_waits);

            result = failure < 0 ? failure : -EPIPE;
            tls->begun_size = record.size;
        }
    }
    return total > 0 ? (int)total : result;
}

/* ---- The end ---- */

/* Says that nothing more comes from us. 0, also where TLS is in no state to say it; or -EAGAIN. */
static int say_end(struct tls_stream *tls)
{
    tls->shut |= tls->error < 0;
    if (tls->shut || !SSL_is_init_finished(tls->ssl))
        return 0;
    ERR_clear_error();
    if (SSL_shutdown(tls->ssl) < 0 && outcome(tls, &tls->write_waits) == -EAGAIN)
        return -EAGAIN;
    tls->shut = true;
    return 0;
}

int tls_stream_shutdown(struct stream *stream)
{
    struct tls_stream *tls = of(stream);
    int result = say_end(tls);

    return result < 0 ? result : stream_shutdown(tls->layer.below);
}

void tls_stream_close(struct stream *stream, enum stream_end end)
{
    struct tls_stream *tls = of(stream);
    struct stream *below = tls->layer.below;

    if (end == STREAM_END_CLEAN)
        say_end(tls); /* as far as the socket takes it */
    tls_stream_free(tls);
    stream_close(below, end);
}

/* ---- The rest ---- */

unsigned tls_stream_waits(const struct stream *stream, unsigned wanted)
{
    const struct tls_stream *tls = of_const(stream);
    unsigned waits = (wanted & STREAM_IN ? tls->read_waits : 0u) |
            (wanted & STREAM_OUT ? tls->write_waits : 0u);

    return stream_waits(tls->layer.below, waits & (STREAM_IN | STREAM_OUT)) |
            (waits & STREAM_READY);
}

/* ---- Making ---- */

void tls_stream_free(struct tls_stream *tls)
{
    SSL_free(tls->ssl);
    tls->release(tls->side);
    free(tls);
}

bool tls_stream_attach(struct tls_stream *tls, SSL_CTX *context, const BIO_METHOD *method)
{
    BIO *bio = BIO_new(method);

    tls->ssl = SSL_new(context);
    if (!bio || !tls->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return true;
}
