/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another thread wants done on a shard's: a function that the shard runs at the end of its
 * turn, where it may look at all that the shard owns, and again in each further turn until it says
 * that it is done. So a long list is walked in slices, and clients are served in between.
 */
#ifndef BROKER_ERRAND_H
#define BROKER_ERRAND_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

struct shard;

enum errand_state {
    ERRAND_DONE,
    ERRAND_GOES_ON, /* run it again in the next turn */
};

/* To be part of what it is about; must stay where it is until it is done. */
struct errand {
    enum errand_state (*run)(struct errand *errand, struct shard *shard);
    void (*done)(struct errand *errand); /* the shard's last touch; on its thread */
    struct errand *next;                 /* the queue's */
};

/* What waits for one shard. Starts as { 0 }. */
struct errands {
    struct errand *first;            /* the shard's own, in order of their coming */
    _Atomic(struct errand *) posted; /* by any thread, the last one first */
};

/* Any thread: leaves an errand, which is taken until it is done. The shard is to be roused then. */
void errands_post(struct errands *errands, struct errand *errand);

/* The shard: true when errands_run() has something to do; asked before it sleeps. */
bool errands_wait(struct errands *errands);

/* The shard: runs each errand once. */
void errands_run(struct errands *errands, struct shard *shard);

/* The shard, or once its thread has ended: takes out the next errand with this function, which will
 * not be run then; NULL when there is none. */
struct errand *errands_take(struct errands *errands,
        enum errand_state (*run)(struct errand *errand, struct shard *shard));

/* An errand whose giver waits for it. */
struct awaited_errand {
    struct errand errand;
    sem_t done;
};

/* Returns 0, or -errno. */
int awaited_errand_init(struct awaited_errand *awaited,
        enum errand_state (*run)(struct errand *errand, struct shard *shard));
void awaited_errand_deinit(struct awaited_errand *awaited);

/* Waits until the shard has done it; only after it was posted. */
void awaited_errand_wait(struct awaited_errand *awaited);

#endif
