/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/index.h"

#include "base/list.h"
#include "base/table.h"
#include "mqtt/topic.h"

#include <assert.h>
#include <stdatomic.h>

/*
 * A node is one level of a filter; the way to it from the root is the filter up to there. It exists
 * while it has a subscriber or a child. Nodes of plain levels are found in one table for the whole
 * trie, by their parent and level; the two wildcards, asked for at every step, hang on the parent.
 */
struct index_node {
    struct table_link link; /* its hash tells the whole way to it */
    struct index_node *parent;
    struct index_node *any;  /* its child '+' */
    struct index_node *rest; /* its child '#' */
    struct subscribers *subscribers;
    uint32_t children;
    uint16_t level_size;
    uint8_t level[];
};

struct index {
    struct memory memory;
    struct locks locks;
    struct hash_key key;
    struct table nodes;
    struct index_node *root; /* stands before the first level */
    struct index_counts counts;
    _Atomic uint64_t version; /* written in write sections alone; any thread may read it */
    unsigned section_changes;
    bool writing;
    uint16_t shard_count;
    void *shard_locks[];
};

static struct index_node *node_of(struct table_link *link)
{
    return link ? container_of(link, struct index_node, link) : NULL;
}

static struct bytes node_level(const struct index_node *node)
{
    return bytes_of(node->level, node->level_size);
}

/* Release: who sees the new number finds, under a lock or not, that the old answer is stale. */
static void count_version(struct index *index)
{
    uint64_t version = atomic_load_explicit(&index->version, memory_order_relaxed);

    atomic_store_explicit(&index->version, version + 1, memory_order_release);
}

/* ---- One step down and up ---- */

static uint64_t level_hash(const struct index *index, struct bytes level)
{
    return hash_bytes(&index->key, level);
}

static uint32_t child_hash(const struct index_node *parent, uint64_t hash_of_level)
{
    return (uint32_t)hash_mix(hash_of_level + parent->link.hash);
}

static struct index_node *find_plain_child(const struct index *index,
        const struct index_node *parent, struct bytes level, uint64_t hash_of_level)
{
    struct table_link *link = table_first(&index->nodes, child_hash(parent, hash_of_level));

    for (; link; link = table_next(link)) {
        struct index_node *node = node_of(link);

        if (node->parent == parent && bytes_equal(node_level(node), level))
            return node;
    }
    return NULL;
}

/* Where a parent keeps the child of a wildcard level; NULL for a plain level. */
static struct index_node **wildcard_place(struct index_node *parent, struct bytes level)
{
    if (level.size != 1)
        return NULL;
    return level.data[0] == '+' ? &parent->any : level.data[0] == '#' ? &parent->rest : NULL;
}

static struct index_node *find_child(
        const struct index *index, struct index_node *parent, struct bytes level)
{
    struct index_node **place = wildcard_place(parent, level);

    return place ? *place : find_plain_child(index, parent, level, level_hash(index, level));
}

/* A short level fits in what would be padding at the end. */
static size_t node_size(size_t level_size)
{
    size_t size = offsetof(struct index_node, level) + level_size;

    return size < sizeof(struct index_node) ? sizeof(struct index_node) : size;
}

static struct index_node *node_new(struct index *index, struct bytes level)
{
    struct index_node *node = memory_take(&index->memory, node_size(level.size));

    assert(level.size <= UINT16_MAX);
    if (!node)
        return NULL;
    *node = (struct index_node){ .level_size = (uint16_t)level.size };
    if (level.size > 0)
        memcpy(node->level, level.data, level.size);
    return node;
}

static void node_free(struct index *index, struct index_node *node)
{
    subscribers_clear(&node->subscribers, &index->memory);
    memory_give(&index->memory, node, node_size(node->level_size));
}

/* NULL when memory is short. */
static struct index_node *add_child(
        struct index *index, struct index_node *parent, struct bytes level)
{
    struct index_node **place = wildcard_place(parent, level);
    struct index_node *node = node_new(index, level);

    if (!node)
        return NULL;
    node->parent = parent;
    node->link.hash = child_hash(parent, level_hash(index, level));
    if (place) {
        *place = node;
    } else if (!table_add(&index->nodes, &index->memory, &node->link)) {
        node_free(index, node);
        return NULL;
    }
    parent->children++;
    index->counts.nodes++;
    return node;
}

/* Frees the node, and then its parents, as far as they have become empty. */
static void prune(struct index *index, struct index_node *node)
{
    while (node != index->root && node->children == 0 && !node->subscribers) {
        struct index_node *parent = node->parent;
        struct index_node **place = wildcard_place(parent, node_level(node));

        assert(parent); /* Only the root has none. */
        if (place)
            *place = NULL;
        else
            table_remove(&index->nodes, &index->memory, &node->link);
        parent->children--;
        index->counts.nodes--;
        node_free(index, node);
        node = parent;
    }
}

/* ---- Life ---- */

static size_t index_size(uint16_t shard_count)
{
    return sizeof(struct index) + shard_count * sizeof(void *);
}

struct index *index_new(const struct index_setup *setup)
{
    struct index *index = memory_take_zeroed(&setup->memory, index_size(setup->shard_count));

    assert(setup->shard_count > 0);
    if (!index)
        return NULL;
    index->memory = setup->memory;
    index->locks = setup->locks;
    index->key = setup->key;
    index->shard_count = setup->shard_count;
    table_init(&index->nodes);
    index->root = node_new(index, BYTES(""));
    for (uint16_t i = 0; i < index->shard_count; i++) {
        index->shard_locks[i] = lock_create(&index->locks);
        if (!index->shard_locks[i] || !index->root) {
            index_free(index);
            return NULL;
        }
    }
    return index;
}

/* Frees everything below the root: a step down while there is a wildcard, else a step up. The plain
 * nodes are freed through the table, where no order is needed. */
static void free_wildcards_below(struct index *index, struct index_node *top)
{
    struct index_node *node = top;

    for (;;) {
        struct index_node *parent = node->parent;

        if (node->any) {
            node = node->any;
        } else if (node->rest) {
            node = node->rest;
        } else if (node == top) {
            return;
        } else {
            *wildcard_place(parent, node_level(node)) = NULL;
            node_free(index, node);
            node = parent;
        }
    }
}

void index_free(struct index *index)
{
    struct memory memory;
    struct table_link *link;

    if (!index)
        return;
    memory = index->memory;
    link = table_deinit(&index->nodes, &memory);
    while (link) {
        struct index_node *node = node_of(link);

        link = link->next;
        free_wildcards_below(index, node);
        node_free(index, node);
    }
    if (index->root) {
        free_wildcards_below(index, index->root);
        node_free(index, index->root);
    }
    for (uint16_t i = 0; i < index->shard_count; i++)
        lock_destroy(&index->locks, index->shard_locks[i]);
    memory_give(&memory, index, index_size(index->shard_count));
}

/* ---- Changes ---- */

void index_write_begin(struct index *index)
{
    for (uint16_t i = 0; i < index->shard_count; i++)
        lock_acquire(&index->locks, index->shard_locks[i]);
    assert(!index->writing);
    index->writing = true;
    index->section_changes = 0;
}

void index_write_end(struct index *index)
{
    assert(index->writing);
    index->writing = false;
    for (uint16_t i = index->shard_count; i > 0; i--)
        lock_release(&index->locks, index->shard_locks[i - 1]);
}

static void count_change(struct index *index)
{
    assert(index->writing);
    assert(index->section_changes < INDEX_BATCH_MAX);
    index->section_changes++;
}

static uint64_t *counter_of(struct index *index, const struct target *target)
{
    return target->flags & TARGET_GROUP ? &index->counts.groups : &index->counts.subscriptions;
}

enum index_result index_add(
        struct index *index, struct bytes filter, const struct subscriber *subscriber)
{
    static const enum index_result results[] = {
        [SUBSCRIBERS_ADDED] = INDEX_ADDED,
        [SUBSCRIBERS_REPLACED] = INDEX_REPLACED,
        [SUBSCRIBERS_NO_MEMORY] = INDEX_NO_MEMORY,
    };
    enum subscribers_result result = SUBSCRIBERS_NO_MEMORY;
    struct index_node *node = index->root;
    struct index_node *child = node;
    struct bytes rest = filter;
    struct bytes level;

    count_change(index);
    assert(subscriber->target.shard < index->shard_count);
    while (child && mqtt_topic_level_next(&rest, &level)) {
        child = find_child(index, node, level);
        if (!child)
            child = add_child(index, node, level);
        if (child)
            node = child;
    }
    if (child)
        result = subscribers_add(&node->subscribers, &index->memory, subscriber);
    if (result == SUBSCRIBERS_ADDED)
        ++*counter_of(index, &subscriber->target);
    if (result == SUBSCRIBERS_NO_MEMORY)
        prune(index, node);
    else
        count_version(index);
    return results[result];
}

bool index_remove(struct index *index, struct bytes filter, const struct target *target)
{
    struct index_node *node = index->root;
    struct bytes rest = filter;
    struct bytes level;

    count_change(index);
    while (node && mqtt_topic_level_next(&rest, &level))
        node = find_child(index, node, level);
    if (!node || !subscribers_remove(&node->subscribers, &index->memory, target))
        return false;
    --*counter_of(index, target);
    count_version(index);
    prune(index, node);
    return true;
}

void index_leave(struct index *index, struct bytes filter, const struct target *target)
{
    index_write_begin(index);
    index_remove(index, filter, target);
    index_write_end(index);
}

/* ---- Matching ---- */

static bool append(const struct memory *memory, struct array *pointers, void *pointer)
{
    if (!array_reserve(pointers, memory, sizeof(void *), pointers->count + 1))
        return false;
    ((void **)pointers->items)[pointers->count++] = pointer;
    return true;
}

static bool append_subscribers(struct matches *out, const struct index_node *node)
{
    return !node || !node->subscribers || append(&out->memory, &out->sets, node->subscribers);
}

/* Follows every node of out->nodes by one level; its '#' matches whatever comes. */
static bool follow(const struct index *index, struct matches *out, struct bytes level, bool wild)
{
    uint64_t hash = level_hash(index, level);
    struct array reached = out->followers;

    reached.count = 0;
    for (size_t i = 0; i < out->nodes.count; i++) {
        struct index_node *node = ((struct index_node **)out->nodes.items)[i];
        struct index_node *child = find_plain_child(index, node, level, hash);

        if ((child && !append(&out->memory, &reached, child)) ||
                (wild && node->any && !append(&out->memory, &reached, node->any)) ||
                (wild && !append_subscribers(out, node->rest))) {
            out->followers = reached;
            return false;
        }
    }
    out->followers = out->nodes;
    out->nodes = reached;
    return true;
}

/* Gathers in out->sets the subscribers of all filters that match. */
static bool gather(const struct index *index, struct bytes topic, struct matches *out)
{
    /* [MQTT5-4.7.2-1]: no wildcard at the first level stands for what begins with '$'. */
    bool wild = topic.size == 0 || topic.data[0] != '$';
    struct bytes rest = topic;
    struct bytes level;

    out->sets.count = 0;
    out->nodes.count = 0;
    if (!append(&out->memory, &out->nodes, index->root))
        return false;
    while (out->nodes.count > 0 && mqtt_topic_level_next(&rest, &level)) {
        if (!follow(index, out, level, wild))
            return false;
        wild = true;
    }
    for (size_t i = 0; i < out->nodes.count; i++) {
        struct index_node *node = ((struct index_node **)out->nodes.items)[i];

        /* '#' includes the level above it. */
        if (!append_subscribers(out, node) || !append_subscribers(out, node->rest))
            return false;
    }
    return true;
}

bool index_match(struct index *index, uint16_t shard, const struct publication *publication,
        struct matches *out)
{
    bool whole;

    assert(shard < index->shard_count);
    assert(out->shard_count == index->shard_count);
    lock_acquire(&index->locks, index->shard_locks[shard]);
    whole = gather(index, publication->topic, out);
    if (!whole)
        out->sets.count = 0;
    whole = matches_merge(out, publication) && whole;
    out->version = index_version(index);
    lock_release(&index->locks, index->shard_locks[shard]);
    return whole;
}

uint64_t index_version(const struct index *index)
{
    /* Without the lock: who finds the old number while a change is being made came before it.
     * Acquire: a change that one was told of, by mail or a client, has been released before. */
    return atomic_load_explicit(&index->version, memory_order_acquire);
}

struct index_counts index_count(struct index *index, uint16_t shard)
{
    struct index_counts counts;

    lock_acquire(&index->locks, index->shard_locks[shard]);
    counts = index->counts;
    lock_release(&index->locks, index->shard_locks[shard]);
    return counts;
}
