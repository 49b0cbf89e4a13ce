/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscription index: one topic trie for the whole server, which says who gets a publication.
 *
 * Shards share it under a big-reader lock, one lock per shard. A reader takes its own shard's only,
 * which nobody disputes; a writer takes all, in order, and holds nothing else. So a shard that
 * matches waits for writers alone, and a write section is kept short: INDEX_BATCH_MAX changes.
 * Nothing is called under the locks but the memory's functions.
 *
 * Filters and topics come in valid, with the levels' limit already kept and without "$share/name/".
 * The time for a change or a match does not grow with the number of filters, of children of a level
 * or of subscribers to a filter, but for those that match; no recursion, and no pause to rehash.
 */
#ifndef BROKER_CORE_INDEX_H
#define BROKER_CORE_INDEX_H

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "broker/core/locks.h"
#include "broker/core/matches.h"
#include "broker/core/subscribers.h"
#include "broker/core/target.h"

enum { INDEX_BATCH_MAX = 256 };

struct index;

struct index_setup {
    struct memory memory; /* used by whichever shard writes, one at a time */
    struct locks locks;
    struct hash_key key;
    uint16_t shard_count; /* at least 1; every target.shard is below it */
};

/* An empty index; NULL when memory is short. */
struct index *index_new(const struct index_setup *setup);

/* Also with subscriptions left in it; no shard may use it any more. NULL is fine. */
void index_free(struct index *index);

/*
 * A write section: begin, at most INDEX_BATCH_MAX calls of add and remove, end. Begin waits until
 * no shard matches; between the two, nobody does.
 *
 * A new subscription that will be given retained messages takes retained_revision() *inside* the
 * section as its retained_from, and reads the retained messages after the section, up to that
 * revision: retained.h says why it then misses nothing and gets nothing twice.
 */
void index_write_begin(struct index *index);
void index_write_end(struct index *index);

enum index_result {
    INDEX_ADDED,
    INDEX_REPLACED, /* the target had a subscription with this filter; it keeps its retained_from */
    INDEX_NO_MEMORY, /* nothing changed */
};

/* Only inside a write section. Copies what it needs. */
enum index_result index_add(
        struct index *index, struct bytes filter, const struct subscriber *subscriber);

/* False when there was no such subscription. Only inside a write section; never needs memory. */
bool index_remove(struct index *index, struct bytes filter, const struct target *target);

/* One removal in a write section of its own. */
void index_leave(struct index *index, struct bytes filter, const struct target *target);

/*
 * Finds who gets the publication, for the thread of that shard; `out` is that thread's own.
 * False when memory is short; the result is empty then.
 * Source: MQTT 3.1.1 §4.7, MQTT 5.0 §3.3.4 and §4.7, [MQTT5-3.8.3-3], [MQTT5-4.7.2-1]
 */
bool index_match(struct index *index, uint16_t shard, const struct publication *publication,
        struct matches *out);

/*
 * Grows with every change; any thread may ask. While it equals matches->version, the same
 * publication matches the same; a publication with a revision must be matched anew all the same.
 */
uint64_t index_version(const struct index *index);

struct index_counts {
    uint64_t subscriptions; /* of sessions */
    uint64_t groups;        /* of shared groups: one for each */
    uint64_t nodes;         /* distinct levels, for the memory's gauge */
};

struct index_counts index_count(struct index *index, uint16_t shard);

#endif
