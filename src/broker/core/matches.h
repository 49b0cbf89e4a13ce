/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets a publication: one entry for each session or group, grouped by home shard.
 *
 * Where several subscriptions of one target match, they become one entry: the highest of their QoS,
 * all of their identifiers, and RETAIN kept as published if any of them asks for that (MQTT 5.0
 * §3.3.4 asks for the first two and leaves the third open).
 *
 * An object of this kind is reused from match to match and keeps its arrays, which grow to the
 * largest match so far; then it takes no memory any more.
 */
#ifndef BROKER_CORE_MATCHES_H
#define BROKER_CORE_MATCHES_H

#include "base/array.h"
#include "base/bytes.h"
#include "base/memory.h"
#include "broker/core/subscribers.h"

struct match {
    uint64_t queue; /* of a target that outlives the process; 0: it does not */
    struct target target;
    uint8_t qos;
    bool retain_as_published;
    uint32_t identifier_count;
    uint32_t identifier; /* the one; or where several start in matches->identifiers */
};

struct match_range {
    uint32_t start;
    uint32_t count;
};

struct matches {
    /* The result, good until the next match. */
    uint64_t version;           /* of the index, as index_version() tells it */
    bool lasting;               /* an entry has a queue that outlives the process */
    bool publisher_matters;     /* a subscription with No Local matches the topic */
    uint32_t count;             /* of entries in all */
    uint32_t identifier_count;  /* used in `identifiers` */
    struct match *entries;      /* with gaps between the shards' */
    uint32_t *identifiers;      /* of those entries that have several */
    struct match_range *shards; /* one for each shard: where its entries are */

    /* What the matcher needs meanwhile. */
    struct memory memory;
    uint16_t shard_count;
    struct array entry_space;
    struct array identifier_space;
    struct array sets;      /* struct subscribers *: of the filters that match */
    struct array nodes;     /* struct index_node *: what matches the topic so far */
    struct array followers; /* the same, with one level more */
    struct array positions; /* uint32_t: where in entries a target is */
    struct array pairs;     /* the identifiers of merged entries */
};

/* False when memory is short; nothing to deinit then. The table is copied. */
bool matches_init(struct matches *matches, const struct memory *memory, uint16_t shard_count);

void matches_deinit(struct matches *matches);

/* The identifiers of an entry of this result: entry->identifier_count of them, in no order. */
static inline const uint32_t *match_identifiers(
        const struct matches *matches, const struct match *entry)
{
    return entry->identifier_count > 1 ? matches->identifiers + entry->identifier
                                       : &entry->identifier;
}

/* What is published, as far as it decides who gets it. */
struct publication {
    struct bytes topic;
    const struct target
            *publisher; /* whose own No Local subscriptions do not match; NULL: nobody */
    uint64_t revision;  /* subscriptions with this retained_from or a later one do not
                                       match; 0: it is not retained, and all do */
};

/* For the index alone: makes the result from matches->sets. False when memory is short; it is empty
 * then. */
bool matches_merge(struct matches *matches, const struct publication *publication);

#endif
