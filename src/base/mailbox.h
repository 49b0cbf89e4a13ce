/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of fixed-size slots from one thread to one other, without a lock.
 *
 * The producer fills slots at its leisure and makes them visible all at once, so a turn's mail
 * costs one atomic store. A producer that finds no room says so (`starved`), and the consumer
 * learns from mailbox_finish() that it should be woken.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CACHE_LINE = 64,
    MAILBOX_WEIGHT_MAX =
            8 << 20, /* bytes that what waits may hold elsewhere, but for the last put */
};

struct mailbox {
    /* The producer's. */
    _Atomic uint32_t tail; /* slots up to here are visible */
    uint32_t filled;       /* its own tail: filled, perhaps not yet visible */
    uint32_t head_seen;    /* its last sight of head */
    uint64_t weight_put;
    uint64_t weight_seen;        /* its last sight of weight_shed */
    uint8_t apart_a[CACHE_LINE]; /* so that the two do not write to one line of the cache */
    /* The consumer's. */
    _Atomic uint32_t head; /* slots up to here are free again */
    uint32_t taken;        /* its own head: taken, perhaps not yet free */
    uint64_t weight_taken;
    _Atomic uint64_t weight_shed; /* of the slots that are free again */
    uint8_t apart_b[CACHE_LINE];
    /* Set by the producer, cleared by the consumer. */
    atomic_bool starved;
    /* Never changed. */
    uint32_t slots; /* a power of two */
    size_t slot_size;
    uint8_t *data;
};

/* False when memory is short. slots: a power of two. */
bool mailbox_init(
        struct mailbox *mailbox, const struct memory *memory, uint32_t slots, size_t slot_size);
void mailbox_deinit(struct mailbox *mailbox, const struct memory *memory);

/* Producer: true when a slot is free and what waits is not too heavy. Where it is not so, the
 * consumer will say when it is. */
bool mailbox_has_room(struct mailbox *mailbox);

/* Producer: the next free slot, to be filled now; only after mailbox_has_room(). */
void *mailbox_put(struct mailbox *mailbox);

/* Producer: what was put last holds that many bytes. */
static inline void mailbox_add_weight(struct mailbox *mailbox, size_t bytes)
{
    mailbox->weight_put += bytes;
}

/* Consumer: what was taken last held that many. */
static inline void mailbox_shed_weight(struct mailbox *mailbox, size_t bytes)
{
    mailbox->weight_taken += bytes;
}

/* Producer: true when something was put and is not visible yet. */
static inline bool mailbox_unpublished(const struct mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->tail, memory_order_relaxed) != mailbox->filled;
}

/* Producer: makes all that was put visible. True when that was anything. */
bool mailbox_publish(struct mailbox *mailbox);

/* Consumer: the oldest slot not yet taken, good until mailbox_finish(); NULL when there is none. */
void *mailbox_take(struct mailbox *mailbox);

/* Consumer: frees all that was taken. True when the producer waits for room and must be woken. */
bool mailbox_finish(struct mailbox *mailbox);

/* Consumer: true when there is something to take; orders after an earlier sequentially consistent
 * store of the caller ("I am asleep"), so that no mail is slept over. */
bool mailbox_waiting(struct mailbox *mailbox);

#endif
