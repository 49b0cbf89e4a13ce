/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store consists of; only its own files and their tests look inside.
 *
 * Locks: `moving` is taken before the ones of hot and of the log, and never together with `lock` or
 * `fetch_lock`.
 */
#ifndef STORE_STORE_STATE_H
#define STORE_STORE_STATE_H

#include "store/cold.h"
#include "store/hot.h"
#include "store/past.h"
#include "store/store.h"

#include <stdatomic.h>

enum {
    WINDOW_DEFAULT = 4,
    WINDOWS_MAX = 2,           /* of full chunks before commits wait for checkpoints */
    ARCHIVE_RESERVE = 4 << 20, /* bytes; for what removes, and for what takes little */
    RESERVE_PART = 4,          /* so much takes little: a fourth of it */
};

struct store {
    const struct files *files;
    const struct archive *archive;
    struct past past;
    uint64_t first; /* position of the first record of a new log */
    void (*changed)(void *context);
    void *context;
    unsigned window;
    bool lazy; /* what is pushed counts as durable */
    struct record_log *log;
    struct hot hot;

    /* The checkpoints' own: one thread's. */
    struct cold cold;
    struct record_place *places; /* scratch */
    size_t place_room;

    pthread_mutex_t lock; /* of the next four */
    pthread_cond_t work;  /* for checkpoints */
    pthread_cond_t moved; /* by one */
    uint64_t wanted;      /* what is before that position is to be moved */
    bool stopping;

    /* Held by who reads by what hot says, and while a chunk is forgotten there and in the log. */
    pthread_mutex_t moving;

    pthread_mutex_t fetch_lock; /* of the next four */
    pthread_cond_t fetch_news;
    struct list fetches;
    bool fetch_told; /* that there is news */
    bool fetch_stopping;

    bool running;
    pthread_t checkpointer;
    pthread_t fetcher;

    /* For who asks from other threads; relaxed, each by itself, but trouble: as the log's. */
    atomic_int archive_trouble;
    _Atomic uint64_t archived;
    _Atomic uint64_t checkpoints;
    _Atomic uint64_t drops;
};

/* ---- store.c ---- */

/* The disk is full, be it for the log or for the archive. */
bool store_is_scarce(const struct store *store);

/* ---- checkpoint.c ---- */

/* Moves the oldest chunk of the log to the archive. Returns 1; 0: there is none; or -errno: what
 * was moved so far is kept, and the next call goes on. */
int checkpoint_step(struct store *store);

/* Tells what would be in the archive if all of the log were moved there. Nothing is written, so
 * that it takes memory, but no room. As store_walk(), otherwise. */
int checkpoint_foresee(struct store *store, const struct store_visitor *visitor);

/* Takes some of what was dropped out of the archive. Returns 1, 0: nothing is left; or -errno. */
int checkpoint_sweep(struct store *store);

/* Runs until the store stops. */
void *checkpoint_run(void *context);

/* Whoever waits for checkpoints looks again. */
void checkpoint_wake(struct store *store);

/* ---- walk.c ---- */

/* What a view of an archive has, as store_walk(). */
int walk_view(const struct archive *archive, struct archive_view *view,
        const struct store_visitor *visitor);

/* The same of what was committed last. */
int walk_archive(const struct archive *archive, const struct store_visitor *visitor);

/* ---- fetch.c ---- */

/* Answers all that can be answered. */
void fetch_step(struct store *store);

/* Answers what is left with an error. */
void fetch_give_up(struct store *store, int error);

void *fetch_run(void *context);

/* What is waited for may be durable now. */
void fetch_wake(struct store *store);

#endif
