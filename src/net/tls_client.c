/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_client.h"

#include "net/address.h"
#include "net/tls_below.h"
#include "net/tls_engine.h"
#include "net/tls_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { KEY_SIZE_MAX = 256 };

/* Held by its owner and by each stream. */
struct tls_client {
    atomic_uint holders;
    SSL_CTX *context;
    BIO_METHOD *method;
    char *server_name; /* NULL: none is asked for */
    bool is_address;   /* that is a numeric address */
    bool any_name;
    char *identity;           /* NULL: no pre-shared key */
    struct engine_st *engine; /* NULL: none */
    int keylog;               /* a descriptor; -1: none */
    size_t key_size;
    uint8_t key[KEY_SIZE_MAX];
};

static void let_go(void *side)
{
    struct tls_client *client = side;

    /* Acquire and release: what others did with it happened before it is freed. */
    if (!client || atomic_fetch_sub_explicit(&client->holders, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(client->context);
    BIO_meth_free(client->method);
    tls_engine_close(client->engine);
    OPENSSL_cleanse(client->key, sizeof(client->key));
    if (client->keylog >= 0)
        close(client->keylog);
    free(client->server_name);
    free(client->identity);
    free(client);
}

void tls_client_free(struct tls_client *client)
{
    let_go(client);
}

/* ---- Pre-shared keys ---- */

static bool read_key(struct tls_client *client, const char *text)
{
    size_t size = strlen(text);

    if (size == 0 || size > 2 * KEY_SIZE_MAX)
        return false;
    /* An odd number of digits lacks a zero in front. */
    for (size_t i = size % 2; i < size + size % 2; i++) {
        int value = OPENSSL_hexchar2int((uint8_t)text[i - size % 2]);

        if (value < 0)
            return false;
        client->key[i / 2] = (uint8_t)(client->key[i / 2] << 4 | value);
    }
    client->key_size = (size + 1) / 2;
    return true;
}

static unsigned give_key(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
        unsigned char *key, unsigned key_max)
{
    const struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    size_t size = strlen(client->identity);

    (void)hint;
    if (size >= identity_max || client->key_size > key_max)
        return 0;
    memcpy(identity, client->identity, size + 1);
    memcpy(key, client->key, client->key_size);
    return (unsigned)client->key_size;
}

static int offer_key(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    if (!read_key(client, options->psk))
        return failure_tell(told, -EINVAL, "the pre-shared key is not 1 to 512 hexadecimal digits");
    client->identity = strdup(options->psk_identity);
    if (!client->identity)
        return -ENOMEM;
    SSL_CTX_set_psk_client_callback(client->context, give_key);
    /* A cipher without a certificate; of TLS 1.3 any will do. */
    if (!options->ciphers && SSL_CTX_set_cipher_list(client->context, "PSK") != 1)
        return failure_tell(told, -EINVAL, "OpenSSL has no ciphers for pre-shared keys");
    return 0;
}

/* ---- Whom it trusts, and what it shows ---- */

/* Has OpenSSL take a file or a folder; `what` it is, for a sentence. NULL for a path: nothing. */
static int load(SSL_CTX *context, int (*take)(SSL_CTX *context, const char *path), const char *what,
        const char *path, char told[static FAILURE_SIZE])
{
    int result = path ? tls_failure_open(told, what, path) : 0;

    if (!path || result < 0)
        return result;
    return take(context, path) == 1 ? 0 : tls_fail_file(told, what, path);
}

static int trust(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    SSL_CTX *context = client->context;
    int result = load(
            context, SSL_CTX_load_verify_file, "authorities' certificates", options->ca_file, told);

    if (result == 0)
        result = load(context, SSL_CTX_load_verify_dir, "folder of authorities' certificates",
                options->ca_folder, told);
    if (options->system_authorities || (!options->ca_file && !options->ca_folder))
        SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, options->any_certificate ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    return result;
}

static int give_password(char *out, int size, int writes, void *context)
{
    const char *password = context;
    size_t length = password ? strlen(password) : 0;

    (void)writes;
    if (length > (size_t)size)
        return -1;
    if (length > 0)
        memcpy(out, password, length);
    return (int)length;
}

static int take_key(SSL_CTX *context, const char *path)
{
    return SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
}

/* Also whether the key is that of the certificate. */
static int show_key(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    EVP_PKEY *key = NULL;
    int result;

    if (!options->engine_has_key)
        return load(client->context, take_key, "key", options->key_file, told);
    result =
            tls_engine_key(client->engine, &key, options->key_file, options->engine_password, told);
    if (result == 0 && SSL_CTX_use_PrivateKey(client->context, key) != 1)
        result = tls_fail_file(told, "key", options->key_file);
    EVP_PKEY_free(key);
    return result;
}

static int show(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    SSL_CTX *context = client->context;
    int result;

    if (!options->certificate_file)
        return 0;
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)options->key_password);
    result = load(context, SSL_CTX_use_certificate_chain_file, "certificate",
            options->certificate_file, told);
    if (result == 0)
        result = show_key(client, options, told);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL); /* it is the caller's */
    return result;
}

/* ---- How it speaks ---- */

static int speak(struct tls_client *client, const struct tls_client_options *options, int version,
        char told[static FAILURE_SIZE])
{
    SSL_CTX *context = client->context;
    static const char unknown[] = "OpenSSL knows none of the ciphers %s";
    int version_min = options->version_min ? options->version_min : version;

    SSL_CTX_set_app_data(context, client);
    SSL_CTX_set_options(
            context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_mode(context,
            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                    SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(context, version_min) != 1 ||
            SSL_CTX_set_max_proto_version(context, options->version_max) != 1)
        return failure_tell(told, -EINVAL, "OpenSSL does not speak these versions of TLS");
    if (options->ciphers && SSL_CTX_set_cipher_list(context, options->ciphers) != 1)
        return failure_tell(told, -EINVAL, unknown, options->ciphers);
    if (options->suites && SSL_CTX_set_ciphersuites(context, options->suites) != 1)
        return failure_tell(told, -EINVAL, unknown, options->suites);
    return 0;
}

static int offer_application(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    unsigned char offer[UINT8_MAX + 1];
    size_t size = options->application ? strlen(options->application) : 0;

    if (size == 0)
        return 0;
    if (size > UINT8_MAX)
        return failure_tell(told, -EINVAL, "a protocol's name for ALPN is over 255 bytes");
    offer[0] = (unsigned char)size;
    memcpy(offer + 1, options->application, size);
    return SSL_CTX_set_alpn_protos(client->context, offer, (unsigned)size + 1) == 0 ? 0 : -ENOMEM;
}

/* One line is one write, so those of several programs with the same file do not mix. */
static void log_secret(const SSL *ssl, const char *line)
{
    const struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct iovec pieces[] = { stream_piece(bytes_of_text(line)), stream_piece(BYTES("\n")) };

    if (writev(client->keylog, pieces, 2) < 0)
        return; /* the connection is worth more than what can be read of it */
}

static int open_keylog(struct tls_client *client, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    if (!options->keylog_file)
        return 0;
    client->keylog = open(options->keylog_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (client->keylog < 0)
        return failure_tell(told, -EINVAL, "the file for secrets, %s, cannot be written: %s",
                options->keylog_file, strerror(errno));
    SSL_CTX_set_keylog_callback(client->context, log_secret);
    return 0;
}

static int ask_for(struct tls_client *client, const struct tls_client_options *options)
{
    struct address address;

    client->any_name = options->any_name || options->any_certificate;
    if (!options->server_name)
        return 0;
    client->is_address = address_parse(&address, options->server_name, 0) == 0;
    client->server_name = strdup(options->server_name);
    return client->server_name ? 0 : -ENOMEM;
}

static int fill(struct tls_client *client, const struct tls_client_options *options, int version,
        char told[static FAILURE_SIZE])
{
    int result = options->engine ? tls_engine_open(&client->engine, options->engine, told) : 0;

    if (result == 0)
        result = speak(client, options, version, told);
    if (result == 0)
        result = ask_for(client, options);
    if (result == 0)
        result = offer_application(client, options, told);
    if (result == 0)
        result = open_keylog(client, options, told);
    if (result == 0 && options->psk)
        return offer_key(client, options, told);
    if (result == 0)
        result = trust(client, options, told);
    return result == 0 ? show(client, options, told) : result;
}

int tls_client_new(struct tls_client **out, const struct tls_client_options *options,
        char told[static FAILURE_SIZE])
{
    static const struct tls_client_kind streams = { TLS_client_method, tls_below_method_new,
        TLS1_2_VERSION };
    const struct tls_client_kind *kind = options->kind ? options->kind : &streams;
    struct tls_client *client = calloc(1, sizeof(*client));
    int result = -ENOMEM;

    if (!client)
        return -ENOMEM;
    atomic_init(&client->holders, 1);
    client->keylog = -1;
    client->context = SSL_CTX_new(kind->method());
    client->method = kind->below();
    if (client->context && client->method)
        result = fill(client, options, kind->version_min, told);
    ERR_clear_error();
    if (result < 0) {
        let_go(client);
        return result;
    }
    *out = client;
    return 0;
}

/* ---- A connection ---- */

/* OpenSSL's words for bytes that are not TLS at all say something else. */
static const char *blame(const SSL *ssl)
{
    unsigned long error = ERR_peek_last_error();

    (void)ssl;
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER)
        return "the server does not speak TLS at this port";
    return NULL;
}

/* Which server it wants, and that the certificate must say so. */
static bool name_server(SSL *ssl, const struct tls_client *client)
{
    X509_VERIFY_PARAM *verify = SSL_get0_param(ssl);

    if (!client->server_name)
        return true;
    if (!client->is_address && SSL_set_tlsext_host_name(ssl, client->server_name) != 1)
        return false;
    if (client->any_name)
        return true;
    return (client->is_address ? X509_VERIFY_PARAM_set1_ip_asc(verify, client->server_name)
                               : X509_VERIFY_PARAM_set1_host(verify, client->server_name, 0)) == 1;
}

int tls_client_open(struct stream **out, struct stream *below, struct tls_client *client)
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
        .peer = stream_layer_peer,
    };
    struct tls_stream *tls = stream_layer_new(sizeof(*tls), &functions, below);

    if (!tls)
        return -ENOMEM;
    /* Relaxed: who opens a stream holds the client already. */
    atomic_fetch_add_explicit(&client->holders, 1, memory_order_relaxed);
    tls->side = client;
    tls->release = let_go;
    tls->blame = blame;
    tls->read_waits = tls->write_waits = STREAM_OUT; /* until the connection below stands */
    if (!tls_stream_attach(tls, client->context, client->method) ||
            !name_server(tls->ssl, client)) {
        ERR_clear_error();
        tls_stream_free(tls);
        stream_close(below, STREAM_END_CLEAN);
        return -ENOMEM;
    }
    SSL_set_connect_state(tls->ssl);
    *out = &tls->layer.stream;
    return 0;
}

struct ssl_st *tls_client_connect(struct tls_client *client, void *below)
{
    BIO *bio = BIO_new(client->method);
    SSL *ssl = SSL_new(client->context);

    if (!bio || !ssl || !name_server(ssl, client)) {
        BIO_free(bio);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, below);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    atomic_fetch_add_explicit(&client->holders, 1, memory_order_relaxed);
    return ssl;
}
