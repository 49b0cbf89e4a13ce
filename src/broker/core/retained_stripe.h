/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stripe of the retained store: entries that are found by topic, and lie in order of topic.
 *
 * A table finds a topic at once, as publishing does; a skip list keeps the order, as wildcards need
 * it: whatever comes and goes, the order stays, so a reader goes on from any topic. The keyed hash
 * of its topic draws an entry's height in the list. For retained.c alone, which holds the stripe's
 * lock around every call.
 */
#ifndef BROKER_CORE_RETAINED_STRIPE_H
#define BROKER_CORE_RETAINED_STRIPE_H

#include "base/memory.h"
#include "base/table.h"
#include "broker/core/message.h"
#include "broker/core/topic_order.h"

enum { RETAINED_HEIGHT_MAX = 12 };

struct retained_entry {
    struct table_link link;
    struct message *message; /* knows the topic */
    int64_t expires_ms;
    struct retained_entry *next[]; /* by order of topic, at each of its heights */
};

struct retained_stripe {
    struct table table;
    struct retained_entry *first[RETAINED_HEIGHT_MAX];
    struct retained_entry *sweep; /* the next to be looked at for expiry; NULL: begin anew */
    int64_t expiry_ms;            /* nothing expires earlier */
    int64_t pass_expiry_ms;       /* the same of what the present sweep has passed */
};

void retained_stripe_init(struct retained_stripe *stripe);

/* NULL when there is none. */
struct retained_entry *retained_stripe_find(
        const struct retained_stripe *stripe, uint32_t hash, struct bytes topic);

/* The first entry at or after the bound; NULL when there is none. */
struct retained_entry *retained_stripe_seek(
        const struct retained_stripe *stripe, const struct topic_bound *bound);

/* A new entry without an expiry, for a topic that has none; NULL when memory is short. */
struct retained_entry *retained_stripe_add(struct retained_stripe *stripe,
        const struct memory *memory, uint32_t hash, struct message *message);

void retained_stripe_set_expiry(
        struct retained_stripe *stripe, struct retained_entry *entry, int64_t expires_ms);

/* Takes an entry out; it is the caller's to free. */
void retained_stripe_remove(
        struct retained_stripe *stripe, const struct memory *memory, struct retained_entry *entry);

/* Looks at the next `limit` entries and takes out the expired ones: a chain of link.next. */
struct retained_entry *retained_stripe_sweep(
        struct retained_stripe *stripe, const struct memory *memory, int64_t now_ms, size_t limit);

/* All entries, as a chain; the stripe is empty then. */
struct retained_entry *retained_stripe_clear(
        struct retained_stripe *stripe, const struct memory *memory);

/* Chains of entries that were taken out. */
void retained_entry_push(struct retained_entry **chain, struct retained_entry *entry);
struct retained_entry *retained_entry_pop(struct retained_entry **chain);
struct retained_entry *retained_entry_next(const struct retained_entry *entry);

/* Gives the entry's memory back, not its message. */
void retained_entry_free(const struct memory *memory, struct retained_entry *entry);

#endif
