/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is under DTLS, in the form in which OpenSSL reads and writes: a BIO of our own, that is
 * given one datagram at a time and hands on each that is written.
 */
#ifndef NET_DTLS_BELOW_H
#define NET_DTLS_BELOW_H

#include "base/bytes.h"

#include <openssl/bio.h>

/* Where the datagrams of DTLS go. */
struct dtls_port {
    void (*send)(void *context, struct bytes datagram); /* may get lost */
    void *context;
};

/* The data of such a BIO; lies in the association, which outlives the BIO. */
struct dtls_below {
    struct dtls_port port;
    struct bytes came; /* to be read; empty: nothing has come */
};

/* NULL when memory is short. For BIO_meth_free(), after the last BIO that is made of it. */
BIO_METHOD *dtls_below_method_new(void);

#endif
