/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that check passwords, so that no shard spends its time on it: a modern hash takes as long
 * as thousands of messages.
 *
 * A shard has a `hash_desk`, hands in checks, and takes them back with their results, in any order.
 * The threads run at a lower priority than the shards.
 */
#ifndef BROKER_AUTH_HASHERS_H
#define BROKER_AUTH_HASHERS_H

#include "base/list.h"
#include "base/memory.h"
#include "broker/auth/password_hash.h"
#include "broker/core/core.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    HASHERS_MAX = 4,
    HASH_QUEUE_MAX = 256, /* checks that wait; who comes then is told that the server is busy */
};

/* Threads and what waits for them. */
struct hashers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t news;
    struct list waiting;
    size_t waiting_count;
    bool stopping;
    unsigned thread_count; /* not of the lock: the starter's own, as is the next */
    pthread_t threads[HASHERS_MAX];
};

/* Where a shard's checks come back. */
struct hash_desk {
    struct hashers *hashers;
    void (*ring)(void *context); /* called by other threads when one has come back */
    void *context;
    pthread_mutex_t lock; /* of `done` */
    struct list done;
    atomic_bool any_done;
};

/* One check; a block of the shard's memory. */
struct hash_check {
    struct list link;
    struct hash_desk *desk;
    struct access_ticket ticket;
    uint16_t listener;
    bool known; /* the user is one; else it is checked for the time that it takes */
    int result; /* of password_hash_matches() */
    struct password_hash hash;
    uint16_t user_size;
    uint16_t password_size;
    uint8_t bytes[]; /* the user's name, then the password */
};

/* No thread runs yet. */
void hashers_init(struct hashers *hashers);

/**
 * Starts as many threads; 1..HASHERS_MAX.
 *
 * Returns 0 when at least one runs, or -errno.
 */
int hashers_start(struct hashers *hashers, unsigned threads);

/* Ends the threads when each is done with its check; those that wait stay unchecked. After this no
 * desk gets anything back. */
void hashers_stop(struct hashers *hashers);

/* After every desk is gone. */
void hashers_deinit(struct hashers *hashers);

void hash_desk_init(struct hash_desk *desk, struct hashers *hashers, void (*ring)(void *context),
        void *context);

/* After hashers_stop(). Frees what still lies there or waits for the threads. */
void hash_desk_deinit(struct hash_desk *desk, const struct memory *memory);

/* A check with its bytes copied; NULL when memory is short. */
struct hash_check *hash_check_new(
        const struct memory *memory, struct bytes user, struct bytes password);

/* Wipes the password. NULL is fine. */
void hash_check_free(const struct memory *memory, struct hash_check *check);

static inline struct bytes hash_check_user(const struct hash_check *check)
{
    return bytes_of(check->bytes, check->user_size);
}

/* Takes the check, which comes back by hash_desk_take(). False when HASH_QUEUE_MAX wait. */
bool hash_desk_ask(struct hash_desk *desk, struct hash_check *check);

/* True when hash_desk_take() has something; asked before a shard sleeps. */
static inline bool hash_desk_has(const struct hash_desk *desk)
{
    /* Sequentially consistent: pairs with the sleeper's store, as shard_rouse() says. */
    return atomic_load(&desk->any_done);
}

/* The next check that has come back; NULL: none. */
struct hash_check *hash_desk_take(struct hash_desk *desk);

#endif
