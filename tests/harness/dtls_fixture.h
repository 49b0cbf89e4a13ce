/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of DTLS, with OpenSSL as the client at its other end. What each side has sent
 * lies in a row until it is carried over, so that a test may lose some of it.
 */
#ifndef TESTS_HARNESS_DTLS_FIXTURE_H
#define TESTS_HARNESS_DTLS_FIXTURE_H

#include "net/dtls.h"
#include "tests/harness/certificates.h"

#include <openssl/ssl.h>

enum { DTLS_ROW_MAX = 64 };

/* Datagrams on their way to one side. */
struct dtls_row {
    struct dtls_sent {
        uint8_t *data; /* of malloc() */
        size_t size;
    } sent[DTLS_ROW_MAX];
    size_t count;
};

struct dtls_fixture {
    struct certificates certificates;
    struct tls_server_options options; /* to be changed before the first handshake */
    struct tls_keys keys;              /* one of "lamp", for whoever sets options.keys */
    const char *identity;              /* the client's; NULL: it has no key */
    const char *key;
    SSL_CTX *client_context;
    struct tls_server *server;
    struct dtls *dtls; /* NULL before the cookie came back */
    struct dtls_below below;
    BIO_METHOD *method;
    SSL *client;
    struct dtls_row to_server;
    struct dtls_row to_client;
    int64_t now_ms;
    bool may_fail; /* the server may not be able to begin, for want of memory */
};

/* Certificates for both sides, which the server asks for; or the key of "lamp". */
void dtls_fixture_open(struct dtls_fixture *f, bool keys);
void dtls_fixture_close(struct dtls_fixture *f);

/* A client that has not said anything; makes the server where there is none. */
void dtls_fixture_begin(struct dtls_fixture *f);
void dtls_fixture_end(struct dtls_fixture *f);

/* Takes the oldest datagram that is on its way; false: none is. It is good until the next call. */
bool dtls_row_take(struct dtls_row *row, struct bytes *out);

/* Has the client do what it can, then the server; returns what the server's last read gave. */
void dtls_fixture_client_goes(struct dtls_fixture *f);
int dtls_fixture_server_goes(struct dtls_fixture *f);

/* Both by turns until nothing is on its way; returns as the last of these. */
int dtls_fixture_shake_hands(struct dtls_fixture *f);

#endif
