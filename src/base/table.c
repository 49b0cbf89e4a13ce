/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear hashing: W. Litwin, "Linear Hashing: a new tool for file and table addressing" (1980).
 *
 * With b buckets and 2^k the largest power of two not above b, a hash belongs to the bucket of its
 * lowest k + 1 bits, or of its lowest k bits where there is no such bucket yet.
 */
#include "base/table.h"

#include <assert.h>

/* The place of bit 31 is 31; not for 0. */
static unsigned highest_bit(uint32_t number)
{
    return 31 - (unsigned)__builtin_clz(number);
}

static unsigned segment_of(uint32_t bucket)
{
    if (bucket < TABLE_FIRST_SEGMENT)
        return 0;
    return highest_bit(bucket) - highest_bit(TABLE_FIRST_SEGMENT) + 1;
}

/* The first bucket of a segment that is not the first one; as many lie in it. */
static uint32_t segment_start(unsigned segment)
{
    return (uint32_t)TABLE_FIRST_SEGMENT << (segment - 1);
}

static size_t segment_size(unsigned segment)
{
    uint32_t buckets = segment == 0 ? TABLE_FIRST_SEGMENT : segment_start(segment);

    return buckets * sizeof(struct table_link *);
}

static struct table_link **bucket_at(const struct table *table, uint32_t bucket)
{
    unsigned segment = segment_of(bucket);

    return &table->segments[segment][segment == 0 ? bucket : bucket - segment_start(segment)];
}

static struct table_link **bucket_for(const struct table *table, uint32_t hash)
{
    uint32_t mask = (uint32_t)((UINT64_C(2) << highest_bit(table->buckets)) - 1);
    uint32_t bucket = hash & mask;

    return bucket_at(table, bucket < table->buckets ? bucket : bucket & (mask >> 1));
}

/* The bucket that shares its objects with the last one, when there are `buckets` of them. */
static uint32_t partner_of_last(uint32_t buckets)
{
    return (buckets - 1) ^ (UINT32_C(1) << highest_bit(buckets - 1));
}

static void grow(struct table *table, const struct memory *memory)
{
    unsigned segment = segment_of(table->buckets);
    struct table_link **from;

    if (segment == TABLE_SEGMENTS)
        return;
    if (!table->segments[segment]) {
        table->segments[segment] = memory_take_zeroed(memory, segment_size(segment));
        if (!table->segments[segment])
            return;
    }
    table->buckets++;
    from = bucket_at(table, partner_of_last(table->buckets));
    while (*from) {
        struct table_link *link = *from;
        struct table_link **to = bucket_for(table, link->hash);

        if (to == bucket_at(table, table->buckets - 1)) {
            *from = link->next;
            link->next = *to;
            *to = link;
        } else {
            from = &link->next;
        }
    }
}

static void shrink(struct table *table, const struct memory *memory)
{
    struct table_link **last = bucket_at(table, table->buckets - 1);
    struct table_link **to = bucket_at(table, partner_of_last(table->buckets));
    unsigned segment = segment_of(table->buckets - 1);

    while (*to)
        to = &(*to)->next;
    *to = *last;
    *last = NULL;
    table->buckets--;
    if (table->buckets == segment_start(segment)) {
        memory_give(memory, table->segments[segment], segment_size(segment));
        table->segments[segment] = NULL;
    }
}

struct table_link *table_deinit(struct table *table, const struct memory *memory)
{
    struct table_link *all = NULL;

    for (uint32_t i = 0; i < table->buckets; i++) {
        struct table_link *link = *bucket_at(table, i);

        while (link) {
            struct table_link *next = link->next;

            link->next = all;
            all = link;
            link = next;
        }
    }
    for (unsigned i = 0; i < TABLE_SEGMENTS; i++)
        memory_give(memory, table->segments[i], segment_size(i));
    table_init(table);
    return all;
}

struct table_link *table_first(const struct table *table, uint32_t hash)
{
    struct table_link *link = table->buckets > 0 ? *bucket_for(table, hash) : NULL;

    while (link && link->hash != hash)
        link = link->next;
    return link;
}

bool table_add(struct table *table, const struct memory *memory, struct table_link *link)
{
    struct table_link **bucket;

    if (table->buckets == 0) {
        table->segments[0] = memory_take_zeroed(memory, segment_size(0));
        if (!table->segments[0])
            return false;
        table->buckets = TABLE_FIRST_SEGMENT;
    }
    bucket = bucket_for(table, link->hash);
    link->next = *bucket;
    *bucket = link;
    table->count++;
    if (table->count > table->buckets)
        grow(table, memory);
    return true;
}

void table_remove(struct table *table, const struct memory *memory, struct table_link *link)
{
    struct table_link **at = bucket_for(table, link->hash);

    while (*at != link) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = link->next;
    link->next = NULL;
    table->count--;
    /* Two at a time, so that the table is small again when it is empty; and only when it is half
     * empty, so that growing and shrinking keep far apart. */
    for (int i = 0; i < 2; i++) {
        if (table->buckets > TABLE_FIRST_SEGMENT && table->count < table->buckets / 2)
            shrink(table, memory);
    }
}
