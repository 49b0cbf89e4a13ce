/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-shared keys in the place of certificates, in TLS 1.2 and 1.3, and DTLS 1.2.
 * Source: RFC 4279, RFC 5489, RFC 8446 §2.2
 */
#ifndef NET_TLS_PSK_H
#define NET_TLS_PSK_H

#include "base/bytes.h"

struct ssl_st;
struct ssl_ctx_st;

/* Where keys are found: by any thread, for as long as somebody holds a reference. */
struct tls_keys {
    /* Empty: there is no such identity. Borrowed from the context, which never changes. */
    struct bytes (*find)(const void *context, struct bytes identity);
    void *(*ref)(void *context);
    void (*unref)(void *context);
    void *context;
};

/* Lets connections of a context come in by the keys of its server, which is the context's
 * application data. False: the hint is too long, or memory is short. */
bool tls_psk_offer(struct ssl_ctx_st *context, const char *hint_or_null);

/* The identity that a peer has proved to have; empty: none. Borrowed from the connection. */
struct bytes tls_psk_identity(const struct ssl_st *ssl);

/* What is wrong with a peer that has named an identity that there is not: it is not told so, but
 * that its key is wrong. NULL: it has not. */
const char *tls_psk_blame(const struct ssl_st *ssl);

#endif
