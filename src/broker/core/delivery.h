/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way to one session, and rings of them: queues and the in-flight window.
 */
#ifndef BROKER_CORE_DELIVERY_H
#define BROKER_CORE_DELIVERY_H

#include "base/memory.h"
#include "broker/core/message.h"

#include <stdbool.h>
#include <stdint.h>

struct hand;

/* Subscription identifiers where a delivery has more than one. */
struct identifiers {
    uint32_t count;
    uint32_t ids[];
};

struct delivery {
    struct message *message; /* holds a reference; NULL from a QoS 2 PUBREC on */
    union {
        struct hand *hand;               /* DELIVERY_SHARED: what its group gave us */
        struct identifiers *identifiers; /* DELIVERY_IDENTIFIERS */
    } extra;
    uint64_t sequence;        /* queued: order of arrival; in flight: tells the packet id */
    uint32_t subscription_id; /* 0: none */
    uint8_t qos;
    uint8_t state;  /* in flight: enum mqtt_outflow_state */
    uint16_t flags; /* enum delivery_flags */
};

enum delivery_flags {
    DELIVERY_RETAIN = 1,
    DELIVERY_SHARED = 2,
    DELIVERY_IDENTIFIERS = 4,
    DELIVERY_STAGED = 16, /* in flight, has never been sent and waits for the store: launch.h */
    DELIVERY_SENT = 8,    /* on this connection; it counts against the send quota */
    DELIVERY_NOTED = 32,  /* in flight, and the store has its packet id */
};

/* The memory that it keeps in use, as limits count it. */
static inline size_t delivery_size(const struct delivery *delivery)
{
    size_t size = sizeof(*delivery) + message_size(delivery->message);

    if (delivery->flags & DELIVERY_IDENTIFIERS)
        size += delivery->extra.identifiers->count * sizeof(uint32_t);
    return size;
}

/* A ring that grows and shrinks. */
struct deliveries {
    struct delivery *entries;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t first;
    uint32_t count;
};

/* Makes sure that there is room for one more; false when memory is short. */
bool deliveries_reserve(struct deliveries *ring, const struct memory *memory);

/* Room for one more at the end, to be filled by the caller; NULL when memory is short. */
struct delivery *deliveries_add(struct deliveries *ring, const struct memory *memory);

/* The n-th from the front; n below ring->count. */
static inline struct delivery *deliveries_at(const struct deliveries *ring, uint32_t n)
{
    return &ring->entries[(ring->first + n) & (ring->capacity - 1)];
}

/* Takes the first one out of the ring; what it holds is the caller's. Not on an empty ring. */
struct delivery deliveries_take(struct deliveries *ring, const struct memory *memory);

/* Takes so many out from that position on; what they hold is the caller's. */
void deliveries_cut(
        struct deliveries *ring, const struct memory *memory, uint32_t from, uint32_t count);

/* Gives an empty ring's memory back. A small one is kept until then, for the next message. */
void deliveries_release(struct deliveries *ring, const struct memory *memory);

/* Keeps those for which `keep` says so, in order; what the others hold is its business. */
void deliveries_filter(struct deliveries *ring, const struct memory *memory,
        bool (*keep)(void *context, struct delivery *delivery), void *context);

#endif
