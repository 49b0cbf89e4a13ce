/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread's malloc() and free(), which keeps blocks that were given back for the next ones of
 * their size: messages and queues of the steady state then cost no call of the C library.
 *
 * A block may be taken from one thread's blocks and given to another's. Where one thread has more
 * publishers than another, it takes more than it is given, all the time; so threads hand each other
 * what they have too much of, by a depot, a chain of blocks at a time. Where a sanitizer is to see
 * each use after free, the build takes blocks_plain.c, which keeps nothing.
 */
#ifndef BROKER_BLOCKS_H
#define BROKER_BLOCKS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

enum {
    BLOCKS_GRAIN = 16,            /* bytes by which the sizes that are kept differ */
    BLOCKS_SIZE_MAX = 2048,       /* larger ones are not kept */
    BLOCKS_CHAIN_MAX = 16 * 1024, /* bytes that change hands at once; of a size two are kept */
    BLOCKS_KINDS = BLOCKS_SIZE_MAX / BLOCKS_GRAIN,
    DEPOT_KEPT_MAX = 4 * 1024 * 1024,
};

/* While it is kept. The smallest ones have no room for `below`, so the depot has none of them. */
struct block {
    struct block *next;
    struct block *below; /* of a chain's first block in the depot: the next chain there */
};

/* What no thread has a use for at the moment. Any thread. */
struct depot {
    pthread_mutex_t lock;
    _Atomic(struct block *) chains[BLOCKS_KINDS]; /* written with the lock */
    size_t kept;                                  /* bytes */
};

void depot_init(struct depot *depot);

/* Frees what it keeps; no thread uses it any more. */
void depot_deinit(struct depot *depot);

/* The blocks of one size: a chain that grows and shrinks, and a whole one or none. */
struct shelf {
    struct block *first;
    struct block *spare;
    size_t room; /* how many more make the first chain a whole one */
};

/* All zero but for the depot, which may be NULL: nothing is kept. */
struct blocks {
    struct depot *depot; /* borrowed */
    struct shelf shelves[BLOCKS_KINDS];
};

/* NULL when there is no memory. */
void *blocks_take(struct blocks *blocks, size_t size);

/* `size` is the size that was asked for. */
void blocks_give(struct blocks *blocks, void *block, size_t size);

/* A block for no thread's blocks in particular, that may be given to any. */
void *blocks_new(size_t size);

/* Frees what is kept, but not what the depot has. */
void blocks_release(struct blocks *blocks);

#endif
