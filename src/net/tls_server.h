/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of TLS shows and asks for: its certificate and key, whose certificates it takes,
 * and which versions and ciphers it speaks. Made of files once; other files make another one.
 *
 * Counted: every connection keeps the one that it began with, in whichever thread it ends.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include <stdbool.h>

enum { TLS_FAILURE_SIZE = 512 }; /* a failure's sentence with its NUL; a longer one is cut */

enum tls_version { TLS_1_2, TLS_1_3 };

/* The texts are borrowed for the call; NULL: none, or OpenSSL's choice. */
struct tls_server_options {
    const char *certificate_file; /* PEM: the certificate, then those that lead to its root */
    const char *key_file;         /* PEM, without a passphrase */
    const char *ca_file;          /* PEM: who may sign clients' certificates */
    const char *ca_folder;        /* the same, each in a file named by its hash */
    const char *crl_file;         /* PEM: clients' certificates that are revoked */
    const char *ciphers;          /* of TLS 1.2, as OpenSSL names them */
    const char *suites;           /* of TLS 1.3 */
    enum tls_version version_min;
    bool require_certificate; /* a client without a certificate that verifies is refused */
    bool ignore_dates;        /* a client's certificate may have expired, or not begun */

    /* Of ALPN: chosen where the client offers it. Not copied: a constant. NULL: ALPN is ignored. */
    const char *application;
};

struct tls_server;

/**
 * Reads all files. May wait for them, and needs the rights to read them only now.
 *
 * Returns 0 and one reference, or -errno with a sentence that names the file in `failure`.
 */
int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
        char failure[static TLS_FAILURE_SIZE]);

struct tls_server *tls_server_ref(struct tls_server *server);

/* NULL is fine. */
void tls_server_unref(struct tls_server *server);

/* For tls.c: what OpenSSL makes a connection of, and how it reads and writes the stream below. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *server);
const struct bio_method_st *tls_server_method(const struct tls_server *server);

#endif
