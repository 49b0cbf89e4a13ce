/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub and a core are made of. For the files of this folder only.
 */
#ifndef BROKER_CORE_STATE_H
#define BROKER_CORE_STATE_H

#include "base/buffer.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/timer.h"
#include "broker/core/core.h"
#include "broker/core/durable.h"
#include "broker/core/index.h"
#include "broker/core/mail.h"
#include "broker/core/patrons.h"
#include "broker/core/rate.h"
#include "broker/core/relief.h"
#include "broker/core/retained.h"
#include "broker/core/route_cache.h"
#include "broker/core/visits.h"

enum {
    RETAINED_SWEEP_MS = 1000,      /* between two looks at a stripe for expired messages */
    RETAINED_SWEEP_LIMIT = 256,    /* entries of one look */
    FULL_OUTPUT_BYTES = 128 << 10, /* QoS 0 backlog that is written out within the turn */
};

struct hub {
    struct hub_setup setup;
    struct index *index;
    struct retained *retained;
    struct patrons *patrons;
    struct mailbox *mailboxes;   /* from shard a to shard b at a * shards + b */
    _Atomic int64_t sessions;    /* of all shards, for global_max_clients */
    _Atomic int64_t connections; /* for global_max_connections */
    _Atomic uint64_t queue_next; /* in the store, for the next session or group that lasts */
    struct list
            orphans; /* memberships found on their way at the end: their sessions may know them */
    _Atomic uint64_t retained_freed; /* messages that the retained store let go last */
    _Atomic uint64_t retained_freed_bytes;
    struct fatness fatness[SHARDS_MAX];
};

struct core {
    struct hub *hub;
    unsigned shard;
    const struct core_settings *settings;
    struct memory memory;
    struct journal journal;
    struct access access;
    struct rates rates; /* of the settings */
    uint32_t solicited; /* packets that answer what was sent, since core_receive() began */
    struct random random;
    int64_t now_ms;
    const bool *is_held; /* these four of core_setup */
    const bool *is_full;
    struct dialect (*dialect_of)(const void *link);
    void (*taken_over)(void *link);
    bool shutting_down;

    struct pool connections;
    struct pool sessions;
    struct pool groups;
    struct map sessions_by_id;
    struct map groups_by_name;
    struct timer_wheel connection_timers;
    struct timer_wheel session_timers;
    struct outbox outboxes[SHARDS_MAX];

    struct list output;  /* connections */
    struct list full;    /* connections with much output */
    struct list ready;   /* connections that may be read again */
    struct list stalled; /* connections that wait for room in the outboxes, or are held */
    void **parcels;      /* that came by mail: as many as the mailboxes can hold */
    uint32_t parcel_count;
    uint32_t parcels_max;
    struct list condemned; /* connections to be ended by core_settle() */
    struct list due_wills; /* to be published when there is room */
    struct list readers;   /* sessions to be given retained messages that they asked for */

    struct durable durable;
    struct visits visits;
    struct matches matches; /* scratch of routing */
    struct route_cache routes;
    struct buffer scratch; /* of encoding and of full names */
    uint64_t wake;         /* shards to wake at the end of the turn */
    int64_t sweep_ms;      /* no look at expired retained messages before this */
    int64_t sweep_due_ms;  /* when one is worth waking up for; INT64_MAX: it is not */
    struct counters counters;
};

static inline uint64_t core_hash(const struct core *core, struct bytes bytes)
{
    return hash_bytes(&core->hub->setup.key, bytes);
}

/* The home of a client id or group name. */
static inline unsigned hub_home_of(const struct hub *hub, uint64_t hash)
{
    /* The upper half: the lower one picks places in maps. */
    return (unsigned)((hash >> 32) % hub->setup.shards);
}

static inline unsigned core_home(const struct core *core, uint64_t hash)
{
    return hub_home_of(core->hub, hash);
}

static inline struct outbox *core_outbox(struct core *core, unsigned shard)
{
    return &core->outboxes[shard];
}

/* A session expiry interval within the limit of session_expiry_s_max. */
uint32_t core_cap_expiry(const struct core *core, uint32_t wanted_s);

/* core_settle() where there is something to settle. */
void core_settle_all(struct core *core);

/* Handles the letters that this shard has sent to itself, ends the condemned, publishes due wills.
 * Between packets and mails, never in the middle of one. */
static inline void core_settle(struct core *core)
{
    if (!list_empty(&core->outboxes[core->shard].waiting) || !list_empty(&core->condemned) ||
            !list_empty(&core->due_wills))
        core_settle_all(core);
}

/* True when each other shard can be sent a mail now. */
bool core_has_room(struct core *core);

/* True when a PUBLISH can be taken now: there is room, and publishers are not held. */
bool core_takes_publish(struct core *core);

/* Sends a letter to a shard that may be this one. */
void core_post(struct core *core, unsigned shard, struct letter *letter, const struct mail *mail);

/* A reference more. A server's only shard needs no locked instruction for it. */
static inline void core_ref(const struct core *core, struct message *message)
{
    if (core->hub->setup.shards == 1)
        message_ref_alone(message);
    else
        message_ref(message);
}

/* Lets go of a message and counts what is freed. */
void core_unref(struct core *core, struct message *message);

/* Counts a message just made. */
struct message *core_message_new(struct core *core, const struct message_parts *parts);

#endif
