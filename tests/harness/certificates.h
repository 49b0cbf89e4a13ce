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

/* Adds an extension of that NID, as "DNS:a, DNS:b" for names, and signs the certificate again. */
void identity_extend(
        struct identity *identity, int kind, const char *value, const struct identity *issuer);

enum { CERTIFICATE_PATH_SIZE = 96 };

/* The paths of a certificate and its key. */
struct identity_files {
    char certificate[CERTIFICATE_PATH_SIZE];
    char key[CERTIFICATE_PATH_SIZE];
};

/* An authority, a server and a client of it, and files of theirs in a new folder. */
struct certificates {
    struct identity authority;
    struct identity server;
    struct identity client;
    char folder[64];
    char authority_file[CERTIFICATE_PATH_SIZE];
    char server_file[CERTIFICATE_PATH_SIZE];
    char server_key_file[CERTIFICATE_PATH_SIZE];
    char client_file[CERTIFICATE_PATH_SIZE];
    char locked_key_file[CERTIFICATE_PATH_SIZE]; /* the server's key under a passphrase */
    char crl_file[CERTIFICATE_PATH_SIZE];        /* revokes the client */
    char empty_file[CERTIFICATE_PATH_SIZE];      /* has nothing in it */
};

void certificates_init(struct certificates *certificates);

/* Writes NAME.pem and NAME.key into their folder. */
void certificates_write(struct certificates *certificates, struct identity_files *out,
        const char *name, const struct identity *identity);

/* Removes the files too. */
void certificates_deinit(struct certificates *certificates);

#endif
