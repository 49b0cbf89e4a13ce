/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_psk.h"

#include "net/tls_server.h"

#include <openssl/rand.h>
#include <openssl/ssl.h>

enum { FALSE_KEY_SIZE = 32 };

/* The application data of a connection that has named an unknown identity. */
static const char unknown[] = "unknown";

/*
 * The key of an identity. An unknown one gets a key that nobody has, so that it fails where a wrong
 * key fails: who guesses does not learn which identities there are. Returns its size; 0: failed.
 */
static size_t copy_key(SSL *ssl, struct bytes identity, unsigned char *out, size_t size_max)
{
    const struct tls_keys *keys = tls_server_keys(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    struct bytes key = keys->find(keys->context, identity);

    if (key.size == 0 && size_max >= FALSE_KEY_SIZE) {
        SSL_set_app_data(ssl, (void *)(uintptr_t)unknown);
        return RAND_bytes(out, FALSE_KEY_SIZE) == 1 ? FALSE_KEY_SIZE : 0;
    }
    if (key.size > size_max)
        return 0;
    memcpy(out, key.data, key.size);
    return key.size;
}

const char *tls_psk_blame(const SSL *ssl)
{
    return SSL_get_app_data(ssl) == unknown ? "its pre-shared key's identity is unknown" : NULL;
}

/* The numbers of DTLS's versions are others, and count down. */
static bool is_1_3(const SSL *ssl)
{
    return !SSL_is_dtls(ssl) && SSL_version(ssl) >= TLS1_3_VERSION;
}

/* For TLS 1.2. OpenSSL would ask it for 1.3 too, with the identity cut at its first NUL. */
static unsigned find_key(SSL *ssl, const char *identity, unsigned char *out, unsigned size_max)
{
    if (is_1_3(ssl) || !identity)
        return 0;
    return (unsigned)copy_key(ssl, bytes_of_text(identity), out, size_max);
}

/* A session of TLS 1.3 as if it had been before: with SHA-256, as a key without a hash has. */
static SSL_SESSION *session_new(
        SSL *ssl, struct bytes identity, const unsigned char *key, size_t key_size)
{
    static const unsigned char suite[] = { 0x13, 0x01 }; /* TLS_AES_128_GCM_SHA256 */
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *session = SSL_SESSION_new();

    /* The identity stays with the session that was chosen, whatever else the client offers. */
    if (session && cipher && SSL_SESSION_set1_master_key(session, key, key_size) == 1 &&
            SSL_SESSION_set_cipher(session, cipher) == 1 &&
            SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1 &&
            SSL_SESSION_set1_ticket_appdata(session, identity.data, identity.size) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

static int find_session(
        SSL *ssl, const unsigned char *identity, size_t identity_size, SSL_SESSION **out)
{
    unsigned char key[PSK_MAX_PSK_LEN];
    struct bytes name = bytes_of(identity, identity_size);
    size_t size = copy_key(ssl, name, key, sizeof(key));

    *out = size > 0 ? session_new(ssl, name, key, size) : NULL;
    OPENSSL_cleanse(key, sizeof(key));
    return *out != NULL;
}

bool tls_psk_offer(SSL_CTX *context, const char *hint_or_null)
{
    SSL_CTX_set_psk_server_callback(context, find_key);
    SSL_CTX_set_psk_find_session_callback(context, find_session);
    /* A ticket would save nothing but the Diffie-Hellman, and would outlive its key. */
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return SSL_CTX_set_num_tickets(context, 0) == 1 &&
            SSL_CTX_use_psk_identity_hint(context, hint_or_null) == 1;
}

struct bytes tls_psk_identity(const SSL *ssl)
{
    void *data;
    size_t size;

    if (!is_1_3(ssl))
        return bytes_of_text(SSL_get_psk_identity(ssl));
    if (SSL_SESSION_get0_ticket_appdata(SSL_get0_session(ssl), &data, &size) != 1)
        return (struct bytes){ 0 };
    return bytes_of(data, size);
}
