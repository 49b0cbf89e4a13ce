/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's control socket, from the side of who asks.
 */
#ifndef CLI_CTL_SOCKET_H
#define CLI_CTL_SOCKET_H

#include <jansson.h>
#include <stdbool.h>

enum {
    CTL_ANSWER_MAX = 64 << 20, /* bytes of an answer */
    CTL_WAIT_S = 120,          /* for an answer; a reload of large files takes a while */
};

/**
 * Connects to the socket at the path, or for NULL at the usual places. Says on stderr why it
 * cannot.
 *
 * Returns a descriptor, or -errno.
 */
int ctl_connect(const char *path);

/*
 * Asks and waits. Returns the answer as it came, an object; or NULL, which is told on stderr. With
 * `raw`, the answer's line is printed, too.
 */
json_t *ctl_ask(int fd, const json_t *request, bool raw);

#endif
