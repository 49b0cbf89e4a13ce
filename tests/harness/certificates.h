/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, made on the spot and written as files in a folder of their own.
 */
#ifndef TESTS_HARNESS_CERTIFICATES_H
#define TESTS_HARNESS_CERTIFICATES_H

#include <openssl/x509.h>

/* A certificate and its key. */
struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* Makes one of this common name, valid for a day; issuer NULL: an authority, signed by itself. */
void identity_init(struct identity *identity, const char *name, const struct identity *issuer);
void identity_deinit(struct identity *identity);

/* An authority, a server and a client of it, and files of theirs in a new folder. */
struct certificates {
    struct identity authority;
    struct identity server;
    struct identity client;
    char folder[64];
    char authority_file[96];
    char server_file[96];
    char server_key_file[96];
    char client_file[96];
    char locked_key_file[96]; /* the server's key under a passphrase */
    char crl_file[96];        /* revokes the client */
    char empty_file[96];      /* has nothing in it */
};

void certificates_init(struct certificates *certificates);

/* Removes the files too. */
void certificates_deinit(struct certificates *certificates);

#endif
