/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both sides of TLS do alike as streams: records in and out over any other stream, and a
 * handshake that the first reads and writes do.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "net/stream_layer.h"

#include <openssl/ssl.h>

/* In memory of stream_layer_new(), which tls_stream_free() gives back. */
struct tls_stream {
    struct stream_layer layer;
    SSL *ssl;
    void *side; /* what the connection is made of: the server's or the client's */
    void (*release)(void *side);
    const char *(*blame)(const SSL *ssl); /* why a side says no, or NULL; NULL: it never does */
    size_t begun_size; /* a record of so many bytes waits for room: the next write begins so */
    /* Bytes that may be read below until the next allowance: so one call ends, however much a fast
     * peer sends that is for TLS alone. 0 also when a read has taken all that was there, which
     * saves the call that would find out. */
    size_t allowance;
    int error;          /* it has failed with this -errno; 0: it has not */
    int below_error;    /* the -errno that reading or writing below gave; 0: none */
    bool ended;         /* what is below has come to its end */
    uint8_t read_waits; /* enum stream_waits, of the next read and write */
    uint8_t write_waits;
    bool shut; /* our end is written */
};

/* Makes the connection of a context, over the layer below. False when memory is short. */
bool tls_stream_attach(struct tls_stream *tls, SSL_CTX *context, const BIO_METHOD *method);

/* Frees it and releases its side; the stream below is not closed. */
void tls_stream_free(struct tls_stream *tls);

/* For a table of functions. */
int tls_stream_read(struct stream *stream, void *buffer, size_t size);
int tls_stream_write(struct stream *stream, const struct iovec pieces[], size_t count);
int tls_stream_shutdown(struct stream *stream);
void tls_stream_close(struct stream *stream, enum stream_end end);
unsigned tls_stream_waits(const struct stream *stream, unsigned wanted);

#endif
