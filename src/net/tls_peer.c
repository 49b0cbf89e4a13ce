/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_peer.h"

#include "net/tls_psk.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

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

static void copy_certificate(struct stream_peer *peer, const SSL *ssl)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);

    if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK)
        return;
    peer->certified = true;
    copy_common_name(peer, X509_get_subject_name(certificate));
    copy_subject(peer, X509_get_subject_name(certificate));
}

static void copy_identity(struct stream_peer *peer, const SSL *ssl)
{
    struct bytes identity = tls_psk_identity(ssl);

    copy_name(peer->psk_identity, sizeof(peer->psk_identity), identity.data, (long)identity.size);
}

void tls_peer_tell(const SSL *ssl, const struct tls_server *server, struct stream_peer *out)
{
    const char *version = SSL_get_version(ssl);
    const char *cipher = SSL_get_cipher_name(ssl);

    copy_name(out->tls_version, sizeof(out->tls_version), version, (long)strlen(version));
    copy_name(out->tls_cipher, sizeof(out->tls_cipher), cipher, (long)strlen(cipher));
    if (tls_server_keys(server))
        copy_identity(out, ssl);
    else
        copy_certificate(out, ssl);
    ERR_clear_error();
}
