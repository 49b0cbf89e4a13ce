/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the server: the store in its data folder, restored into the shards' cores at the
 * start, written by them while they run, and looked after by the server's thread.
 *
 * In the order of a server's life: persistence_claim(), which may need root; persistence_open() and
 * persistence_start(), before any shard runs; persistence_stop() after the last one;
 * persistence_close(). Where all is to be in memory none of them does anything.
 */
#ifndef BROKER_PERSISTENCE_H
#define BROKER_PERSISTENCE_H

#include "broker/config/config.h"
#include "broker/process.h"
#include "broker/store_news.h"
#include "loop/wake.h"
#include "store/archive_lmdb.h"
#include "store/store.h"

#include <limits.h>

struct shard;
struct shard_group;

/* Starts as { 0 }; must stay where it is. */
struct persistence {
    char directory[STORE_PATH_MAX + 1]; /* "": all is in memory */
    struct durability durability;
    bool is_asked_for; /* the configuration has said that it wants one */
    struct shard_group *group;
    struct journal *journal;
    bool is_claimed;
    bool runs;
    struct folder folder;
    struct files files;
    struct archive archive;
    struct archive_lmdb *archived; /* NULL until it is open */
    struct store *store;           /* NULL until it is open */

    /* Written by the store's threads. */
    atomic_uint changes; /* how often it has become durable further, or its trouble changed */
    atomic_int trouble;  /* what store_condition() said last */
    struct wake wake;    /* for the server's thread, to see that */

    struct store_news news; /* the server's thread's */
    pthread_mutex_t asking; /* who asks for figures */
    struct slowest_commit slowest;
};

/**
 * Chooses the folder by the configuration, makes it for the user (NULL: this process's), and takes
 * it for this server alone. Told to the journal, which is kept.
 *
 * Returns 0, or -errno, which is told.
 */
int persistence_claim(struct persistence *persistence, const struct config *config,
        const struct process_user *user, struct journal *journal);

/* What the shard's core gets as its store; it is to be used from persistence_start() on. */
struct storage persistence_storage(const struct persistence *persistence, struct shard *shard);

/**
 * Opens the store, once the process is who it will be, and gives what is there to the cores of all
 * shards, none of which runs yet.
 *
 * Returns 0, or -errno, which is told: then the cores are to be freed.
 */
int persistence_open(struct persistence *persistence, struct shard_group *group);

/* Returns 0, or -errno, which is not told. */
int persistence_start(struct persistence *persistence);

/* Ends the store's threads, once all that it was given is on disk, or cannot be; which is told. */
void persistence_stop(struct persistence *persistence);

/* Also after a failure, or without anything before it. */
void persistence_close(struct persistence *persistence);

/* ---- A shard that runs ---- */

/* How far the store has come, and how it is. */
struct persistence_state {
    unsigned changes;
    uint64_t position;
    enum storage_health health;
};

/* What one has who has not looked yet. */
#define PERSISTENCE_UNKNOWN ((struct persistence_state){ .changes = UINT_MAX })

/* Brings *state up to date. True when something in it has changed. */
bool persistence_look(struct persistence *persistence, struct persistence_state *state);

/* True when persistence_look() would find something new: asked by a shard that waits for it, after
 * it was marked asleep, before it sleeps. */
bool persistence_has_news(
        const struct persistence *persistence, const struct persistence_state *state);

/* ---- The server's thread ---- */

/* A descriptor that can be read when persistence_watch() is to be called; -1: none. */
int persistence_fd(const struct persistence *persistence);

/* Tells what is to be told; to be called by then too. */
void persistence_watch(struct persistence *persistence, int64_t now_ms);
int64_t persistence_due_ms(const struct persistence *persistence);

/* Has what is in the log moved to the archive, soon. False: there is no store. */
bool persistence_checkpoint(struct persistence *persistence);

/* ---- Any thread ---- */

struct persistence_figures {
    struct store_figures store;
    enum storage_health health;
    int64_t slowest_ns; /* of the commits of the last minute or two */
};

/* False, and all zero, where there is no store. */
bool persistence_count(
        struct persistence *persistence, struct persistence_figures *out, int64_t now_ms);

#endif
