/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of TLS, by OpenSSL: what it trusts and shows, read from files once, and streams
 * that are made of it. The handshake is done by the first writes and reads.
 */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "net/stream.h"
#include "net/tls_failure.h"

struct ssl_st;

/* Over what it is spoken: a table, lest who speaks it over streams alone has code for more. */
struct tls_client_kind {
    const struct ssl_method_st *(*method)(void);
    struct bio_method_st *(*below)(void);
    int version_min; /* where none is asked for */
};

/* The texts are borrowed for the call; NULL: none, or OpenSSL's choice. */
struct tls_client_options {
    const char *ca_file;                /* PEM: who may sign the server's certificate */
    const char *ca_folder;              /* the same, each in a file named by its hash */
    bool system_authorities;            /* those that the system knows, too */
    const char *certificate_file;       /* PEM: ours, and the chain behind it */
    const char *key_file;               /* PEM */
    const char *key_password;           /* NULL: a key under a password cannot be used */
    const char *psk_identity;           /* with psk, in the place of certificates */
    const char *psk;                    /* hexadecimal digits */
    const char *server_name;            /* that the certificate must be for, a name or an address */
    const char *ciphers;                /* of TLS 1.2 */
    const char *suites;                 /* of TLS 1.3 */
    const char *application;            /* of ALPN */
    int version_min;                    /* of OpenSSL, as TLS1_2_VERSION; 0: that of the kind */
    int version_max;                    /* 0: the highest */
    const char *engine;                 /* by its name, see net/tls_engine.h */
    bool engine_has_key;                /* key_file is what it calls the key */
    const char *engine_password;        /* of its key, as a SHA-1 in hexadecimal digits */
    const char *keylog_file;            /* gets the secrets of each connection added */
    bool any_name;                      /* the certificate may be for another name */
    bool any_certificate;               /* nothing is verified */
    const struct tls_client_kind *kind; /* NULL: TLS over a stream */
};

struct tls_client;

/**
 * Reads all files, and opens that for the secrets, which nobody else may read where it is made.
 * Returns 0, or -errno with a sentence that names the file.
 */
int tls_client_new(struct tls_client **out, const struct tls_client_options *options,
        char told[static FAILURE_SIZE]);

/* Streams made of it may live on. NULL is fine. */
void tls_client_free(struct tls_client *client);

/**
 * Makes the client's side of TLS on a stream, which it takes, also on failure. Reads and writes
 * give -EPROTO where the handshake fails, and stream_failure() says why. Returns 0, or -ENOMEM.
 */
int tls_client_open(struct stream **out, struct stream *below, struct tls_client *client);

/* For net/dtls.c: OpenSSL's connection of a client whose kind is for datagrams, over a struct
 * dtls_below. Another tls_client_free() is due when it is freed. NULL when memory is short. */
struct ssl_st *tls_client_connect(struct tls_client *client, void *below);

#endif
