/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_objection.h"

#include "net/tls_psk.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* What a ticket takes along; a longer chain is left out, and its peer makes a whole handshake when
 * it has been judged without it. */
enum { CHAIN_SIZE_MAX = 8 * 1024 };

/* ---- The chain ---- */

static size_t write_chain(const STACK_OF(X509) * chain, unsigned char *out)
{
    size_t size = 0;

    for (int i = 0; i < sk_X509_num(chain); i++) {
        unsigned char *end = out ? out + size : NULL;
        int more = i2d_X509(sk_X509_value(chain, i), out ? &end : NULL);

        size += more > 0 ? (size_t)more : 0;
    }
    return size;
}

bool tls_objection_keep_chain(SSL *ssl)
{
    unsigned char written[CHAIN_SIZE_MAX];
    const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    size_t size;

    if (sk_X509_num(chain) <= 0) /* there is none, or the session has come by a ticket */
        return true;
    size = write_chain(chain, NULL);
    if (size > sizeof(written))
        return true;
    write_chain(chain, written);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), written, size) == 1;
}

/* The chain that a ticket has brought back; NULL: none. For sk_X509_pop_free(). */
static STACK_OF(X509) * read_chain(SSL *ssl)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    const unsigned char *next;
    void *data;
    size_t size;

    if (!chain || SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &data, &size) != 1)
        return chain;
    next = data;
    while (size > 0 && next < (const unsigned char *)data + size) {
        X509 *certificate =
                d2i_X509(NULL, &next, (long)((const unsigned char *)data + size - next));

        if (!certificate || sk_X509_push(chain, certificate) == 0) {
            X509_free(certificate);
            break;
        }
    }
    return chain;
}

/* ---- Certificates ---- */

/* What OpenSSL says of the chain by the authorities and revocations of that context. */
static const char *verify(SSL_CTX *context, X509 *certificate, STACK_OF(X509) * chain)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    const char *objection = "memory is short";
    X509_VERIFY_PARAM *how;

    if (!check ||
            X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), certificate, chain) != 1 ||
            X509_STORE_CTX_set_default(check, "ssl_client") != 1)
        goto out;
    how = X509_STORE_CTX_get0_param(check);
    X509_VERIFY_PARAM_set1(how, SSL_CTX_get0_param(context));
    X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_NO_CHECK_TIME);
    X509_VERIFY_PARAM_set_auth_level(how, SSL_CTX_get_security_level(context));
    objection = X509_verify_cert(check) == 1
            ? NULL
            : X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
out:
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return objection;
}

static const char *objection_to_certificate(SSL *ssl, SSL_CTX *context)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    STACK_OF(X509) *shown = SSL_get_peer_cert_chain(ssl);
    STACK_OF(X509) *brought = shown ? NULL : read_chain(ssl);
    const char *objection = certificate ? verify(context, certificate, shown ? shown : brought)
                                        : "it has not shown a certificate, which is required now";

    sk_X509_pop_free(brought, X509_free);
    return objection;
}

/* ---- Keys ---- */

static const char *objection_to_key(
        const SSL *ssl, const struct tls_keys *began, const struct tls_keys *now)
{
    struct bytes identity = began ? tls_psk_identity(ssl) : (struct bytes){ 0 };
    struct bytes old_key;
    struct bytes key;

    if (identity.size == 0)
        return "it has not come in by a pre-shared key, which is required now";
    old_key = began->find(began->context, identity);
    key = now->find(now->context, identity);
    if (key.size == 0)
        return "its pre-shared key is gone";
    if (key.size != old_key.size || CRYPTO_memcmp(key.data, old_key.data, key.size) != 0)
        return "its pre-shared key has changed";
    return NULL;
}

const char *tls_objection(SSL *ssl, const struct tls_server *began, const struct tls_server *now)
{
    const struct tls_keys *keys = tls_server_keys(now);

    if (keys)
        return objection_to_key(ssl, tls_server_keys(began), keys);
    return tls_server_asks(now) ? objection_to_certificate(ssl, tls_server_context(now)) : NULL;
}
