/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority's word that our certificate is still good, from a file, shown with it to clients
 * that ask (OCSP stapling).
 * Source: RFC 6066 §8, RFC 6960
 */
#ifndef NET_TLS_STAPLE_H
#define NET_TLS_STAPLE_H

#include "net/tls_failure.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

enum { TLS_STAPLE_SIZE_MAX = 64 * 1024 };

/* Starts as { 0 }. */
struct tls_staple {
    unsigned char *data; /* the response, DER; NULL: none */
    size_t size;
    int64_t expires_s; /* of the wall clock; INT64_MAX: it does not */
};

/**
 * Reads a response for a certificate; `issuer` is NULL where it is not known, and then the serial
 * number decides alone.
 *
 * Returns 0, and in `told` a warning or "": the response has expired, or says that the certificate
 * is not good. Or -errno with a sentence: not to be read, no response, or for another certificate.
 */
int tls_staple_read(struct tls_staple *out, const char *path, X509 *certificate, X509 *issuer,
        char told[static FAILURE_SIZE]);

void tls_staple_deinit(struct tls_staple *staple);

/* Gives a connection the response. False where it has expired: a client that asks does better
 * without one; or memory is short. */
bool tls_staple_give(const struct tls_staple *staple, struct ssl_st *ssl, int64_t now_s);

#endif
