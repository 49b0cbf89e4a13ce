/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of TLS shows and asks for: its certificate and key, or keys that it shares with its
 * clients; whose certificates it takes; which versions and ciphers it speaks. Made of files once;
 * other files make another one.
 *
 * Counted: every connection keeps the one that it began with, in whichever thread it ends.
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "net/tls_pair.h"
#include "net/tls_psk.h"

#include <stdbool.h>
#include <stdint.h>

enum tls_version { TLS_1_2, TLS_1_3 };

/* The texts are borrowed for the call; NULL: none, or OpenSSL's choice. */
struct tls_server_options {
    struct tls_pair pair;         /* of NULL where there are keys */
    const struct tls_pair *named; /* further ones, each for clients that ask for a name it has */
    size_t named_count;           /* at most TLS_PAIRS_MAX */
    const char *ocsp_file;        /* DER: an authority's word that the certificate is good */
    const char *ca_file;          /* PEM: who may sign clients' certificates */
    const char *ca_folder;        /* the same, each in a file named by its hash */
    const char *crl_file;         /* PEM: clients' certificates that are revoked */
    const char *ciphers;          /* of TLS 1.2, as OpenSSL names them */
    const char *suites;           /* of TLS 1.3 */
    enum tls_version version_min;
    bool require_certificate; /* a client without a certificate that verifies is refused */
    bool ignore_dates;        /* a client's certificate may have expired, or not begun */

    /* Pre-shared keys in the place of certificates: it takes a reference. NULL: none. */
    const struct tls_keys *keys;
    const char *psk_hint;

    bool datagrams; /* DTLS 1.2, whatever else is said of versions: net/dtls.h */

    uint64_t reading; /* of the files: what is read later has a higher number */

    /* Of ALPN: chosen where the client offers it. Not copied: a constant. NULL: ALPN is ignored. */
    const char *application;
};

struct tls_server;

/**
 * Reads all files. May wait for them, and needs the rights to read them only now.
 *
 * Returns 0 and one reference, and in `told` a warning or ""; or -errno with a sentence there that
 * names the file.
 */
int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
        char told[static FAILURE_SIZE]);

struct tls_server *tls_server_ref(struct tls_server *server);

/* NULL is fine. */
void tls_server_unref(struct tls_server *server);

/* Whether it lets only those in who show a good certificate, or have a pre-shared key: they are to
 * be judged again when another one takes its place (stream_objection()). */
bool tls_server_asks(const struct tls_server *server);

/* For the other files of TLS: what OpenSSL makes a connection of, how it reads and writes the
 * stream below, the keys or NULL, and the number of the reading. */
struct ssl_ctx_st *tls_server_context(const struct tls_server *server);
const struct bio_method_st *tls_server_method(const struct tls_server *server);
const struct tls_keys *tls_server_keys(const struct tls_server *server);
uint64_t tls_server_reading(const struct tls_server *server);

#endif
