/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS over a scripted stream, with OpenSSL as the client at its other end.
 */
#ifndef TESTS_HARNESS_TLS_FIXTURE_H
#define TESTS_HARNESS_TLS_FIXTURE_H

#include "net/tls.h"
#include "tests/harness/certificates.h"
#include "tests/harness/scripted.h"

#include <openssl/ssl.h>

struct fixture {
    struct certificates certificates;
    struct tls_server_options options; /* to be changed before connect_client() */
    int client_version_max;            /* 0: any */
    struct tls_server *server;
    struct scripted below;
    struct stream *stream;
    uint8_t *carried; /* what the scripted stream's input borrows */
    SSL_CTX *client_context;
    SSL *client;
    size_t step; /* bytes that pass at a time to the server and from it; 0: any */
};

/* A server with a certificate, of which nothing is made yet, and a client that trusts it. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* The client shows its certificate where it is asked for one. */
void show_certificate(struct fixture *f);

/* The server asks for certificates of the authority. */
void require_certificate(struct fixture *f);

/* Makes the server out of the options; fails where that fails. */
void make_server(struct fixture *f);

/* A new connection; nothing has passed yet. Makes the server where there is none. */
void begin(struct fixture *f);
void end_connection(struct fixture *f);

/* Carries what each side has written to the other one. */
void carry(struct fixture *f);

/* Reads on both sides until the client's handshake is over, or the server's stream fails; returns
 * 0 or what the failing read gave. */
int shake_hands(struct fixture *f);

/* The two before, and fails where they fail. */
void connect_client(struct fixture *f);

void client_sends(struct fixture *f, struct bytes bytes);
void server_expects(struct fixture *f, struct bytes bytes);

/* Writes two pieces, again and again what was not taken, while the client reads. */
void server_sends(struct fixture *f, struct bytes head, struct bytes tail);

/* Ends the connection. Returns a session that the client may come again with. */
SSL_SESSION *take_session(struct fixture *f);

/* Connects with a session; true where the server has taken it up. */
bool resumes(struct fixture *f, SSL_SESSION *session);

#endif
