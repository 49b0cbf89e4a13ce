/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that check passwords, so that no shard spends its time on it: a modern hash takes as long
 * as thousands of messages. Checks come back to the desks of those who asked, in any order. The
 * threads run at a lower priority than the shards.
 *
 * Checks for those who have been wrong lately wait behind all others, so that a flood of guesses
 * does not keep out who knows his password.
 */
#ifndef BROKER_AUTH_HASHERS_H
#define BROKER_AUTH_HASHERS_H

#include "broker/auth/desk.h"
#include "broker/auth/password_hash.h"

#include <errno.h>

enum {
    HASHERS_MAX = 4,
    HASH_QUEUE_MAX = 256,   /* checks that wait; who comes then is told that the server is busy */
    HASH_SUSPECTS_MAX = 64, /* the same of those who have been wrong lately */
};

/* Checks that wait, in order. */
struct hash_queue {
    struct list checks;
    size_t count;
    size_t max;
};

/* Threads and what waits for them. */
struct hashers {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t news;
    struct hash_queue waiting;
    struct hash_queue suspects; /* served when nobody else waits */
    bool stopping;
    unsigned thread_count; /* not of the lock: the starter's own, as is the next */
    pthread_t threads[HASHERS_MAX];
};

/* One check of the question's password; made by question_new(), of this size. */
struct hash_check {
    struct question question;
    struct password_hash hash;
    bool known;   /* the user is one; else it is checked for the time that it takes */
    bool suspect; /* logins from its address were wrong lately */
    int result;   /* of password_hash_matches(); -ECANCELED: the threads have ended before */
};

/* No thread runs yet. */
void hashers_init(struct hashers *hashers);

/**
 * Starts as many threads; 1..HASHERS_MAX.
 *
 * Returns 0 when at least one runs, or -errno.
 */
int hashers_start(struct hashers *hashers, unsigned threads);

/* Ends the threads when each is done with its check; those that wait go back unchecked, and so does
 * what is asked later. */
void hashers_stop(struct hashers *hashers);

/* After hashers_stop(). */
void hashers_deinit(struct hashers *hashers);

/* Takes the check, which comes back to its desk. False when HASH_QUEUE_MAX wait, or of the suspect
 * HASH_SUSPECTS_MAX. */
bool hashers_ask(struct hashers *hashers, struct hash_check *check);

#endif
