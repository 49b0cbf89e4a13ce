/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a publication to the queues of those who get it, on this shard and on others.
 */
#ifndef BROKER_CORE_ROUTE_H
#define BROKER_CORE_ROUTE_H

#include "broker/core/message.h"
#include "broker/core/route_cache.h"

struct core;
struct connection;
struct delivery_list;

struct routed {
    uint32_t matched;   /* sessions and groups, wherever they live */
    uint32_t refused;   /* those that are known to have refused it: full queues of this shard */
    bool not_stored;    /* the same, for who must keep it cannot: the disk is full or dead */
    bool no_memory;     /* it went to nobody; it may be retained all the same */
    bool retained_full; /* it was delivered but not retained: retained_max */
};

/*
 * Delivers what the parts say, and retains it where they say so and retained messages are
 * available. The caller has seen that core_has_room(). `publisher` is excluded by No Local. The
 * last withheld acknowledgement of `waiting`, where that is not NULL, waits for full queues; see
 * ask.h.
 */
struct routed route_publish(struct core *core, const struct message_parts *parts,
        const struct target *publisher, struct connection *waiting);

/* The same for a message that is already made; takes the reference. */
struct routed route_message(struct core *core, struct message *message,
        const struct target *publisher, struct connection *waiting);

/* What another shard's publisher sent for sessions and groups of this one; takes the list. */
void route_arrived(struct core *core, struct delivery_list *list);

/* Frees a list that is not delivered. */
void delivery_list_free(struct core *core, struct delivery_list *list);

/* Sends a QoS 0 copy to a session of another shard. False when there is no room or memory. */
bool route_forward(struct core *core, struct message *message, const struct match *match);

#endif
