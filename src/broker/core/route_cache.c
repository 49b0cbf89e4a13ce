/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/route_cache.h"

/* One block: this, the shards' ranges, the entries without gaps, the identifiers, the topic. */
struct cached_route {
    uint64_t hash;
    uint64_t version;
    size_t size;
    struct route route;
    struct bytes topic;
    struct match_range ranges[];
};

void route_cache_init(struct route_cache *cache, const struct memory *memory, uint16_t shard_count)
{
    *cache = (struct route_cache){ .memory = *memory, .shard_count = shard_count };
}

static void forget(struct route_cache *cache, struct cached_route **slot)
{
    if (*slot)
        memory_give(&cache->memory, *slot, (*slot)->size);
    *slot = NULL;
}

void route_cache_deinit(struct route_cache *cache)
{
    if (!cache->slots)
        return;
    for (size_t i = 0; i < ROUTE_CACHE_SLOTS; i++)
        forget(cache, &cache->slots[i]);
    memory_give(&cache->memory, cache->slots, ROUTE_CACHE_SLOTS * sizeof(*cache->slots));
    cache->slots = NULL;
}

bool route_cache_find(const struct route_cache *cache, uint64_t hash, struct bytes topic,
        uint64_t version, struct route *out)
{
    const struct cached_route *cached;

    if (!cache->slots)
        return false;
    cached = cache->slots[hash % ROUTE_CACHE_SLOTS];
    if (!cached || cached->hash != hash || cached->version != version ||
            !bytes_equal(cached->topic, topic))
        return false;
    *out = cached->route;
    return true;
}

static struct cached_route *copy(
        const struct route_cache *cache, struct bytes topic, const struct matches *matches)
{
    size_t ranges_size = cache->shard_count * sizeof(struct match_range);
    size_t entries_size = matches->count * sizeof(struct match);
    size_t identifiers_size = matches->identifier_count * sizeof(uint32_t);
    size_t size = sizeof(struct cached_route) + ranges_size + entries_size + identifiers_size +
            topic.size;
    struct cached_route *cached = memory_take(&cache->memory, size);
    struct match *entries;
    uint8_t *to;
    uint32_t count = 0;

    if (!cached)
        return NULL;
    cached->size = size;
    entries = (void *)((uint8_t *)cached->ranges + ranges_size);
    for (uint16_t i = 0; i < cache->shard_count; i++) {
        const struct match_range *range = &matches->shards[i];

        cached->ranges[i] = (struct match_range){ count, range->count };
        if (range->count > 0)
            memcpy(entries + count, matches->entries + range->start,
                    range->count * sizeof(*entries));
        count += range->count;
    }
    to = (uint8_t *)entries + entries_size;
    if (identifiers_size > 0)
        memcpy(to, matches->identifiers, identifiers_size);
    memcpy(to + identifiers_size, topic.data, topic.size);
    cached->topic = bytes_of(to + identifiers_size, topic.size);
    cached->route = (struct route){ matches->count, matches->identifier_count, entries,
        (const void *)to, cached->ranges, matches->lasting };
    return cached;
}

void route_cache_keep(
        struct route_cache *cache, uint64_t hash, struct bytes topic, const struct matches *matches)
{
    struct cached_route **slot;

    if (matches->publisher_matters || matches->count > ROUTE_CACHE_TARGETS_MAX ||
            topic.size > ROUTE_CACHE_TOPIC_MAX)
        return;
    if (!cache->slots)
        cache->slots =
                memory_take_zeroed(&cache->memory, ROUTE_CACHE_SLOTS * sizeof(*cache->slots));
    if (!cache->slots)
        return;
    slot = &cache->slots[hash % ROUTE_CACHE_SLOTS];
    forget(cache, slot);
    *slot = copy(cache, topic, matches);
    if (!*slot)
        return;
    (*slot)->hash = hash;
    (*slot)->version = matches->version;
}
