/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream under TLS, in the form in which OpenSSL reads and writes: a BIO of our own.
 */
#ifndef NET_TLS_BELOW_H
#define NET_TLS_BELOW_H

#include <openssl/bio.h>

/* The data of such a BIO is the struct tls_stream, which outlives it. */

/* NULL when memory is short. For BIO_meth_free(), after the last BIO that is made of it. */
BIO_METHOD *tls_below_method_new(void);

#endif
