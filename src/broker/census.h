/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients and subscriptions of all shards, page by page, as JSON; and the end of one client.
 *
 * Each call asks the shards, one after the other, and waits for them: for the server's own thread,
 * not for a shard's. A shard looks at its sessions in slices, one in a turn, so that its clients do
 * not wait for the list.
 */
#ifndef BROKER_CENSUS_H
#define BROKER_CENSUS_H

#include "base/bytes.h"
#include "broker/shard.h"
#include "net/network.h"

#include <jansson.h>

enum {
    CENSUS_ROWS_MAX = 1000,     /* of one page */
    CENSUS_BYTES_MAX = 1 << 20, /* of ids, names and topics on a page, but for the last row's */
    CENSUS_SUBSCRIPTIONS_MAX = 1000, /* told with one client */
    CENSUS_SLICE = 1024,             /* sessions and subscriptions looked at in one turn */
    CENSUS_LONG_ID = 64,             /* bytes of an id that count as one session more */
    CENSUS_PATTERN_MAX = 256,        /* bytes of a pattern of ids */
    CENSUS_SLICE_ROWS = 64,          /* rows written in one turn */
};

/* Who and what is to be listed; what is not set does not matter. */
struct census_filter {
    const char *id;   /* a pattern: * stands for any bytes, ? for one; NULL: any */
    const char *user; /* NULL: any; "": those without a name */
    bool has_network;
    struct network network; /* of the address */
    int port;               /* of the listener; 0: any */
    const char *topic;      /* of subscriptions: those that match it; NULL: any */
    bool connected;         /* those who are connected alone */
};

/* Where a page begins: at first { 0 }; the last one ends with a shard that is not there. */
struct census_place {
    unsigned shard;
    uint32_t slot;
    uint32_t subscription;
};

/*
 * Lists clients, at most `rows` and CENSUS_ROWS_MAX, from *place on, and moves that behind the last
 * one. Returns an array, or NULL when memory is short. A page may have few rows or none though more
 * follow.
 */
json_t *census_clients(struct shard_group *group, const struct census_filter *filter, size_t rows,
        struct census_place *place);

/* The same for subscriptions: each with its client. */
json_t *census_subscriptions(struct shard_group *group, const struct census_filter *filter,
        size_t rows, struct census_place *place);

/* All about the client of that id: an object; json_null() where there is no such client; NULL when
 * memory is short. */
json_t *census_client(struct shard_group *group, struct bytes id);

/* Ends a client's connection; see roster_kick(). -ENOMEM when the shard cannot be asked. */
int census_kick(struct shard_group *group, struct bytes id, const char *text);

#endif
