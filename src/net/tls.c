/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "net/tls_below.h"

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

struct tls {
    struct stream stream;
    SSL *ssl;
    struct tls_server *server;
    struct tls_below below;
    const char *failure; /* why it failed; lasts for ever */
    size_t begun_size;   /* a record of so many bytes waits for room: the next write begins so */
    int error;           /* it has failed with this -errno; 0: it has not */
    uint8_t read_waits;  /* enum stream_waits, of the next read and write */
    uint8_t write_waits;
    bool shut; /* our end is written */
};

/* stream is the first member, so its address is the whole's. */
static struct tls *tls_of(struct stream *stream)
{
    return (struct tls *)stream;
}

static const struct tls *tls_of_const(const struct stream *stream)
{
    return (const struct tls *)stream;
}

/* ---- What OpenSSL answers ---- */

/* Why OpenSSL gave up, as exactly as it knows. */
static const char *reason_of(const struct tls *tls)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verdict != X509_V_OK)
        return X509_verify_cert_error_string(verdict);
    return reason ? reason : "the connection ended in the middle of the handshake";
}

static int fail(struct tls *tls)
{
    if (tls->below.error < 0) {
        tls->error = tls->below.error; /* it says all: TLS has nothing to add */
        return tls->error;
    }
    tls->error = tls->below.ended ? -ECONNRESET : -EPROTO;
    tls->failure = reason_of(tls);
    return tls->error;
}

/* Notes what a read or write waits for; the handshake is one thing for both. */
static int wait_for(struct tls *tls, uint8_t *waits, enum stream_waits what)
{
    if (!SSL_is_init_finished(tls->ssl))
        tls->read_waits = tls->write_waits = (uint8_t)what;
    else if (tls->begun_size == 0)
        tls->write_waits = STREAM_OUT; /* the handshake is over */
    *waits = (uint8_t)what;
    return -EAGAIN;
}

/* What a call that did not succeed means: 0 at the peer's end, -EAGAIN, or another -errno. */
static int outcome(struct tls *tls, uint8_t *waits)
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

static int tls_read(struct stream *stream, void *buffer, size_t size)
{
    struct tls *tls = tls_of(stream);
    uint8_t *to = buffer;
    size_t room = size < READ_SIZE_MAX ? size : READ_SIZE_MAX;
    size_t total = 0;
    int result = 0;

    if (tls->error < 0)
        return tls->error;
    ERR_clear_error();
    tls->below.allowance = room + ALLOWANCE_SIZE;
    while (total < room && result == 0) {
        size_t taken;

        if (SSL_read_ex(tls->ssl, to + total, room - total, &taken) == 1)
            total += taken;
        else
            result = outcome(tls, &tls->read_waits);
        if (result == 0 && SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN)
            break;
    }
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

static int tls_write(struct stream *stream, const struct iovec pieces[], size_t count)
{
    struct tls *tls = tls_of(stream);
    struct cursor cursor = { .pieces = pieces, .count = count };
    uint8_t gathered[RECORD_SIZE_MAX];
    size_t total = 0;
    int result = tls->error;

    ERR_clear_error();
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
static int say_end(struct tls *tls)
{
    if (tls->shut || tls->error < 0 || !SSL_is_init_finished(tls->ssl))
        return 0;
    ERR_clear_error();
    if (SSL_shutdown(tls->ssl) < 0 && outcome(tls, &tls->write_waits) == -EAGAIN)
        return -EAGAIN;
    tls->shut = true;
    return 0;
}

static int tls_shutdown(struct stream *stream)
{
    struct tls *tls = tls_of(stream);
    int result = say_end(tls);

    return result < 0 ? result : stream_shutdown(tls->below.stream);
}

static void free_tls(struct tls *tls)
{
    SSL_free(tls->ssl);
    tls_server_unref(tls->server);
    free(tls);
}

static void tls_close(struct stream *stream, enum stream_end end)
{
    struct tls *tls = tls_of(stream);
    struct stream *below = tls->below.stream;

    if (end == STREAM_END_CLEAN)
        say_end(tls); /* as far as the socket takes it */
    free_tls(tls);
    stream_close(below, end);
}

/* ---- The rest ---- */

static void tls_hasten(struct stream *stream)
{
    stream_hasten(tls_of(stream)->below.stream);
}

static unsigned tls_waits(const struct stream *stream, unsigned wanted)
{
    const struct tls *tls = tls_of_const(stream);
    unsigned waits = (wanted & STREAM_IN ? tls->read_waits : 0u) |
            (wanted & STREAM_OUT ? tls->write_waits : 0u);

    return stream_waits(tls->below.stream, waits & (STREAM_IN | STREAM_OUT)) |
            (waits & STREAM_READY);
}

static int tls_fd(const struct stream *stream)
{
    return stream_fd(tls_of_const(stream)->below.stream);
}

static const char *tls_failure(const struct stream *stream)
{
    const struct tls *tls = tls_of_const(stream);

    return tls->failure ? tls->failure : stream_failure(tls->below.stream);
}

/* ---- The peer ---- */

/* Copies a text that fits and is one; else leaves the empty one, for a part of a name is another
 * name. */
static void copy_name(char *to, size_t size, const void *data, long data_size)
{
    if (data_size <= 0 || (size_t)data_size >= size || memchr(data, '\0', (size_t)data_size))
        return;
    memcpy(to, data, (size_t)data_size);
    to[data_size] = '\0';
}

static void copy_common_name(struct stream_peer *peer, const X509_NAME *subject)
{
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    unsigned char *text;
    int size;

    if (index < 0)
        return;
    size = ASN1_STRING_to_UTF8(
            &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    if (size < 0)
        return;
    copy_name(peer->common_name, sizeof(peer->common_name), text, size);
    OPENSSL_free(text);
}

static void copy_subject(struct stream_peer *peer, const X509_NAME *subject)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *data;
    long size;

    if (text && X509_NAME_print_ex(text, subject, 0, XN_FLAG_RFC2253) >= 0) {
        size = BIO_get_mem_data(text, &data);
        copy_name(peer->subject, sizeof(peer->subject), data, size);
    }
    BIO_free(text);
}

static void copy_certificate(struct stream_peer *peer, const struct tls *tls)
{
    const X509 *certificate = SSL_get0_peer_certificate(tls->ssl);

    if (!certificate || SSL_get_verify_result(tls->ssl) != X509_V_OK)
        return;
    peer->certified = true;
    copy_common_name(peer, X509_get_subject_name(certificate));
    copy_subject(peer, X509_get_subject_name(certificate));
}

static void tls_peer(const struct stream *stream, struct stream_peer *out)
{
    const struct tls *tls = tls_of_const(stream);
    const char *cipher;

    stream_peer(tls->below.stream, out);
    out->preliminary |= !SSL_is_init_finished(tls->ssl);
    if (out->preliminary)
        return;
    cipher = SSL_get_cipher_name(tls->ssl);
    copy_name(out->tls_version, sizeof(out->tls_version), SSL_get_version(tls->ssl),
            (long)strlen(SSL_get_version(tls->ssl)));
    copy_name(out->tls_cipher, sizeof(out->tls_cipher), cipher, (long)strlen(cipher));
    copy_certificate(out, tls);
    ERR_clear_error();
}

/* ---- Making ---- */

static bool attach(struct tls *tls)
{
    BIO *bio = BIO_new(tls_server_method(tls->server));

    tls->ssl = SSL_new(tls_server_context(tls->server));
    if (!bio || !tls->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, &tls->below);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return true;
}

int tls_accept(struct stream **out, struct stream *below, struct tls_server *server)
{
    static const struct stream_functions functions = {
        .read = tls_read,
        .write = tls_write,
        .shutdown = tls_shutdown,
        .hasten = tls_hasten,
        .close = tls_close,
        .waits = tls_waits,
        .fd = tls_fd,
        .failure = tls_failure,
        .peer = tls_peer,
    };
    struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls) {
        stream_close(below, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    *tls = (struct tls){
        .stream.functions = &functions,
        .server = tls_server_ref(server),
        .below.stream = below,
        .read_waits = STREAM_IN,
        .write_waits = STREAM_OUT,
    };
    if (!attach(tls)) {
        ERR_clear_error();
        free_tls(tls);
        stream_close(below, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    *out = &tls->stream;
    return 0;
}
