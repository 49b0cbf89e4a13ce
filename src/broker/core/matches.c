/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/matches.h"

#include <assert.h>

/* A free place in the table of positions; an entry without room for its identifiers yet. */
static const uint32_t NOT_YET = UINT32_MAX;

struct pair {
    uint32_t position; /* of an entry with several identifiers */
    uint32_t identifier;
};

static_assert(sizeof(struct match) == 32, "they are mailed by the thousand");

bool matches_init(struct matches *matches, const struct memory *memory, uint16_t shard_count)
{
    struct match_range *shards = memory_take_zeroed(memory, shard_count * sizeof(*shards));

    if (!shards)
        return false;
    *matches = (struct matches){ .memory = *memory, .shard_count = shard_count, .shards = shards };
    return true;
}

void matches_deinit(struct matches *matches)
{
    const struct memory *memory = &matches->memory;

    array_deinit(&matches->entry_space, memory, sizeof(struct match));
    array_deinit(&matches->identifier_space, memory, sizeof(uint32_t));
    array_deinit(&matches->sets, memory, sizeof(struct subscribers *));
    array_deinit(&matches->nodes, memory, sizeof(struct index_node *));
    array_deinit(&matches->followers, memory, sizeof(struct index_node *));
    array_deinit(&matches->positions, memory, sizeof(uint32_t));
    array_deinit(&matches->pairs, memory, sizeof(struct pair));
    memory_give(memory, matches->shards, matches->shard_count * sizeof(*matches->shards));
}

static void make_empty(struct matches *matches)
{
    matches->lasting = false;
    matches->publisher_matters = false;
    matches->count = 0;
    matches->identifier_count = 0;
    matches->pairs.count = 0;
    memset(matches->shards, 0, matches->shard_count * sizeof(*matches->shards));
}

/*
 * Puts the largest set last, for its targets need not be remembered: none of them comes again. So
 * where one set is large and the others small, or there is only one, merging costs next to nothing.
 * Returns how many subscribers there are before the largest set.
 */
static size_t put_largest_last(struct matches *matches)
{
    struct subscribers **sets = matches->sets.items;
    size_t last = matches->sets.count - 1;
    size_t before = 0;

    for (size_t i = 0; i < last; i++) {
        if (sets[i]->count > sets[last]->count) {
            struct subscribers *larger = sets[i];

            sets[i] = sets[last];
            sets[last] = larger;
        }
        before += sets[i]->count;
    }
    return before;
}

/* Gives each shard's entries room for all its subscribers, even if none of them are one target. */
static void lay_out_shards(struct matches *matches)
{
    struct subscribers **sets = matches->sets.items;
    uint32_t start = 0;

    if (matches->shard_count == 1)
        return;
    for (size_t i = 0; i < matches->sets.count; i++) {
        for (uint32_t k = 0; k < sets[i]->count; k++)
            matches->shards[sets[i]->items[k].target.shard].count++;
    }
    for (uint16_t shard = 0; shard < matches->shard_count; shard++) {
        uint32_t count = matches->shards[shard].count;

        matches->shards[shard] = (struct match_range){ .start = start };
        start += count;
    }
}

/* Makes an empty table of positions for so many targets: twice the places, a power of two. */
static bool clear_positions(struct matches *matches, size_t targets)
{
    size_t count = targets > 0 ? 16 : 0;

    while (count < 2 * targets)
        count *= 2;
    if (!array_reserve(&matches->positions, &matches->memory, sizeof(uint32_t), count))
        return false;
    matches->positions.count = count;
    if (count > 0)
        memset(matches->positions.items, 0xff, count * sizeof(uint32_t));
    return true;
}

/* The place that tells where the target's entry is, or the free one where that would be told. */
static uint32_t *find_position(const struct matches *matches, const struct target *target)
{
    uint32_t *positions = matches->positions.items;
    uint32_t mask = (uint32_t)matches->positions.count - 1;
    uint32_t place = target_hash(target) & mask;

    while (positions[place] != NOT_YET &&
            !target_equal(&matches->entries[positions[place]].target, target))
        place = (place + 1) & mask;
    return &positions[place];
}

static bool keep_pair(struct matches *matches, uint32_t position, uint32_t identifier)
{
    struct array *pairs = &matches->pairs;

    if (!array_reserve(pairs, &matches->memory, sizeof(struct pair), pairs->count + 1))
        return false;
    ((struct pair *)pairs->items)[pairs->count++] = (struct pair){ position, identifier };
    return true;
}

static bool add_identifier(struct matches *matches, uint32_t position, uint32_t identifier)
{
    struct match *entry = &matches->entries[position];

    if (entry->identifier_count == 0) {
        entry->identifier = identifier;
    } else {
        if (entry->identifier_count == 1 && !keep_pair(matches, position, entry->identifier))
            return false;
        if (!keep_pair(matches, position, identifier))
            return false;
        entry->identifier = NOT_YET;
    }
    entry->identifier_count++;
    return true;
}

static uint32_t add_entry(struct matches *matches, const struct subscriber *subscriber)
{
    struct match_range *range = &matches->shards[subscriber->target.shard];
    uint32_t position = range->start + range->count++;

    matches->lasting |= subscriber->queue != 0;
    matches->entries[position] = (struct match){
        .queue = subscriber->queue,
        .target = subscriber->target,
        .qos = subscriber->qos,
        .retain_as_published = subscriber->retain_as_published,
        .identifier_count = subscriber->identifier > 0,
        .identifier = subscriber->identifier,
    };
    matches->count++;
    return position;
}

static bool merge_into_entry(
        struct matches *matches, uint32_t position, const struct subscriber *subscriber)
{
    struct match *entry = &matches->entries[position];

    if (entry->qos < subscriber->qos)
        entry->qos = subscriber->qos;
    if (subscriber->retain_as_published)
        entry->retain_as_published = true;
    return subscriber->identifier == 0 || add_identifier(matches, position, subscriber->identifier);
}

static bool wants(const struct subscriber *subscriber, const struct publication *publication)
{
    if (subscriber->no_local && publication->publisher &&
            target_equal(&subscriber->target, publication->publisher))
        return false;
    return publication->revision == 0 || subscriber->retained_from < publication->revision;
}

/* `remember`: targets of this set may come again in a later one. */
static bool merge_set(struct matches *matches, const struct subscribers *set,
        const struct publication *publication, bool remember)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct subscriber *subscriber = &set->items[i];
        uint32_t *known = NULL;

        if (subscriber->no_local)
            matches->publisher_matters = true;
        if (!wants(subscriber, publication))
            continue;
        if (matches->positions.count > 0)
            known = find_position(matches, &subscriber->target);
        if (known && *known != NOT_YET) {
            if (!merge_into_entry(matches, *known, subscriber))
                return false;
        } else {
            uint32_t position = add_entry(matches, subscriber);

            if (remember)
                *known = position;
        }
    }
    return true;
}

/* Lays the identifiers of each entry that has several side by side. */
static bool lay_out_identifiers(struct matches *matches)
{
    const struct pair *pairs = matches->pairs.items;
    size_t count = matches->pairs.count;

    if (!array_reserve(&matches->identifier_space, &matches->memory, sizeof(uint32_t), count))
        return false;
    matches->identifiers = matches->identifier_space.items;
    for (size_t i = 0; i < count; i++) {
        struct match *entry = &matches->entries[pairs[i].position];

        if (entry->identifier == NOT_YET) {
            matches->identifier_count += entry->identifier_count;
            entry->identifier = matches->identifier_count;
        }
        /* Filled from its end, it points to its start when all are in. */
        matches->identifiers[--entry->identifier] = pairs[i].identifier;
    }
    return true;
}

static bool merge_all(struct matches *matches, const struct publication *publication)
{
    struct subscribers **sets = matches->sets.items;
    size_t last = matches->sets.count - 1;
    size_t before = put_largest_last(matches);

    if (!array_reserve(&matches->entry_space, &matches->memory, sizeof(struct match),
                before + sets[last]->count) ||
            !clear_positions(matches, before))
        return false;
    matches->entries = matches->entry_space.items;
    lay_out_shards(matches);
    for (size_t i = 0; i <= last; i++) {
        if (!merge_set(matches, sets[i], publication, i < last))
            return false;
    }
    return lay_out_identifiers(matches);
}

bool matches_merge(struct matches *matches, const struct publication *publication)
{
    make_empty(matches);
    if (matches->sets.count == 0 || merge_all(matches, publication))
        return true;
    make_empty(matches);
    return false;
}
