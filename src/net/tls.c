/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "net/tls_objection.h"
#include "net/tls_peer.h"
#include "net/tls_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

/* layer.stream is the first member, so its address is the whole's. */
static struct tls_stream *tls_of(struct stream *stream)
{
    return (struct tls_stream *)stream;
}

static const struct tls_stream *tls_of_const(const struct stream *stream)
{
    return (const struct tls_stream *)stream;
}

static const struct tls_server *server_of(const struct tls_stream *tls)
{
    return tls->side;
}

static void tls_peer(const struct stream *stream, struct stream_peer *out)
{
    const struct tls_stream *tls = tls_of_const(stream);

    stream_peer(tls->layer.below, out);
    out->preliminary |= !SSL_is_init_finished(tls->ssl);
    if (!out->preliminary)
        tls_peer_tell(tls->ssl, server_of(tls), out);
}

static const char *objection(struct stream *stream, const struct tls_server *now)
{
    const struct tls_stream *tls = tls_of(stream);

    if (tls_server_reading(now) <= tls_server_reading(server_of(tls)) ||
            !SSL_is_init_finished(tls->ssl))
        return NULL;
    return tls_objection(tls->ssl, server_of(tls), now);
}

/* ---- Making ---- */

static void release(void *side)
{
    tls_server_unref(side);
}

/* OpenSSL's words for bytes that are not TLS at all say something else. */
static const char *blame(const SSL *ssl)
{
    unsigned long error = ERR_peek_last_error();

    if (SSL_is_init_finished(ssl) || ERR_GET_LIB(error) != ERR_LIB_SSL)
        return tls_psk_blame(ssl);
    switch (ERR_GET_REASON(error)) {
    case SSL_R_HTTP_REQUEST:
        return "it looks like HTTP without TLS; this listener is for TLS alone";
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
        return "it is no TLS, for which alone this listener is; does the client speak plain MQTT?";
    default:
        return tls_psk_blame(ssl);
    }
}

int tls_accept(struct stream **out, struct stream *below, struct tls_server *server)
{
    static const struct stream_functions functions = {
        .read = tls_stream_read,
        .write = tls_stream_write,
        .shutdown = tls_stream_shutdown,
        .hasten = stream_layer_hasten,
        .close = tls_stream_close,
        .waits = tls_stream_waits,
        .fd = stream_layer_fd,
        .failure = stream_layer_failure,
        .peer = tls_peer,
        .objection = objection,
    };
    struct tls_stream *tls = stream_layer_new(sizeof(*tls), &functions, below);

    if (!tls)
        return -ENOMEM;
    tls->side = tls_server_ref(server);
    tls->release = release;
    tls->blame = blame;
    tls->read_waits = STREAM_IN;
    tls->write_waits = STREAM_OUT;
    if (!tls_stream_attach(tls, tls_server_context(server), tls_server_method(server))) {
        ERR_clear_error();
        tls_stream_free(tls);
        stream_close(below, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    SSL_set_accept_state(tls->ssl);
    *out = &tls->layer.stream;
    return 0;
}
