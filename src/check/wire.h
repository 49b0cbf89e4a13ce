/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from the cases to the server that they are put to: sockets, or a server within the
 * test's own process. Also the clock by which both live.
 */
#ifndef CHECK_WIRE_H
#define CHECK_WIRE_H

#include "base/bytes.h"

#include <stdint.h>

enum wire_door {
    WIRE_PLAIN,
    WIRE_WEBSOCKET, /* bytes as they are: the case does the HTTP and the frames itself */
};

struct wire_functions {
    /* A new transport, to be ended with cut(); NULL when the server cannot be reached. */
    void *(*open)(void *context, enum wire_door door);

    /* Sends all, or what the server still takes. */
    void (*send)(void *transport, struct bytes bytes);

    /*
     * Waits at most patience_ms for something to come, and takes it. Returns the number of bytes,
     * 0 when the server has closed the transport, or -EAGAIN when nothing came.
     */
    int (*receive)(void *transport, uint8_t *buffer, size_t size, int64_t patience_ms);

    /* Breaks the transport, and frees it. What was sent before arrives; no DISCONNECT does. */
    void (*cut)(void *transport);

    /* Time passes. */
    void (*pass)(void *context, int64_t ms);

    int64_t (*now_ms)(void *context);
};

struct wire {
    const struct wire_functions *functions;
    void *context;
    int64_t patience_ms; /* how long to wait for what must come */
    int64_t window_ms;   /* how long to wait where nothing may come */
    int64_t settle_ms;   /* after that long a server has seen that a transport broke */
};

#endif
