/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server's connection by TLS or DTLS tells of its peer, once the handshake is over.
 */
#ifndef NET_TLS_PEER_H
#define NET_TLS_PEER_H

#include "net/stream.h"
#include "net/tls_server.h"

struct ssl_st;

/* Adds to *out how it is spoken, and by which certificate or key the peer has come in. */
void tls_peer_tell(
        const struct ssl_st *ssl, const struct tls_server *server, struct stream_peer *out);

#endif
