/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/core/retained_stripe.h"

#include "base/list.h"

#include <assert.h>

static struct retained_entry *entry_of(struct table_link *link)
{
    return link ? container_of(link, struct retained_entry, link) : NULL;
}

/* One in four is higher than 1, one in sixteen higher than 2, and so on. The table picks buckets by
 * the lower bits. */
static unsigned entry_height(const struct retained_entry *entry)
{
    unsigned height = 1;

    for (uint32_t bits = entry->link.hash; height < RETAINED_HEIGHT_MAX && bits >> 30 == 0;
            height++)
        bits <<= 2;
    return height;
}

static size_t entry_size(const struct retained_entry *entry)
{
    return sizeof(*entry) + entry_height(entry) * sizeof(struct retained_entry *);
}

void retained_stripe_init(struct retained_stripe *stripe)
{
    *stripe = (struct retained_stripe){ .expiry_ms = INT64_MAX, .pass_expiry_ms = INT64_MAX };
    table_init(&stripe->table);
}

struct retained_entry *retained_stripe_find(
        const struct retained_stripe *stripe, uint32_t hash, struct bytes topic)
{
    struct table_link *link = table_first(&stripe->table, hash);

    while (link && !bytes_equal(message_topic(entry_of(link)->message), topic))
        link = table_next(link);
    return entry_of(link);
}

/* At each height, the pointer that leads over the bound. */
static void find_way(struct retained_stripe *stripe, const struct topic_bound *bound,
        struct retained_entry **way[RETAINED_HEIGHT_MAX])
{
    struct retained_entry **next = stripe->first;

    for (unsigned h = RETAINED_HEIGHT_MAX; h-- > 0;) {
        while (next[h] && topic_compare(message_topic(next[h]->message), bound) < 0)
            next = next[h]->next;
        way[h] = &next[h];
    }
}

struct retained_entry *retained_stripe_seek(
        const struct retained_stripe *stripe, const struct topic_bound *bound)
{
    struct retained_entry *const *next = stripe->first;

    for (unsigned h = RETAINED_HEIGHT_MAX; h-- > 0;) {
        while (next[h] && topic_compare(message_topic(next[h]->message), bound) < 0)
            next = next[h]->next;
    }
    return next[0];
}

struct retained_entry *retained_stripe_add(struct retained_stripe *stripe,
        const struct memory *memory, uint32_t hash, struct message *message)
{
    struct retained_entry form = { .link.hash = hash, .message = message, .expires_ms = INT64_MAX };
    struct retained_entry *entry = memory_take(memory, entry_size(&form));
    struct retained_entry **way[RETAINED_HEIGHT_MAX];
    struct topic_bound bound = { .head = message_topic(message) };

    if (!entry)
        return NULL;
    *entry = form;
    if (!table_add(&stripe->table, memory, &entry->link)) {
        retained_entry_free(memory, entry);
        return NULL;
    }
    find_way(stripe, &bound, way);
    for (unsigned h = 0; h < entry_height(entry); h++) {
        entry->next[h] = *way[h];
        *way[h] = entry;
    }
    return entry;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

void retained_stripe_set_expiry(
        struct retained_stripe *stripe, struct retained_entry *entry, int64_t expires_ms)
{
    entry->expires_ms = expires_ms;
    stripe->expiry_ms = earlier(stripe->expiry_ms, expires_ms);
    /* The sweep may have passed it already. */
    stripe->pass_expiry_ms = earlier(stripe->pass_expiry_ms, expires_ms);
}

void retained_stripe_remove(
        struct retained_stripe *stripe, const struct memory *memory, struct retained_entry *entry)
{
    struct retained_entry **way[RETAINED_HEIGHT_MAX];
    struct topic_bound bound = { .head = message_topic(entry->message) };

    find_way(stripe, &bound, way);
    for (unsigned h = 0; h < entry_height(entry); h++) {
        assert(*way[h] == entry);
        *way[h] = entry->next[h];
    }
    if (stripe->sweep == entry)
        stripe->sweep = entry->next[0];
    table_remove(&stripe->table, memory, &entry->link);
}

struct retained_entry *retained_stripe_sweep(
        struct retained_stripe *stripe, const struct memory *memory, int64_t now_ms, size_t limit)
{
    struct retained_entry *expired = NULL;

    if (!stripe->sweep) {
        stripe->sweep = stripe->first[0];
        stripe->pass_expiry_ms = INT64_MAX;
    }
    for (; stripe->sweep && limit > 0; limit--) {
        struct retained_entry *entry = stripe->sweep;

        stripe->sweep = entry->next[0];
        if (entry->expires_ms <= now_ms) {
            retained_stripe_remove(stripe, memory, entry);
            retained_entry_push(&expired, entry);
        } else {
            stripe->pass_expiry_ms = earlier(stripe->pass_expiry_ms, entry->expires_ms);
        }
    }
    if (!stripe->sweep)
        stripe->expiry_ms = stripe->pass_expiry_ms;
    return expired;
}

struct retained_entry *retained_stripe_clear(
        struct retained_stripe *stripe, const struct memory *memory)
{
    struct retained_entry *all = entry_of(table_deinit(&stripe->table, memory));

    retained_stripe_init(stripe);
    return all;
}

void retained_entry_push(struct retained_entry **chain, struct retained_entry *entry)
{
    entry->link.next = *chain ? &(*chain)->link : NULL;
    *chain = entry;
}

struct retained_entry *retained_entry_pop(struct retained_entry **chain)
{
    struct retained_entry *entry = *chain;

    if (entry)
        *chain = entry_of(entry->link.next);
    return entry;
}

struct retained_entry *retained_entry_next(const struct retained_entry *entry)
{
    return entry_of(entry->link.next);
}

void retained_entry_free(const struct memory *memory, struct retained_entry *entry)
{
    memory_give(memory, entry, entry_size(entry));
}
