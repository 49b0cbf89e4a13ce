/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where core takes its locks from: a small table of functions that the program fills with mutexes,
 * or with nothing when there is one shard, and the simulator with checks of order and holding.
 *
 * A lock is held by one thread, for a short time, in which only the memory's functions are called.
 */
#ifndef BROKER_CORE_LOCKS_H
#define BROKER_CORE_LOCKS_H

struct locks {
    void *(*create)(void *context); /* NULL when memory is short; a table that locks nothing may
                                       give any other pointer */
    void (*destroy)(void *context, void *lock);
    void (*acquire)(void *context, void *lock);
    void (*release)(void *context, void *lock);
    void *context;
};

static inline void *lock_create(const struct locks *locks)
{
    return locks->create(locks->context);
}

/* NULL is fine. */
static inline void lock_destroy(const struct locks *locks, void *lock)
{
    if (lock)
        locks->destroy(locks->context, lock);
}

static inline void lock_acquire(const struct locks *locks, void *lock)
{
    locks->acquire(locks->context, lock);
}

static inline void lock_release(const struct locks *locks, void *lock)
{
    locks->release(locks->context, lock);
}

#endif
