/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_pair.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

static const char certificate_file[] = "certificate file";
static const char key_file[] = "key file";

/* ---- One ---- */

/* Nobody can be asked for a passphrase at a reload: a key that has one is refused. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)context = true;
    return -1;
}

static int load_certificate(SSL_CTX *context, const char *path, char failure[static FAILURE_SIZE])
{
    int result = tls_failure_open(failure, certificate_file, path);

    if (result < 0)
        return result;
    if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
        return tls_fail_file(failure, certificate_file, path);
    return 0;
}

static int load_key(
        SSL_CTX *context, const struct tls_pair *pair, char failure[static FAILURE_SIZE])
{
    const char *path = pair->key_file;
    int result = tls_failure_open(failure, key_file, path);
    bool locked = false;

    if (result < 0)
        return result;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &locked);
    result = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (result == 1)
        return 0;
    if (locked) {
        ERR_clear_error();
        return failure_tell(failure, -EINVAL,
                "the %s %s has a passphrase, which nobody can be asked for; take it off with "
                "\"openssl pkey\"",
                key_file, path);
    }
    if (ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH) {
        ERR_clear_error();
        return failure_tell(failure, -EINVAL, "the %s %s does not belong to the certificate %s",
                key_file, path, pair->certificate_file);
    }
    return tls_fail_file(failure, key_file, path);
}

void tls_pair_prepare(X509 *certificate)
{
    X509_check_purpose(certificate, -1, 0);
    ERR_clear_error();
}

static void prepare(SSL_CTX *context)
{
    STACK_OF(X509) * chain;

    SSL_CTX_get0_chain_certs(context, &chain);
    tls_pair_prepare(SSL_CTX_get0_certificate(context));
    for (int i = 0; i < sk_X509_num(chain); i++)
        tls_pair_prepare(sk_X509_value(chain, i));
}

int tls_pair_load(SSL_CTX *context, const struct tls_pair *pair, char failure[static FAILURE_SIZE])
{
    int result = load_certificate(context, pair->certificate_file, failure);

    if (result == 0)
        result = load_key(context, pair, failure);
    if (result == 0)
        prepare(context);
    return result;
}

/* ---- Several ---- */

static bool has_name(X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool any = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        any |= sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return any;
}

int tls_pairs_add(
        struct tls_pairs *pairs, const struct tls_pair *pair, char failure[static FAILURE_SIZE])
{
    SSL_CTX *context;
    int result;

    if (pairs->count == TLS_PAIRS_MAX)
        return failure_tell(failure, -E2BIG, "more than %d further certificates", TLS_PAIRS_MAX);
    context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return failure_tell(failure, -ENOMEM, "memory is short");
    result = tls_pair_load(context, pair, failure);
    if (result == 0 && !has_name(SSL_CTX_get0_certificate(context)))
        result = failure_tell(failure, -EINVAL,
                "the certificate file %s has no DNS name (subjectAltName), so no client would ever "
                "see it",
                pair->certificate_file);
    if (result == 0)
        pairs->contexts[pairs->count++] = context;
    else
        SSL_CTX_free(context);
    return result;
}

void tls_pairs_deinit(struct tls_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        SSL_CTX_free(pairs->contexts[i]);
    pairs->count = 0;
}

static bool show(SSL *ssl, SSL_CTX *pair)
{
    STACK_OF(X509) * chain;

    SSL_CTX_get0_chain_certs(pair, &chain);
    SSL_certs_clear(ssl); /* also one with a key of another kind, which might be chosen instead */
    return SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(pair), SSL_CTX_get0_privatekey(pair),
                   chain, 1) == 1;
}

bool tls_pairs_choose(const struct tls_pairs *pairs, SSL *ssl)
{
    static const unsigned flags =
            X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (!name)
        return true;
    for (size_t i = 0; i < pairs->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(pairs->contexts[i]);

        if (X509_check_host(certificate, name, strlen(name), flags, NULL) == 1)
            return show(ssl, pairs->contexts[i]);
    }
    return true;
}
