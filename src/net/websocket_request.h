/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request for a WebSocket: whether it is one that may be granted (RFC 6455 §4.2.1), and
 * the answer that grants it.
 */
#ifndef NET_WEBSOCKET_REQUEST_H
#define NET_WEBSOCKET_REQUEST_H

#include "net/http.h"
#include "net/websocket.h"

/* What is wrong with a request, and how it is answered. */
struct websocket_refusal {
    enum http_status status; /* 0: nothing is wrong */
    const char *fields;      /* of the answer, each with its line's end */
    const char *text;        /* for the client and for the log */
};

/* By the rules of RFC 6455, and by our own. */
struct websocket_refusal websocket_request_judge(
        const struct http_request *request, const struct websocket_options *options);

/**
 * Writes the answer to a request that is good, naming the sub-protocol that is chosen, and the
 * extension, if that is not "". Returns its size.
 */
size_t websocket_request_accept(char out[static HTTP_ANSWER_SIZE],
        const struct http_request *request, const char *extension);

#endif
