/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as a stream on another one, by OpenSSL. The handshake is done by the first reads.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/stream.h"
#include "net/tls_server.h"

/**
 * Makes the server's side of TLS on a stream, which it takes, also on failure. Nothing is read or
 * written yet.
 *
 * Its reads give -EPROTO where the handshake or a record fails, and stream_failure() says why.
 * The peer's end counts as an end with and without a close_notify, for MQTT has its own.
 *
 * Returns 0, or -ENOMEM.
 */
int tls_accept(struct stream **out, struct stream *below, struct tls_server *server);

#endif
