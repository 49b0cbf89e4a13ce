/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dtls.h"

#include "net/dtls_hello.h"
#include "net/tls_failure.h"
#include "net/tls_objection.h"
#include "net/tls_peer.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

const struct tls_client_kind dtls_client_kind = {
    DTLS_client_method,
    dtls_below_method_new,
    DTLS1_2_VERSION,
};

enum { SECOND_MS = 1000, WAIT_MS_MAX = 60000 };

struct dtls {
    SSL *ssl;
    struct tls_server *server; /* NULL: it is a client's */
    struct tls_client *client; /* NULL: it is a server's */
    struct dtls_below below;
    const char *failure; /* why it failed; lasts for ever. NULL: it has not */
    int64_t due_ms;
    bool sealed; /* the peer's last word of the handshake has come */
};

/* ---- What OpenSSL answers ---- */

/* After each call that may have sent or awaited something. OpenSSL goes by the wall clock, which
 * somebody may set: so it is asked again before long. */
static void note_due(struct dtls *dtls, int64_t now_ms)
{
    struct timeval left;
    int64_t left_ms;

    dtls->due_ms = INT64_MAX;
    if (DTLSv1_get_timeout(dtls->ssl, &left) != 1)
        return;
    left_ms = (int64_t)left.tv_sec * SECOND_MS + left.tv_usec / 1000 + 1;
    dtls->due_ms = now_ms + (left_ms < WAIT_MS_MAX ? left_ms : WAIT_MS_MAX);
}

static int fail(struct dtls *dtls)
{
    dtls->failure = tls_failure_of(dtls->ssl, tls_psk_blame);
    dtls->due_ms = INT64_MAX;
    return -EPROTO;
}

/* What a call that did not succeed means, as dtls_read() returns it. */
static int outcome(struct dtls *dtls, int64_t now_ms)
{
    switch (SSL_get_error(dtls->ssl, -1)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        note_due(dtls, now_ms);
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        dtls->due_ms = INT64_MAX;
        return SSL_is_init_finished(dtls->ssl) ? 0 : fail(dtls);
    default:
        return fail(dtls);
    }
}

/* ---- Reading and writing ---- */

void dtls_receive(struct dtls *dtls, struct bytes datagram)
{
    dtls->below.came = datagram;
    if (!dtls->sealed && !SSL_is_init_finished(dtls->ssl))
        dtls->sealed = dtls_has_sealed_word(datagram);
}

int dtls_read(struct dtls *dtls, void *buffer, size_t size, int64_t now_ms)
{
    size_t taken;
    int result;

    assert(size >= DTLS_MESSAGE_SIZE_MAX);
    if (dtls->failure)
        return -EPROTO;
    ERR_clear_error();
    if (SSL_read_ex(dtls->ssl, buffer, size, &taken) == 1)
        return (int)taken;
    result = outcome(dtls, now_ms);
    /* Of DTLS OpenSSL keeps its buffers, 33 KB, unless it is told not to. */
    SSL_free_buffers(dtls->ssl);
    return result;
}

void dtls_send(struct dtls *dtls, struct bytes message)
{
    size_t taken;

    if (dtls->failure || !SSL_is_init_finished(dtls->ssl) || message.size > DTLS_MESSAGE_SIZE_MAX)
        return;
    ERR_clear_error();
    if (SSL_alloc_buffers(dtls->ssl) == 1)
        SSL_write_ex(dtls->ssl, message.data, message.size, &taken);
    SSL_free_buffers(dtls->ssl);
    ERR_clear_error();
}

int64_t dtls_due_ms(const struct dtls *dtls)
{
    return dtls->due_ms;
}

int dtls_tick(struct dtls *dtls, int64_t now_ms)
{
    if (dtls->failure)
        return -EPROTO;
    if (dtls->due_ms > now_ms)
        return 0;
    ERR_clear_error();
    if (SSL_alloc_buffers(dtls->ssl) != 1 || DTLSv1_handle_timeout(dtls->ssl) < 0)
        return fail(dtls);
    SSL_free_buffers(dtls->ssl);
    note_due(dtls, now_ms);
    return 0;
}

void dtls_redirect(struct dtls *dtls, const struct dtls_port *port)
{
    dtls->below.port = *port;
}

/* ---- What is known of it ---- */

const char *dtls_failure(const struct dtls *dtls)
{
    return dtls->failure;
}

bool dtls_is_unfinished(const struct dtls *dtls)
{
    return !dtls->failure && !SSL_is_init_finished(dtls->ssl);
}

const char *dtls_unfinished_text(const struct dtls *dtls)
{
    const char *blame = tls_psk_blame(dtls->ssl);

    if (blame)
        return blame;
    /* All is there, and its last word is passed over, as what cannot be opened always is. */
    if (dtls->sealed && SSL_get_state(dtls->ssl) == TLS_ST_SR_CHANGE)
        return "its pre-shared key is not the one that is known of its identity";
    return "its handshake has not come to an end: datagrams were lost, or it has given up";
}

void dtls_peer(const struct dtls *dtls, struct stream_peer *out)
{
    out->preliminary = !SSL_is_init_finished(dtls->ssl);
    if (!out->preliminary)
        tls_peer_tell(dtls->ssl, dtls->server, out);
}

const char *dtls_objection(struct dtls *dtls, const struct tls_server *now)
{
    if (tls_server_reading(now) <= tls_server_reading(dtls->server) ||
            !SSL_is_init_finished(dtls->ssl))
        return NULL;
    return tls_objection(dtls->ssl, dtls->server, now);
}

/* ---- Begin and end ---- */

static void free_dtls(struct dtls *dtls)
{
    SSL_free(dtls->ssl);
    tls_server_unref(dtls->server);
    tls_client_free(dtls->client);
    free(dtls);
}

/* Makes the connection over dtls->below. False when memory is short. */
static bool attach(struct dtls *dtls, unsigned mtu)
{
    BIO *bio = BIO_new(tls_server_method(dtls->server));

    dtls->ssl = SSL_new(tls_server_context(dtls->server));
    if (!bio || !dtls->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, &dtls->below);
    BIO_set_init(bio, 1);
    SSL_set_bio(dtls->ssl, bio, bio);
    SSL_set_accept_state(dtls->ssl);
    return SSL_set_mtu(dtls->ssl, mtu) > 0;
}

/* Lets OpenSSL begin where the hello with the cookie stands in the handshake. */
static int listen_to(struct dtls *dtls, struct bytes hello)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    int result;

    if (!nobody)
        return -ENOMEM;
    dtls->below.came = hello;
    result = DTLSv1_listen(dtls->ssl, nobody);
    dtls->below.came = (struct bytes){ 0 };
    BIO_ADDR_free(nobody);
    return result == 1 ? 0 : -EPROTO;
}

int dtls_accept(struct dtls **out, struct tls_server *server, const struct dtls_options *options)
{
    struct dtls *dtls = calloc(1, sizeof(*dtls));
    int result = -ENOMEM;

    if (!dtls)
        return -ENOMEM;
    *dtls = (struct dtls){
        .server = tls_server_ref(server), .below = { .port = options->port }, .due_ms = INT64_MAX
    };
    ERR_clear_error();
    if (attach(dtls, options->mtu))
        result = listen_to(dtls, options->hello);
    ERR_clear_error();
    if (result < 0)
        free_dtls(dtls);
    else
        *out = dtls;
    return result;
}

int dtls_connect(struct dtls **out, struct tls_client *client, const struct dtls_options *options)
{
    struct dtls *dtls = calloc(1, sizeof(*dtls));

    if (!dtls)
        return -ENOMEM;
    *dtls = (struct dtls){ .below = { .port = options->port }, .due_ms = INT64_MAX };
    dtls->ssl = tls_client_connect(client, &dtls->below);
    if (dtls->ssl)
        dtls->client = client;
    if (!dtls->ssl || SSL_set_mtu(dtls->ssl, options->mtu) <= 0) {
        free_dtls(dtls);
        return -ENOMEM;
    }
    *out = dtls;
    return 0;
}

void dtls_close(struct dtls *dtls)
{
    if (!dtls)
        return;
    ERR_clear_error();
    if (!dtls->failure && SSL_is_init_finished(dtls->ssl) && SSL_alloc_buffers(dtls->ssl) == 1)
        SSL_shutdown(dtls->ssl);
    ERR_clear_error();
    free_dtls(dtls);
}
