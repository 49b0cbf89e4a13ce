/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard: one thread with a core, its connections, its doors and its waiting. It shares with the
 * other shards only what core's hub shares, and with the server's thread three things: the
 * configuration that it is to take, the word to stop, and numbers that anyone may read.
 */
#ifndef BROKER_SHARD_H
#define BROKER_SHARD_H

#include "broker/admin/sys.h"
#include "broker/auth/authority.h"
#include "broker/budget.h"
#include "broker/config/config.h"
#include "broker/credentials.h"
#include "broker/entrance.h"
#include "broker/link.h"
#include "broker/log.h"
#include "loop/poll.h"
#include "loop/wake.h"

#include <pthread.h>
#include <semaphore.h>

/* What the shards of one server have in common; outlives them. */
struct shard_group {
    unsigned count;
    struct shard *shards; /* all of them */
    struct entrance *entrances;
    size_t entrance_count;
    struct hub *hub;
    struct log *log;
    struct budget *budget;
    const struct budget_share *hub_share; /* what the hub has allocated */
    /* Of the configuration that shards are given; see shard_configure(). */
    struct hashers *hashers;
    const struct rulebook *rulebook;
    const struct credentials *credentials;
    const struct counters *counters[SHARDS_MAX];
    sem_t taken; /* posted by a shard that has taken a configuration */
};

struct shard {
    struct shard_group *group;
    unsigned number;
    pthread_t thread;

    /* Written by other threads. */
    struct wake wake;
    /* True while it may be waiting, and only then it must be woken; see turn.c. */
    atomic_bool asleep;
    _Atomic(const struct config *) next_config; /* to be taken; NULL: none */
    atomic_bool stop;

    /* Read by other threads. */
    struct budget_share share;
    counter output_packets; /* links with a leftover, and its bytes */
    counter output_bytes;

    /* Its own. */
    struct memory memory;
    struct log_source log;
    struct journal journal;
    struct authority authority;
    struct hash_desk desk; /* the authority's */
    const struct config *config;
    const struct credentials *credentials;
    struct listener_settings listeners[CONFIG_LISTENERS_MAX]; /* connections borrow them */
    struct core *core;
    struct sys *sys; /* the first shard publishes $SYS; NULL on the others */
    struct poll *poll;
    struct waiter wake_waiter;
    struct door *doors;
    size_t door_count;
    struct scratch input;  /* every read goes here */
    struct scratch output; /* every write is put together here */
    struct list links;     /* open and draining */
    struct list unread;    /* of those, the ones whose stack holds bytes: read without waiting */
    struct list lingering; /* in order of their end */
    size_t lingering_count;
    struct list closed;    /* to be freed at the end of the turn */
    int64_t now_ms;        /* of this turn */
    int64_t doors_open_ms; /* doors stay shut until then; 0: they are open */
    int64_t stopping_ms;   /* when the stop is over at the latest; 0: it runs */
    bool again;            /* something is left to do at once */
};

struct shard_setup {
    struct shard_group *group;
    unsigned number;
    const struct config *config; /* kept until another one is taken */
    uint64_t seed;
};

/**
 * Makes a shard in the caller's memory, which must stay where it is; nothing runs yet.
 *
 * Returns 0, or -errno; then shard_deinit() still is to be called.
 */
int shard_init(struct shard *shard, const struct shard_setup *setup);

/* Runs it in a thread of its own. Returns 0, or -errno. */
int shard_start(struct shard *shard);

/* Any thread: asks it to take a configuration, the group's rulebook and its credentials, which it
 * then borrows, and to post group->taken. Until it has, those two must stay the same. */
void shard_configure(struct shard *shard, const struct config *config);

/* Any thread: asks it to tell every client and end. */
void shard_stop(struct shard *shard);

/* Waits for its thread to end. */
void shard_join(struct shard *shard);

/* After every shard's thread has ended: closes links that were on their way to this shard. */
void shard_close_parcels(struct shard *shard);

/* Closes and frees all that it has, after shard_close_parcels() of all. */
void shard_deinit(struct shard *shard);

/* Wakes it if it waits: call it after what it is to see is visible. */
void shard_rouse(struct shard *shard);

#endif
