/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/wills.h"

struct kept_will {
    struct gateway_will will;
    struct list node;
    int64_t ends_ms;
};

static struct bytes key_of(const void *kept)
{
    return gateway_said_id(((const struct kept_will *)kept)->will.said);
}

void gateway_wills_init(struct gateway_wills *wills, struct hash_key key)
{
    *wills = (struct gateway_wills){ .key = key };
    list_init(&wills->kept);
    map_init(&wills->table, key_of);
}

void gateway_will_reset(struct gateway_will *will, const struct memory *memory)
{
    gateway_said_free(will->said, memory);
    gateway_topics_deinit(&will->topics, memory);
    will->said = NULL;
}

static struct kept_will *oldest(const struct gateway_wills *wills)
{
    return list_empty(&wills->kept) ? NULL : container_of(wills->kept.next, struct kept_will, node);
}

/* What it has is the caller's then. */
static struct gateway_will remove_kept(
        struct gateway_wills *wills, const struct memory *memory, struct kept_will *kept)
{
    struct gateway_will will = kept->will;

    map_remove(&wills->table, memory, hash_bytes(&wills->key, key_of(kept)), kept);
    list_remove(&kept->node);
    memory_give(memory, kept, sizeof(*kept));
    return will;
}

static void drop(struct gateway_wills *wills, const struct memory *memory, struct kept_will *kept)
{
    struct gateway_will will = remove_kept(wills, memory, kept);

    gateway_will_reset(&will, memory);
}

void gateway_wills_deinit(struct gateway_wills *wills, const struct memory *memory)
{
    struct kept_will *kept;

    while ((kept = oldest(wills)))
        drop(wills, memory, kept);
    map_deinit(&wills->table, memory);
}

void gateway_wills_tick(struct gateway_wills *wills, const struct memory *memory, int64_t now_ms)
{
    struct kept_will *kept;

    while ((kept = oldest(wills)) && kept->ends_ms <= now_ms)
        drop(wills, memory, kept);
}

/* NULL when memory is short; then what the Will has is freed. */
static struct kept_will *add(
        struct gateway_wills *wills, const struct memory *memory, struct gateway_will will)
{
    struct kept_will *kept = memory_take(memory, sizeof(*kept));

    if (kept) {
        *kept = (struct kept_will){ .will = will };
        if (map_add(&wills->table, memory, hash_bytes(&wills->key, key_of(kept)), kept)) {
            list_append(&wills->kept, &kept->node);
            return kept;
        }
    }
    memory_give(memory, kept, sizeof(*kept));
    gateway_will_reset(&will, memory);
    return NULL;
}

bool gateway_wills_keep(struct gateway_wills *wills, const struct memory *memory,
        struct gateway_will will, uint32_t lasts_s, int64_t now_ms)
{
    struct bytes id = gateway_said_id(will.said);
    struct gateway_will before = gateway_wills_take(wills, memory, id, now_ms);
    struct kept_will *kept;
    bool is_full;

    gateway_will_reset(&before, memory);
    gateway_wills_tick(wills, memory, now_ms);
    is_full = wills->table.count == GATEWAY_WILLS_MAX;
    if (is_full)
        drop(wills, memory, oldest(wills));
    kept = add(wills, memory, will);
    if (!kept)
        return false;
    if (lasts_s > GATEWAY_WILL_KEPT_MAX_S)
        lasts_s = GATEWAY_WILL_KEPT_MAX_S;
    kept->ends_ms = now_ms + INT64_C(1000) * lasts_s;
    return !is_full;
}

struct gateway_will gateway_wills_take(
        struct gateway_wills *wills, const struct memory *memory, struct bytes id, int64_t now_ms)
{
    struct kept_will *kept = map_find(&wills->table, hash_bytes(&wills->key, id), id);

    if (kept && kept->ends_ms > now_ms)
        return remove_kept(wills, memory, kept);
    if (kept)
        drop(wills, memory, kept);
    return (struct gateway_will){ 0 };
}
