/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard: one thread with a core, its connections, its doors and its waiting. It shares with the
 * other shards only what core's hub shares, and with the server's thread four things: the
 * configuration that it is to take, the word to stop, errands, and numbers that anyone may read.
 */
#ifndef BROKER_SHARD_H
#define BROKER_SHARD_H

#include "broker/admin/refusal.h"
#include "broker/admin/sys.h"
#include "broker/auth/authority.h"
#include "broker/budget.h"
#include "broker/config/config.h"
#include "broker/credentials.h"
#include "broker/entrance.h"
#include "broker/errand.h"
#include "broker/guard.h"
#include "broker/link.h"
#include "broker/log.h"
#include "broker/newcomers.h"
#include "broker/persistence.h"
#include "broker/untold.h"
#include "loop/poll.h"
#include "loop/wake.h"

#include <pthread.h>
#include <semaphore.h>

/* What the shards of one server have in common; outlives them. */
struct shard_group {
    unsigned count;
    struct shard *shards;       /* all of them */
    struct entrance *entrances; /* CONFIG_LISTENERS_MAX places */
    size_t entrance_count;      /* the server's thread's to read, once the shards run */
    struct hub *hub;
    struct log *log;
    struct budget *budget;
    struct guard *guard;
    const struct budget_share *hub_share; /* what the hub has allocated */
    struct persistence *persistence;
    /* Of the configuration that shards are given; see shard_configure(). */
    struct hashers *hashers;
    struct web_asker *web;
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
    struct errands errands;
    /* Its own, for the store's threads to read while it is asleep: something waits for them. */
    atomic_bool awaits_store;

    /* Read by other threads. */
    struct budget_share share;
    counter output_packets; /* links with a leftover, and its bytes */
    counter output_bytes;
    counter refused[REFUSALS]; /* connections, since the start, as are the next three */
    counter logins_failed;
    counter bans;
    counter sn[SN_COUNTS];

    /* Its own. */
    struct memory memory;
    struct log_source log;
    struct journal journal;
    struct authority authority;
    struct desk desk; /* the authority's */
    const struct config *config;
    const struct credentials *credentials;
    struct listener_settings listeners[CONFIG_LISTENERS_MAX]; /* connections borrow them */
    struct entrance_layers layers[CONFIG_LISTENERS_MAX];      /* the same */
    struct core *core;
    struct sys *sys;         /* the first shard publishes $SYS; NULL on the others */
    struct sensors *sensors; /* the clients of MQTT-SN */
    struct poll *poll;
    struct waiter wake_waiter;
    struct door **doors; /* DOORS_MAX places */
    size_t door_count;
    struct door *new_doors;  /* brought by the server's thread, before it hands out what is new */
    struct door *shut_doors; /* kept, for an event of the same turn may still name one */
    struct scratch input;    /* every read goes here */
    struct scratch output;   /* every write is put together here */
    size_t unwritten;        /* bytes read since all that had output was written */
    struct list links;       /* open and draining */
    struct list unjudged;    /* of those, the ones that review.c has not come to yet */
    struct list unread;      /* of those, the ones whose stack holds bytes: read without waiting */
    struct list leaving;     /* the same, of those whose peers write no more: read in their turn */
    struct list lingering;   /* in order of their end */
    size_t lingering_count;
    struct newcomers newcomers;
    struct list closed; /* to be freed at the end of the turn */
    int64_t now_ms;     /* of this turn */
    int64_t rings_ms;   /* what it slept for is due then; INT64_MAX: it did not sleep */
    struct persistence_state stored; /* as core was told last */
    int64_t wall_offset_ms;          /* of the wall clock against now_ms, as core knows it */
    int64_t wall_look_ms;            /* when to look at that clock again */
    int64_t relieve_ms; /* when to cut backlogs again while memory is short; 0: it was not */
    struct untold shortages;
    int64_t doors_open_ms; /* doors stay shut until then; 0: they are open, unless... */
    bool crowded;          /* ...they are shut while newcomers have no room */
    struct untold crowds;  /* such times */
    struct untold surplus; /* those who had to make room */
    size_t first_door;     /* whose turn it is to be served first */
    bool kept_up;          /* all that the poll had to tell in this turn was told */
    int64_t stopping_ms;   /* when the stop is over at the latest; 0: it runs */
    bool again;            /* something is left to do at once */
    bool has_ended;        /* its thread has */
};

struct shard_setup {
    struct shard_group *group;
    unsigned number;
    const struct config *config; /* kept until another one is taken */
    uint64_t seed;
};

enum { DOORS_MAX = CONFIG_LISTENERS_MAX * (LISTENER_SOCKETS_MAX + ENTRANCE_GROUPS_MAX) };

/**
 * Makes a shard in the caller's memory, which must stay where it is; nothing runs yet.
 *
 * Returns 0, or -errno; then shard_deinit() still is to be called.
 */
int shard_init(struct shard *shard, const struct shard_setup *setup);

/**
 * Opens a door of an entrance, see entrance_door_count(), for the shard to take with the next
 * configuration. The first shard is to be the last one that is brought its door to a socket.
 *
 * Returns 0, or -errno.
 */
int shard_bring_door(struct shard *shard, struct entrance *entrance, size_t number);

/* Closes those that it has been brought and not taken. */
void shard_drop_new_doors(struct shard *shard);

/* On the shard's thread: takes the doors that it has been brought, and shuts those of listeners
 * that are closed. */
void shard_use_doors(struct shard *shard, const struct config *config);

/* On its thread: shuts all that connections come in by; those of datagrams still serve who is in.
 */
void shard_stop_accepting(struct shard *shard);

/* Runs it in a thread of its own. Returns 0, or -errno. */
int shard_start(struct shard *shard);

/* Its thread, or before it has one: takes what a configuration says of listeners. */
void shard_use_listeners(struct shard *shard, const struct config *config);

/* Any thread: asks it to take a configuration, the group's rulebook and its credentials, which it
 * then borrows, and to post group->taken. Until it has, those two must stay the same. */
void shard_configure(struct shard *shard, const struct config *config);

/* Any thread: asks it to run an errand, which is taken until it is done; errand.h. A shard that has
 * been told to stop may never run it. */
void shard_ask(struct shard *shard, struct errand *errand);

/* Any thread: asks it to tell every client and end. */
void shard_stop(struct shard *shard);

/* Waits for its thread to end, and hands the store what the last turn has left for it. */
void shard_join(struct shard *shard);

/* After every shard's thread has ended: closes links that were on their way to this shard. */
void shard_close_parcels(struct shard *shard);

/* After that, and after the threads of the store: what these have left for it is thrown away. */
void shard_drop_errands(struct shard *shard);

/* Before shard_deinit(), where the server has gone to the background: what it waits for there
 * stays. */
void shard_leave(struct shard *shard);

/* Closes and frees all that it has, after shard_close_parcels() of all. */
void shard_deinit(struct shard *shard);

/* Wakes it if it waits: call it after what it is to see is visible. */
void shard_rouse(struct shard *shard);

/* The same, but one that waits for nothing from the store is only woken where `any` is true. */
void shard_rouse_for_store(struct shard *shard, bool any);

#endif
