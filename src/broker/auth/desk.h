/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where answers come back to a shard: what cannot be said about a login at once is handed as a
 * question to another thread, which gives it back to the desk of the shard that asked.
 */
#ifndef BROKER_AUTH_DESK_H
#define BROKER_AUTH_DESK_H

#include "base/list.h"
#include "base/memory.h"
#include "broker/core/core.h"

#include <pthread.h>
#include <stdatomic.h>

/* What a client gives to show who it is. */
struct login {
    struct bytes user; /* empty: none */
    struct bytes password;
    struct bytes client_id;
    struct bytes peer;             /* "10.0.0.7:41312" */
    struct bytes certificate_name; /* the common name of its certificate; empty: none */
    struct access_ticket ticket;
    uint16_t listener; /* its number among the listeners */
    uint16_t port;     /* of that; 0: a Unix socket */
    uint8_t version;   /* enum mqtt_version */
    bool has_password;
};

/* The desk of one shard. */
struct desk {
    void (*ring)(void *context); /* called by other threads when something has come back */
    void *context;
    pthread_mutex_t lock; /* of `done` */
    struct list done;
    atomic_bool any_done;
};

/* The beginning of each kind of question; one block of the shard's memory. */
struct question {
    struct list link;
    struct desk *desk;
    size_t size;                                /* of the block */
    unsigned asker;                             /* enum proof_kind: which authenticator's it is */
    void (*release)(struct question *question); /* frees what its kind has of its own; NULL */
    struct login login;                         /* its bytes lie at the block's end */
};

void desk_init(struct desk *desk, void (*ring)(void *context), void *context);

/* After the last question_answer() to it. Frees what lies there. */
void desk_deinit(struct desk *desk, const struct memory *memory);

/* True when desk_take() has something; asked before a shard sleeps. */
static inline bool desk_has(const struct desk *desk)
{
    /* Sequentially consistent: pairs with the sleeper's store, as shard_rouse() says. */
    return atomic_load(&desk->any_done);
}

/* The next question that has come back; NULL: none. */
struct question *desk_take(struct desk *desk);

/* A question of `size` bytes, which begin with struct question and are zero but for that, with the
 * login copied. NULL when memory is short. */
struct question *question_new(const struct memory *memory, size_t size, const struct login *login,
        struct desk *desk, unsigned asker);

/* Any thread: gives it back to its desk. */
void question_answer(struct question *question);

/* Wipes it first. NULL is fine. */
void question_free(const struct memory *memory, struct question *question);

#endif
