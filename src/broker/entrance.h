/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One listener of the configuration, as what it opens: an entrance with a socket for each address,
 * and for each shard its own doors to them, so that the kernel spreads the connections over the
 * shards (SO_REUSEPORT) and no thread hands over what another accepted.
 */
#ifndef BROKER_ENTRANCE_H
#define BROKER_ENTRANCE_H

#include "base/event.h"
#include "broker/config/config.h"
#include "broker/link.h"
#include "net/listener.h"
#include "net/proxy.h"
#include "net/tls_server.h"
#include "net/websocket.h"

#include <stdatomic.h>

/* What all shards share of it. */
struct entrance {
    struct listener_options options;  /* its host and interface borrow from the configuration */
    char path[LISTENER_PATH_MAX + 1]; /* of a Unix socket */
    bool hidden;                      /* its file is removed */
    bool is_behind_proxy;
    struct proxy_options proxy;
    bool speaks_websocket;
    struct websocket_options websocket; /* its texts are these: */
    char web_path[CONFIG_WEB_PATH_MAX + 1];
    char origins[CONFIG_ORIGINS_MAX + 1];
    unsigned number; /* in the configuration */
    size_t socket_count;
    struct listener sockets[LISTENER_SOCKETS_MAX]; /* the first shard's doors take them over */
    _Atomic int64_t connections; /* open now, for max_connections; relaxed: it orders nothing */
};

/* A shard's own socket of it. */
struct door {
    struct waiter waiter;
    struct entrance *entrance;
    struct listener listener;
};

/**
 * Opens an entrance. `number` is its index in the configuration, which is borrowed until the last
 * door is open; `shared` says that there are several shards. Tells the journal of each socket, or
 * why it failed.
 *
 * Returns 0, or -errno with nothing left open.
 */
int entrance_open(struct entrance *entrance, const struct config *config, unsigned number,
        bool shared, const struct journal *journal);

/* Removes the file of a Unix socket, once; before the doors close, see listener_remove(). */
void entrance_hide(struct entrance *entrance);

/* Closes what no door has taken. */
void entrance_close(struct entrance *entrance);

/**
 * Opens a shard's door to one socket: the first shard takes the socket itself over, any other one
 * opens another at the same address.
 *
 * Returns 0, or -errno.
 */
int door_open(struct door *door, struct entrance *entrance, size_t socket, bool first);

void door_close(struct door *door);

/**
 * Makes the stream of a connection that a door has accepted: the socket, and on it the layers that
 * the listener wants, which borrow from the entrance. `tls` is the listener's, NULL for clear text.
 * Takes accepted->fd, also on failure.
 *
 * Returns 0, or -errno.
 */
int entrance_open_stream(struct stream **out, struct entrance *entrance,
        const struct listener_accepted *accepted, struct tls_server *tls);

#endif
