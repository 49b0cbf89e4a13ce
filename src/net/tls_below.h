/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream under TLS, in the form in which OpenSSL reads and writes: a BIO of our own.
 */
#ifndef NET_TLS_BELOW_H
#define NET_TLS_BELOW_H

#include "net/stream.h"

#include <openssl/bio.h>

/* The data of such a BIO; lies in the connection, which outlives the BIO. */
struct tls_below {
    struct stream *stream;
    int error; /* the -errno that reading or writing gave; 0: none */
    bool ended;
    /* Bytes that may be read until the next allowance: so one call ends, however much a fast peer
     * sends that is for TLS alone. 0 also when a read has taken all that was there, which saves the
     * call that would find out. */
    size_t allowance;
};

/* NULL when memory is short. For BIO_meth_free(), after the last BIO that is made of it. */
BIO_METHOD *tls_below_method_new(void);

#endif
