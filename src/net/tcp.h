/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream at the bottom of the stack: a TCP connection, or one of a Unix socket, of which it has
 * what there is.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/stream.h"

/**
 * Makes a stream of a connected, non-blocking descriptor, such as listener_accept() gives, and of
 * the peer's address. Takes fd, also on failure. Returns 0, or -ENOMEM.
 */
int tcp_open(struct stream **out, int fd, const struct address *peer);

struct tcp_options {
    const struct address *from; /* the local address to connect from; NULL: the kernel chooses */
    bool no_delay;              /* small packets leave at once (TCP_NODELAY) */
};

/**
 * Begins to connect and does not wait for it: until the connection stands, reads and writes give
 * -EAGAIN (wait for STREAM_OUT); where it fails, they give the reason, such as -ECONNREFUSED.
 *
 * Returns 0, or -errno: -EADDRNOTAVAIL when all ports of `from` are taken, -EMFILE, -ENETUNREACH.
 */
int tcp_connect(struct stream **out, const struct address *to, const struct tcp_options *options);

/**
 * Connects to a Unix socket. Returns 0, or -errno: -EBUSY when too many wait there to be accepted,
 * -ENAMETOOLONG.
 */
int tcp_connect_unix(struct stream **out, const char *path);

#endif
