/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/wish.h"

#include "broker/shard.h"

#include <assert.h>

/* The store answers a long list in parts: a wish is one of them. */
struct wish {
    struct shard *shard;
    struct wish *before; /* the parts that came earlier, the last of them first */
    struct store_fetch fetch;
    struct errand errand;
    struct target who;
    bool is_kept;   /* for a part that is to come */
    size_t size;    /* of this block */
    uint64_t ids[]; /* of fetch.ids */
};

static enum errand_state run(struct errand *errand, struct shard *shard);

static void free_wish(struct wish *wish)
{
    while (wish) {
        struct wish *before = wish->before;

        store_fetch_release(&wish->fetch);
        memory_give(&wish->shard->memory, wish, wish->size);
        wish = before;
    }
}

static void give_back(struct errand *errand)
{
    struct wish *wish = container_of(errand, struct wish, errand);

    if (!wish->is_kept)
        free_wish(wish);
}

/* On a thread of the store. */
static void hand_on(struct store_fetch *fetch)
{
    struct wish *wish = container_of(fetch, struct wish, fetch);

    shard_ask(wish->shard, &wish->errand);
}

/* One with room for so many ids; NULL when memory is short. */
static struct wish *make_wish(
        struct shard *shard, const struct target *who, uint64_t queue, uint32_t id_count)
{
    size_t size = sizeof(struct wish) + id_count * sizeof(uint64_t);
    struct wish *wish = memory_take(&shard->memory, size);

    if (!wish)
        return NULL;
    *wish = (struct wish){
        .shard = shard,
        .errand = { .run = run, .done = give_back },
        .who = *who,
        .size = size,
        .fetch = { .queue = queue, .done = hand_on },
    };
    if (id_count > 0)
        wish->fetch.ids = wish->ids;
    return wish;
}

/* ---- Answers ---- */

/* Adds the parts' items, the first part's first. Returns how many there are. */
static uint32_t collect(const struct wish *wish, struct storage_item items[STORAGE_WISH_MAX])
{
    uint32_t count = wish->before ? collect(wish->before, items) : 0;

    for (uint32_t i = 0; i < wish->fetch.item_count; i++) {
        const struct store_item *item = &wish->fetch.items[i];

        assert(count < STORAGE_WISH_MAX);
        items[count++] = (struct storage_item){ item->id, item->tag, item->note, item->body };
    }
    return count;
}

static void answer(struct core *core, const struct wish *wish, bool failed, int64_t now_ms)
{
    struct storage_item items[STORAGE_WISH_MAX];
    struct storage_answer told = {
        .who = wish->who,
        .queue = wish->fetch.queue,
        .failed = failed,
        .items = items,
        .count = failed ? 0 : collect(wish, items),
        .complete = wish->fetch.complete,
    };

    core_fetched(core, &told, now_ms);
}

/* Asks for those of a list that are still to come. False when memory is short, or none would. */
static bool ask_for_rest(struct shard *shard, struct wish *wish)
{
    const struct store_fetch *fetch = &wish->fetch;
    uint64_t last = fetch->item_count > 0 ? fetch->items[fetch->item_count - 1].id : UINT64_MAX;
    struct wish *next = make_wish(shard, &wish->who, fetch->queue, fetch->id_count);

    if (!next)
        return false;
    for (uint32_t i = 0; i < fetch->id_count; i++) {
        if (fetch->ids[i] > last)
            next->ids[next->fetch.id_count++] = fetch->ids[i];
    }
    if (next->fetch.id_count == 0) {
        free_wish(next);
        return false;
    }
    next->before = wish;
    wish->is_kept = true;
    store_fetch(shard->group->persistence->store, &next->fetch);
    return true;
}

static enum errand_state run(struct errand *errand, struct shard *shard)
{
    struct wish *wish = container_of(errand, struct wish, errand);
    bool failed = wish->fetch.result < 0;

    if (shard->has_ended) /* One that comes too late only gives its memory back. */
        return ERRAND_DONE;
    if (!failed && wish->fetch.ids && !wish->fetch.complete) {
        if (ask_for_rest(shard, wish))
            return ERRAND_DONE;
        failed = true;
    }
    answer(shard->core, wish, failed, shard->now_ms);
    return ERRAND_DONE;
}

bool wish_ask(struct shard *shard, const struct storage_wish *asked)
{
    struct wish *wish = make_wish(shard, &asked->who, asked->queue, asked->ids ? asked->count : 0);

    if (!wish)
        return false;
    if (asked->ids) {
        memcpy(wish->ids, asked->ids, asked->count * sizeof(*asked->ids));
        wish->fetch.id_count = asked->count;
    } else {
        wish->fetch.after = asked->after;
        wish->fetch.before = asked->before;
        wish->fetch.count_max = asked->count;
    }
    store_fetch(shard->group->persistence->store, &wish->fetch);
    return true;
}
