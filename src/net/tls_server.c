/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_server.h"

#include "net/dtls_below.h"
#include "net/tls_below.h"
#include "net/tls_objection.h"
#include "net/tls_staple.h"
#include "net/tls_tickets.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICKETS = 1 }; /* given to each TLS 1.3 client; it connects again over one */

struct tls_server {
    SSL_CTX *context; /* whose application data this is */
    BIO_METHOD *method;
    struct tls_pairs named;
    struct tls_staple staple;
    struct tls_tickets *tickets;
    struct tls_keys keys; /* with a NULL context: none */
    bool asks;
    uint64_t reading;
    /* Relaxed to take one, released and acquired to give it back: the last one frees. */
    _Atomic unsigned references;
};

/* One that is being made, and where its sentence goes. */
struct making {
    struct tls_server *server;
    SSL_CTX *context;
    const struct tls_server_options *options;
    char *told;
};

/* ---- Clients' certificates ---- */

static int load_authorities(const struct making *making)
{
    const char *file = making->options->ca_file;
    const char *folder = making->options->ca_folder;
    int result = 0;

    if (file)
        result = tls_failure_open(making->told, "CA file", file);
    if (result == 0 && folder)
        result = tls_failure_open(making->told, "CA folder", folder);
    if (result < 0)
        return result;
    if (file && SSL_CTX_load_verify_file(making->context, file) != 1)
        return tls_fail_file(making->told, "CA file", file);
    if (folder && SSL_CTX_load_verify_dir(making->context, folder) != 1)
        return tls_fail_file(making->told, "CA folder", folder);
    return 0;
}

static int load_revocations(const struct making *making)
{
    static const char what[] = "CRL file";
    X509_STORE *store = SSL_CTX_get_cert_store(making->context);
    const char *path = making->options->crl_file;
    X509_LOOKUP *lookup;
    int result;

    if (!path)
        return 0;
    result = tls_failure_open(making->told, what, path);
    if (result < 0)
        return result;
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1)
        return tls_fail_file(making->told, what, path);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return 0;
}

/* A list that is out of date makes every certificate bad, which nobody would guess. */
static void warn_of_old_revocations(const struct making *making)
{
    STACK_OF(X509_OBJECT) *objects =
            X509_STORE_get0_objects(SSL_CTX_get_cert_store(making->context));

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

        if (list && X509_CRL_get0_nextUpdate(list) &&
                X509_cmp_current_time(X509_CRL_get0_nextUpdate(list)) < 0)
            failure_tell(making->told, 0,
                    "a list in the CRL file %s has expired, so its authority's certificates are "
                    "all refused; fetch a new one",
                    making->options->crl_file);
    }
}

/*
 * OpenSSL reads a certificate's extensions when they are first asked for, and sorts a list of
 * revocations at the first look into it. Several threads judge by these at once, and who finds
 * such work done reads what came of it without a lock. So it is done here, before any other thread
 * knows of them; a folder's certificates alone are read later.
 */
static void prepare_authorities(const struct making *making)
{
    STACK_OF(X509_OBJECT) *objects =
            X509_STORE_get0_objects(SSL_CTX_get_cert_store(making->context));
    X509 *own = SSL_CTX_get0_certificate(making->context);

    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
        X509_CRL *list = X509_OBJECT_get0_X509_CRL(object);
        X509_REVOKED *unused;

        if (list)
            X509_CRL_get0_by_cert(list, &unused, own);
        else if (X509_OBJECT_get0_X509(object))
            tls_pair_prepare(X509_OBJECT_get0_X509(object));
    }
}

static int ask_clients(const struct making *making)
{
    const struct tls_server_options *options = making->options;
    int result = load_authorities(making);

    if (result == 0)
        result = load_revocations(making);
    if (result < 0)
        return result;
    if (options->ignore_dates)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(making->context), X509_V_FLAG_NO_CHECK_TIME);
    if (options->require_certificate)
        SSL_CTX_set_verify(
                making->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    making->server->asks |= options->require_certificate;
    warn_of_old_revocations(making);
    prepare_authorities(making);
    return 0;
}

/* ---- Our certificate, or keys ---- */

static int choose_pair(SSL *ssl, void *server)
{
    return tls_pairs_choose(&((struct tls_server *)server)->named, ssl);
}

static int load_named(const struct making *making)
{
    const struct tls_server_options *options = making->options;
    int result = 0;

    for (size_t i = 0; result == 0 && i < options->named_count; i++)
        result = tls_pairs_add(&making->server->named, &options->named[i], making->told);
    if (options->named_count > 0)
        SSL_CTX_set_cert_cb(making->context, choose_pair, making->server);
    return result;
}

/* It is about the listener's own certificate: with another one that was chosen it is not given. */
static int give_staple(SSL *ssl, void *server)
{
    const struct tls_server *of = server;
    bool own = SSL_get_certificate(ssl) == SSL_CTX_get0_certificate(of->context);

    return own && tls_staple_give(&of->staple, ssl, time(NULL)) ? SSL_TLSEXT_ERR_OK
                                                                : SSL_TLSEXT_ERR_NOACK;
}

static int load_staple(const struct making *making)
{
    const char *path = making->options->ocsp_file;
    STACK_OF(X509) * chain;
    X509 *issuer;

    if (!path)
        return 0;
    SSL_CTX_get0_chain_certs(making->context, &chain);
    issuer = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL;
    SSL_CTX_set_tlsext_status_cb(making->context, give_staple);
    SSL_CTX_set_tlsext_status_arg(making->context, making->server);
    return tls_staple_read(&making->server->staple, path, SSL_CTX_get0_certificate(making->context),
            issuer, making->told);
}

static void warn_of_old_certificate(const struct making *making)
{
    const X509 *certificate = SSL_CTX_get0_certificate(making->context);

    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        failure_tell(making->told, 0, "the certificate in %s has expired; clients will refuse it",
                making->options->pair.certificate_file);
}

static int show_certificate(const struct making *making)
{
    int result = tls_pair_load(making->context, &making->options->pair, making->told);

    if (result == 0)
        result = load_named(making);
    if (result == 0)
        result = load_staple(making);
    if (result == 0)
        warn_of_old_certificate(making);
    return result == 0 ? ask_clients(making) : result;
}

static int offer_keys(const struct making *making)
{
    struct tls_keys *keys = &making->server->keys;

    *keys = *making->options->keys;
    keys->context = keys->ref(keys->context);
    making->server->asks = true;
    if (tls_psk_offer(making->context, making->options->psk_hint))
        return 0;
    return failure_tell(
            making->told, -EINVAL, "pre-shared keys cannot be offered: %s", tls_failure_reason());
}

/* ---- What is spoken ---- */

static int choose_ciphers(const struct making *making)
{
    const struct tls_server_options *options = making->options;

    if (options->ciphers && SSL_CTX_set_cipher_list(making->context, options->ciphers) != 1)
        return failure_tell(
                making->told, -EINVAL, "no cipher of the list %s is known", options->ciphers);
    if (options->suites && SSL_CTX_set_ciphersuites(making->context, options->suites) != 1)
        return failure_tell(
                making->told, -EINVAL, "there is an unknown suite in the list %s", options->suites);
    ERR_clear_error();
    return 0;
}

/* A client that offers only other applications gets no answer, as one that offers none. */
static int choose_application(SSL *ssl, const unsigned char **out, unsigned char *out_size,
        const unsigned char *offers, unsigned offers_size, void *context)
{
    const char *application = context;
    size_t size = strlen(application);

    (void)ssl;
    for (unsigned i = 0; i < offers_size; i += 1u + offers[i]) {
        if (offers[i] == size && memcmp(offers + i + 1, application, size) == 0) {
            *out = offers + i + 1;
            *out_size = offers[i];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int keep_chain(SSL *ssl, void *unused)
{
    (void)unused;
    return tls_objection_keep_chain(ssl);
}

static int use_tickets(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
        EVP_MAC_CTX *mac, int seal)
{
    const struct tls_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return seal ? tls_tickets_seal(server->tickets, name, iv, cipher, mac, now.tv_sec)
                : tls_tickets_open(server->tickets, name, iv, cipher, mac, now.tv_sec);
}

/*
 * Sessions are kept by clients alone, in tickets that this context alone can open: a new one knows
 * no old ones, so whom new files refuse cannot come in by a ticket.
 */
static bool set_sessions(struct tls_server *server, SSL_CTX *context)
{
    static const unsigned char sessions_of[] = "mqtt";
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    server->tickets = tls_tickets_new(now.tv_sec);
    SSL_CTX_set_app_data(context, server);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, TLS_TICKET_LIFE_S);
    return server->tickets &&
            SSL_CTX_set_session_id_context(context, sessions_of, sizeof(sessions_of) - 1) == 1 &&
            SSL_CTX_set_num_tickets(context, TICKETS) == 1 &&
            SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_tickets) == 1 &&
            SSL_CTX_set_session_ticket_cb(context, keep_chain, NULL, NULL) == 1;
}

/*
 * OpenSSL's own, but for those over finite fields, which no client needs: a hello that asks for the
 * largest costs its sender nothing, and a server a hundred times what one on a curve does.
 */
static bool set_groups(SSL_CTX *context)
{
    /* They are only read, but OpenSSL's macro takes their const away, which clang minds. */
    char curves[] = "X25519:P-256:X448:P-521:P-384";
    char hybrid_first[] = "X25519MLKEM768:X25519:P-256:X448:P-521:P-384";

    /* An OpenSSL that is older than 3.5 does not know all of them. */
    return SSL_CTX_set1_groups_list(context, hybrid_first) == 1 ||
            SSL_CTX_set1_groups_list(context, curves) == 1;
}

/* Whoever says hello by DTLS has shown his cookie before OpenSSL hears of him: net/dtls.h. */
static int trust_cookie(SSL *ssl, const unsigned char *cookie, unsigned size)
{
    (void)ssl;
    (void)cookie;
    (void)size;
    return 1;
}

static bool set_version(SSL_CTX *context, const struct tls_server_options *options)
{
    int version = options->version_min == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;

    if (!options->datagrams)
        return SSL_CTX_set_min_proto_version(context, version) == 1;
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_cookie_verify_cb(context, trust_cookie);
    return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1;
}

static bool set_manners(SSL_CTX *context, const struct tls_server_options *options)
{
    SSL_CTX_set_options(context,
            SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context,
            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                    SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    if (options->application)
        SSL_CTX_set_alpn_select_cb(
                context, choose_application, (void *)(uintptr_t)options->application);
    return set_groups(context) && set_version(context, options);
}

/* ---- The whole ---- */

static int make(const struct making *making)
{
    int result;

    ERR_clear_error();
    if (!set_manners(making->context, making->options) ||
            !set_sessions(making->server, making->context))
        return failure_tell(
                making->told, -ENOMEM, "TLS cannot be set up: %s", tls_failure_reason());
    result = choose_ciphers(making);
    if (result < 0)
        return result;
    return making->options->keys ? offer_keys(making) : show_certificate(making);
}

int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
        char told[static FAILURE_SIZE])
{
    struct tls_server *server = calloc(1, sizeof(*server));
    struct making making = { .server = server, .options = options, .told = told };
    int result;

    told[0] = '\0';
    if (!server)
        return failure_tell(told, -ENOMEM, "memory is short");
    atomic_init(&server->references, 1);
    server->reading = options->reading;
    server->method = options->datagrams ? dtls_below_method_new() : tls_below_method_new();
    server->context = making.context =
            SSL_CTX_new(options->datagrams ? DTLS_server_method() : TLS_server_method());
    result = server->method && server->context
            ? make(&making)
            : failure_tell(told, -ENOMEM, "TLS cannot be set up: %s", tls_failure_reason());
    if (result < 0)
        tls_server_unref(server);
    else
        *out = server;
    return result;
}

struct tls_server *tls_server_ref(struct tls_server *server)
{
    atomic_fetch_add_explicit(&server->references, 1, memory_order_relaxed);
    return server;
}

void tls_server_unref(struct tls_server *server)
{
    if (!server || atomic_fetch_sub_explicit(&server->references, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(server->context);
    BIO_meth_free(server->method);
    tls_pairs_deinit(&server->named);
    tls_staple_deinit(&server->staple);
    tls_tickets_free(server->tickets);
    if (server->keys.context)
        server->keys.unref(server->keys.context);
    free(server);
}

bool tls_server_asks(const struct tls_server *server)
{
    return server->asks;
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *server)
{
    return server->context;
}

const struct bio_method_st *tls_server_method(const struct tls_server *server)
{
    return server->method;
}

const struct tls_keys *tls_server_keys(const struct tls_server *server)
{
    return server->keys.context ? &server->keys : NULL;
}

uint64_t tls_server_reading(const struct tls_server *server)
{
    return server->reading;
}
