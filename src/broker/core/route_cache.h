/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembers who gets a topic's messages, so that the index is asked once per topic and change.
 *
 * Direct-mapped by the topic's hash: a new topic takes the place of an older one. A route counts as
 * long as the index has not changed (matches->version). Only what is the same for every publisher
 * is remembered: no result in which a No Local subscription had a say.
 */
#ifndef BROKER_CORE_ROUTE_CACHE_H
#define BROKER_CORE_ROUTE_CACHE_H

#include "broker/core/matches.h"

enum {
    ROUTE_CACHE_SLOTS = 1024,
    ROUTE_CACHE_TARGETS_MAX = 1024, /* of one route; a larger one is not remembered */
    ROUTE_CACHE_TOPIC_MAX = 1024,   /* bytes of the topic */
};

/* A result of matching, wherever it lies. */
struct route {
    uint32_t count;
    uint32_t identifier_count;
    const struct match *entries;
    const uint32_t *identifiers;
    const struct match_range *shards;
    bool lasting; /* as that of matches */
};

static inline struct route route_of(const struct matches *matches)
{
    return (struct route){ matches->count, matches->identifier_count, matches->entries,
        matches->identifiers, matches->shards, matches->lasting };
}

static inline const uint32_t *route_identifiers(
        const struct route *route, const struct match *entry)
{
    return entry->identifier_count > 1 ? route->identifiers + entry->identifier
                                       : &entry->identifier;
}

struct cached_route;

struct route_cache {
    struct memory memory;
    uint16_t shard_count;
    struct cached_route **slots; /* NULL until the first one is kept */
};

void route_cache_init(struct route_cache *cache, const struct memory *memory, uint16_t shard_count);
void route_cache_deinit(struct route_cache *cache);

/* True when the topic's route of that version is known; it is good until the next keep. */
bool route_cache_find(const struct route_cache *cache, uint64_t hash, struct bytes topic,
        uint64_t version, struct route *out);

/* Keeps a copy; without memory, it does not. */
void route_cache_keep(struct route_cache *cache, uint64_t hash, struct bytes topic,
        const struct matches *matches);

#endif
