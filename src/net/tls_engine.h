/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine of OpenSSL: a module by which a key stays in a device, such as a TPM. It is there where
 * the build finds engines in OpenSSL, which means to give them up for providers; else each call
 * says that there are none.
 */
#ifndef NET_TLS_ENGINE_H
#define NET_TLS_ENGINE_H

#include "net/tls_failure.h"

#include <openssl/evp.h>

enum { TLS_ENGINE_PASSWORD_SIZE = 20 }; /* bytes of a SHA-1 */

struct engine_st; /* what OpenSSL calls ENGINE */

/**
 * Loads one by its name, as OpenSSL finds it, and lets it do for the whole process all that it can.
 * Returns 0, or -errno with a sentence.
 */
int tls_engine_open(struct engine_st **out, const char *name, char told[static FAILURE_SIZE]);

/**
 * Finds a key in it, by the name that the engine has for it. `password` is the SHA-1 of that of the
 * key in hexadecimal digits; NULL: the engine asks, on the terminal, if it wants one.
 *
 * Returns 0 and the key for EVP_PKEY_free(), or -errno with a sentence.
 */
int tls_engine_key(struct engine_st *engine, EVP_PKEY **out, const char *name, const char *password,
        char told[static FAILURE_SIZE]);

/* After its keys. NULL is fine. */
void tls_engine_close(struct engine_st *engine);

#endif
