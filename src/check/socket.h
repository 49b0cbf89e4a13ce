/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire through sockets: any server that can be reached by TCP.
 */
#ifndef CHECK_SOCKET_H
#define CHECK_SOCKET_H

#include "check/wire.h"
#include "net/address.h"

/* Where each door is; kept by the caller for as long as the wire is used. */
struct socket_doors {
    struct address plain;
    struct address websocket; /* no address: there is none */
};

/* A wire to these doors, with usual times; good for any number of threads, each its own cases. */
struct wire socket_wire(struct socket_doors *doors);

/* Connects and closes: 0, or -errno where nothing listens there. */
int socket_try(const struct address *to);

#endif
