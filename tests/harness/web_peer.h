/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer behind a WebSocket: its bytes are HTTP and frames, and the server's stream for them lies
 * between it and the server under test.
 */
#ifndef TESTS_HARNESS_WEB_PEER_H
#define TESTS_HARNESS_WEB_PEER_H

#include "tests/harness/peer.h"

struct web_peer;

/* A new transport to the next shard, to be ended with web_peer_cut(). */
struct web_peer *web_peer_open(struct server *server);

/* The transport breaks, and is freed. */
void web_peer_cut(struct web_peer *web);

/* False once the server has closed the transport. */
bool web_peer_is_open(const struct web_peer *web);

void web_peer_send_bytes(struct web_peer *web, struct bytes bytes);

/* The first of the bytes that have come; the caller's until the next call on this peer. */
struct bytes web_peer_take_bytes(struct web_peer *web, size_t size_max);

#endif
