/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key in a client's request for a WebSocket, by which it knows that the server has understood.
 */
#ifndef NET_WEBSOCKET_KEY_H
#define NET_WEBSOCKET_KEY_H

#include "base/bytes.h"

enum {
    WEBSOCKET_KEY_SIZE = 24,    /* Base64 of 16 bytes */
    WEBSOCKET_ACCEPT_SIZE = 29, /* Sec-WebSocket-Accept with a NUL */
};

/* Writes what the server answers to a key of WEBSOCKET_KEY_SIZE bytes. Source: RFC 6455 §4.2.2 */
void websocket_key_accept(char out[static WEBSOCKET_ACCEPT_SIZE], struct bytes key);

#endif
