/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/blocks.h"

#include <stdbool.h>
#include <stdlib.h>

/* What an allocator of this machine needs beside a block: rounded so, no byte is lost to it. */
enum { OVERHEAD = sizeof(void *) };

static size_t kind_of(size_t size)
{
    return (size + OVERHEAD - 1) / BLOCKS_GRAIN;
}

/* The largest block of a kind. */
static size_t size_of(size_t kind)
{
    return (kind + 1) * BLOCKS_GRAIN - OVERHEAD;
}

/* How many blocks make a whole chain. */
static size_t chain_length(size_t kind)
{
    return BLOCKS_CHAIN_MAX / size_of(kind);
}

static void free_chain(struct block *chain)
{
    while (chain) {
        struct block *next = chain->next;

        free(chain);
        chain = next;
    }
}

/* ---- The depot ---- */

void depot_init(struct depot *depot)
{
    pthread_mutex_init(&depot->lock, NULL); /* On Linux this does not fail. */
    depot->kept = 0;
    for (size_t kind = 0; kind < BLOCKS_KINDS; kind++)
        atomic_init(&depot->chains[kind], NULL);
}

/* Relaxed, as is each load here: who holds the lock sees all, and who does not only wants to know
 * whether it is worth a try. */
static struct block *top_of(struct depot *depot, size_t kind)
{
    return atomic_load_explicit(&depot->chains[kind], memory_order_relaxed);
}

void depot_deinit(struct depot *depot)
{
    for (size_t kind = 0; kind < BLOCKS_KINDS; kind++) {
        struct block *chain = top_of(depot, kind);

        while (chain) {
            struct block *below = chain->below;

            free_chain(chain);
            chain = below;
        }
    }
    pthread_mutex_destroy(&depot->lock);
}

/* Takes a whole chain. False when there is enough of all. */
static bool depot_store(struct depot *depot, size_t kind, struct block *chain)
{
    size_t size = chain_length(kind) * size_of(kind);
    bool has_room;

    if (!depot || size_of(kind) < sizeof(*chain))
        return false;
    pthread_mutex_lock(&depot->lock);
    has_room = depot->kept + size <= DEPOT_KEPT_MAX;
    if (has_room) {
        chain->below = top_of(depot, kind);
        atomic_store_explicit(&depot->chains[kind], chain, memory_order_relaxed);
        depot->kept += size;
    }
    pthread_mutex_unlock(&depot->lock);
    return has_room;
}

/* A whole chain, or NULL. */
static struct block *depot_fetch(struct depot *depot, size_t kind)
{
    struct block *chain;

    if (!depot || !top_of(depot, kind))
        return NULL;
    pthread_mutex_lock(&depot->lock);
    chain = top_of(depot, kind);
    if (chain) {
        atomic_store_explicit(&depot->chains[kind], chain->below, memory_order_relaxed);
        depot->kept -= chain_length(kind) * size_of(kind);
    }
    pthread_mutex_unlock(&depot->lock);
    return chain;
}

/* ---- One thread's ---- */

void *blocks_new(size_t size)
{
    size_t kind = kind_of(size);

    return malloc(kind < BLOCKS_KINDS ? size_of(kind) : size);
}

/* The first chain is used up. Returns a block of the next one, or of the C library. */
static void *take_elsewhere(struct blocks *blocks, size_t kind)
{
    struct shelf *shelf = &blocks->shelves[kind];
    struct block *chain = shelf->spare;

    shelf->spare = NULL;
    if (!chain)
        chain = depot_fetch(blocks->depot, kind);
    if (!chain)
        return malloc(size_of(kind));
    shelf->first = chain->next;
    shelf->room = 1;
    return chain;
}

void *blocks_take(struct blocks *blocks, size_t size)
{
    size_t kind = kind_of(size);
    struct shelf *shelf;
    struct block *block;

    if (kind >= BLOCKS_KINDS)
        return malloc(size);
    shelf = &blocks->shelves[kind];
    block = shelf->first;
    if (!block)
        return take_elsewhere(blocks, kind);
    shelf->first = block->next;
    shelf->room++;
    return block;
}

/* The first chain is whole, or there was none ever: another one is begun. */
static void begin_chain(struct blocks *blocks, size_t kind)
{
    struct shelf *shelf = &blocks->shelves[kind];
    struct block *spare = shelf->spare;

    shelf->room = chain_length(kind);
    if (!shelf->first)
        return;
    shelf->spare = shelf->first;
    shelf->first = NULL;
    if (spare && !depot_store(blocks->depot, kind, spare))
        free_chain(spare);
}

void blocks_give(struct blocks *blocks, void *block, size_t size)
{
    size_t kind = kind_of(size);
    struct block *given = block;
    struct shelf *shelf;

    if (kind >= BLOCKS_KINDS) {
        free(block);
        return;
    }
    shelf = &blocks->shelves[kind];
    if (shelf->room == 0)
        begin_chain(blocks, kind);
    given->next = shelf->first;
    shelf->first = given;
    shelf->room--;
}

void blocks_release(struct blocks *blocks)
{
    for (size_t kind = 0; kind < BLOCKS_KINDS; kind++) {
        free_chain(blocks->shelves[kind].first);
        free_chain(blocks->shelves[kind].spare);
    }
    *blocks = (struct blocks){ .depot = blocks->depot };
}
