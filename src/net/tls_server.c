/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_server.h"

#include "net/tls_below.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICKETS = 1 }; /* given to each TLS 1.3 client; it connects again over one */

struct tls_server {
    SSL_CTX *context;
    BIO_METHOD *method;
    /* Relaxed to take one, released and acquired to give it back: the last one frees. */
    _Atomic unsigned references;
};

/* One that is being made, and where its sentence goes. */
struct making {
    SSL_CTX *context;
    const struct tls_server_options *options;
    char *failure;
};

/* ---- Failures ---- */

static int fail(const struct making *making, int result, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static int fail(const struct making *making, int result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(making->failure, TLS_FAILURE_SIZE, format, arguments);
    va_end(arguments);
    return result;
}

/* The first thing that went wrong, which is the most exact; empties OpenSSL's queue of errors. */
static const char *openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return reason ? reason : "it is not what OpenSSL expects";
}

static int fail_file(const struct making *making, const char *what, const char *path)
{
    return fail(making, -EINVAL, "cannot use the %s %s: %s", what, path, openssl_reason());
}

/* OpenSSL's errors are vague about files that cannot be opened, so the system is asked first. */
static int open_once(const struct making *making, const char *what, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = errno;

    if (fd < 0)
        return fail(making, -error, "cannot read the %s %s: %s", what, path, strerror(error));
    close(fd);
    return 0;
}

/* ---- Our certificate ---- */

/* Nobody can be asked for a passphrase at a reload: a key that has one is refused. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static int load_certificate(const struct making *making)
{
    static const char what[] = "certificate file";
    const char *path = making->options->certificate_file;
    int result = open_once(making, what, path);

    if (result < 0)
        return result;
    if (SSL_CTX_use_certificate_chain_file(making->context, path) != 1)
        return fail_file(making, what, path);
    return 0;
}

static int load_key(const struct making *making)
{
    static const char what[] = "key file";
    const char *path = making->options->key_file;
    int result = open_once(making, what, path);
    bool locked = false;

    if (result < 0)
        return result;
    SSL_CTX_set_default_passwd_cb(making->context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(making->context, &locked);
    if (SSL_CTX_use_PrivateKey_file(making->context, path, SSL_FILETYPE_PEM) == 1)
        return 0;
    if (locked) {
        ERR_clear_error();
        return fail(making, -EINVAL,
                "the %s %s has a passphrase, which nobody can be asked for; take it off with "
                "\"openssl pkey\"",
                what, path);
    }
    if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH) {
        ERR_clear_error();
        return fail(making, -EINVAL, "the %s %s does not belong to the certificate %s", what, path,
                making->options->certificate_file);
    }
    return fail_file(making, what, path);
}

/* ---- Clients' certificates ---- */

static int load_authorities(const struct making *making)
{
    const char *file = making->options->ca_file;
    const char *folder = making->options->ca_folder;
    int result = 0;

    if (file)
        result = open_once(making, "CA file", file);
    if (result == 0 && folder)
        result = open_once(making, "CA folder", folder);
    if (result < 0)
        return result;
    if (file && SSL_CTX_load_verify_file(making->context, file) != 1)
        return fail_file(making, "CA file", file);
    if (folder && SSL_CTX_load_verify_dir(making->context, folder) != 1)
        return fail_file(making, "CA folder", folder);
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
    result = open_once(making, what, path);
    if (result < 0)
        return result;
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1)
        return fail_file(making, what, path);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return 0;
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
    return 0;
}

/* ---- What is spoken ---- */

static int choose_ciphers(const struct making *making)
{
    const struct tls_server_options *options = making->options;

    if (options->ciphers && SSL_CTX_set_cipher_list(making->context, options->ciphers) != 1)
        return fail(making, -EINVAL, "no cipher of the list %s is known", options->ciphers);
    if (options->suites && SSL_CTX_set_ciphersuites(making->context, options->suites) != 1)
        return fail(making, -EINVAL, "there is an unknown suite in the list %s", options->suites);
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

/*
 * Sessions are kept by clients alone, in tickets that this context alone can open: a new one knows
 * no old ones, so whom new files refuse cannot come in by a ticket.
 */
static bool set_manners(SSL_CTX *context, const struct tls_server_options *options)
{
    static const unsigned char sessions_of[] = "mqtt";

    SSL_CTX_set_options(context,
            SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context,
            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                    SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (options->application)
        SSL_CTX_set_alpn_select_cb(
                context, choose_application, (void *)(uintptr_t)options->application);
    return SSL_CTX_set_session_id_context(context, sessions_of, sizeof(sessions_of) - 1) == 1 &&
            SSL_CTX_set_num_tickets(context, TICKETS) == 1 &&
            SSL_CTX_set_min_proto_version(context,
                    options->version_min == TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1;
}

/* ---- The whole ---- */

static int make(const struct making *making)
{
    int result;

    ERR_clear_error();
    if (!set_manners(making->context, making->options))
        return fail(making, -ENOMEM, "TLS cannot be set up: %s", openssl_reason());
    result = choose_ciphers(making);
    if (result == 0)
        result = load_certificate(making);
    if (result == 0)
        result = load_key(making);
    return result == 0 ? ask_clients(making) : result;
}

int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
        char failure[static TLS_FAILURE_SIZE])
{
    struct tls_server *server = calloc(1, sizeof(*server));
    struct making making = { .options = options, .failure = failure };
    int result;

    if (!server)
        return fail(&making, -ENOMEM, "memory is short");
    atomic_init(&server->references, 1);
    server->method = tls_below_method_new();
    server->context = making.context = SSL_CTX_new(TLS_server_method());
    result = server->method && server->context
            ? make(&making)
            : fail(&making, -ENOMEM, "TLS cannot be set up: %s", openssl_reason());
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
    free(server);
}

struct ssl_ctx_st *tls_server_context(const struct tls_server *server)
{
    return server->context;
}

const struct bio_method_st *tls_server_method(const struct tls_server *server)
{
    return server->method;
}
