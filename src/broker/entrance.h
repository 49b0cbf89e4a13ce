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

enum { ENTRANCE_GROUPS_MAX = 2 }; /* of IPv4 and IPv6 */

/* What all shards share of it. */
struct entrance {
    struct listener_options options;  /* its host and interface borrow from the configuration */
    char path[LISTENER_PATH_MAX + 1]; /* of a Unix socket */
    bool hidden;                      /* its file is removed */
    unsigned number;                  /* in the configuration */
    size_t socket_count;
    struct listener sockets[LISTENER_SOCKETS_MAX]; /* the first shard's doors take them over */
    size_t group_count;
    struct listener groups[ENTRANCE_GROUPS_MAX]; /* of multicast; the first shard's, as well */
    uint8_t group_sockets[ENTRANCE_GROUPS_MAX];  /* the socket that speaks to each */
    _Atomic int64_t connections; /* open now, for max_connections; relaxed: it orders nothing */
};

/*
 * What a listener's connections get upon their socket, which a reload may change. Each shard has
 * its own, in one place: one that has not read all that its layers tell goes by the new ones.
 */
struct entrance_layers {
    bool is_behind_proxy;
    bool speaks_websocket;
    struct proxy_options proxy;
    struct websocket_options websocket;
};

/* A shard's own socket of it. */
struct door {
    struct waiter waiter;
    struct door *next; /* among those that a shard is brought or has shut */
    struct entrance *entrance;
    struct listener listener;
    uint8_t socket; /* its index among the entrance's; of a group's, of the one that speaks to it */
    bool knocked;   /* connections wait there */
    bool is_group;  /* it hears a group, see herald.h; these are for such a one */
    int64_t advertise_ms;  /* when the group is told next; 0: at once */
    int64_t told_until_ms; /* it has been told the gateway's id, and is not again until then */
};

/* The family of addresses that its listener is to have. */
enum address_family entrance_family(const struct config_listener *listener);

/**
 * Opens an entrance, which was { 0 } or was open before and has no door any more; its last
 * connections may still be there, and count. `number` is its index in the configuration, which is
 * borrowed until the last door is open; `shared` says that there are several shards. Tells the
 * journal of each socket, or why it failed.
 *
 * Returns 0, or -errno with nothing left open.
 */
int entrance_open(struct entrance *entrance, const struct config *config, unsigned number,
        bool shared, const struct journal *journal);

/* Whether a listener that could not be opened, with this result, keeps the server from its work. In
 * local-only mode one of the two loopback addresses is enough: a machine may have no IPv6. */
bool entrance_is_missed(const struct config *config, int result);

/* Removes the file of a Unix socket, once; before the doors close, see listener_remove(). In a
 * process that has left it to another one: not at all. */
void entrance_hide(struct entrance *entrance);

/* The entrance is another process's from now on. */
void entrance_leave(struct entrance *entrance);

/* Closes what no door has taken. */
void entrance_close(struct entrance *entrance);

/* How many doors a shard has there: to its sockets, and of the first shard then to its groups. */
size_t entrance_door_count(const struct entrance *entrance, bool first);

/**
 * Opens a shard's door to one of these: the first shard takes the socket itself over, any other one
 * opens another at the same address.
 *
 * Returns 0, or -errno.
 */
int door_open(struct door *door, struct entrance *entrance, size_t number, bool first);

void door_close(struct door *door);

/* The layers of a listener. They borrow from it. */
struct entrance_layers entrance_layers_of(const struct config *config, unsigned number);

/* Does someone with that address come for others, of whom he will tell? */
bool entrance_is_veiled(const struct entrance_layers *layers, const struct address *peer);

/**
 * Makes the stream of a connection that a door has accepted: the socket, and on it the layers. They
 * are borrowed until a client has come in by them. `tls` is the listener's, NULL for clear text.
 * Takes accepted->fd, also on failure.
 *
 * Returns 0, or -errno.
 */
int entrance_open_stream(struct stream **out, const struct listener_accepted *accepted,
        const struct entrance_layers *layers, struct tls_server *tls);

#endif
