/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate and its key, read from files; and several of them, of which a connection shows the
 * one whose names have the one that the client asks for (SNI).
 */
#ifndef NET_TLS_PAIR_H
#define NET_TLS_PAIR_H

#include "net/tls_failure.h"

#include <stdbool.h>
#include <stddef.h>

enum { TLS_PAIRS_MAX = 32 };

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;

/* Both PEM. */
struct tls_pair {
    const char *certificate_file; /* the certificate, then those that lead to its root */
    const char *key_file;         /* without a passphrase */
};

/* Reads a pair into a context. Returns 0, or -errno with a sentence that names the file. */
int tls_pair_load(
        struct ssl_ctx_st *context, const struct tls_pair *pair, char failure[static FAILURE_SIZE]);

/* Lets OpenSSL read a certificate's extensions now, which it does otherwise at the first need of
 * them; before several threads know of the certificate. Those of a pair are prepared. */
void tls_pair_prepare(struct x509_st *certificate);

/* Starts as { 0 }. */
struct tls_pairs {
    struct ssl_ctx_st *contexts[TLS_PAIRS_MAX]; /* each holds a pair and does nothing else */
    size_t count;
};

/**
 * Reads one more. Returns 0, or -errno with a sentence: also where the certificate has no name of
 * DNS, and so would never be chosen.
 */
int tls_pairs_add(
        struct tls_pairs *pairs, const struct tls_pair *pair, char failure[static FAILURE_SIZE]);

void tls_pairs_deinit(struct tls_pairs *pairs);

/*
 * Lets a connection show the first pair whose certificate is for the name that the client asks
 * for; where there is none, it shows what its context has. False when memory is short.
 */
bool tls_pairs_choose(const struct tls_pairs *pairs, struct ssl_st *ssl);

#endif
