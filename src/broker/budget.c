/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/budget.h"

#include "broker/config/option.h"
#include "loop/ram.h"

#include <stdlib.h>

/* All atomics here are relaxed: they are sums, and no other memory is ordered by them. */

int64_t budget_of_setting(uint64_t setting)
{
    return setting == OPTION_BYTES_AUTO ? ram_size() / 4 * 3 : (int64_t)setting;
}

void budget_init(struct budget *budget, int64_t limit_bytes)
{
    atomic_init(&budget->limit, limit_bytes);
    atomic_init(&budget->reserved, 0);
    atomic_init(&budget->reserved_max, 0);
    atomic_init(&budget->is_short, false);
    depot_init(&budget->depot);
}

void budget_deinit(struct budget *budget)
{
    depot_deinit(&budget->depot);
}

void budget_limit(struct budget *budget, int64_t limit_bytes)
{
    atomic_store_explicit(&budget->limit, limit_bytes, memory_order_relaxed);
}

bool budget_is_short(struct budget *budget)
{
    int64_t tenth = atomic_load_explicit(&budget->limit, memory_order_relaxed) / 10;
    int64_t reserved = atomic_load_explicit(&budget->reserved, memory_order_relaxed);
    bool was_short = atomic_load_explicit(&budget->is_short, memory_order_relaxed);
    bool is_short = tenth > 0 && reserved > tenth * (was_short ? 8 : 9);

    if (is_short != was_short)
        atomic_store_explicit(&budget->is_short, is_short, memory_order_relaxed);
    return is_short;
}

int64_t budget_limit_bytes(const struct budget *budget)
{
    return atomic_load_explicit(&budget->limit, memory_order_relaxed);
}

int64_t budget_maximum(const struct budget *budget)
{
    return atomic_load_explicit(&budget->reserved_max, memory_order_relaxed);
}

static void note_maximum(struct budget *budget, int64_t reserved)
{
    int64_t most = atomic_load_explicit(&budget->reserved_max, memory_order_relaxed);

    while (reserved > most &&
            !atomic_compare_exchange_weak_explicit(&budget->reserved_max, &most, reserved,
                    memory_order_relaxed, memory_order_relaxed))
        ;
}

static bool reserve(struct budget *budget, int64_t bytes)
{
    int64_t limit = atomic_load_explicit(&budget->limit, memory_order_relaxed);
    int64_t reserved =
            atomic_fetch_add_explicit(&budget->reserved, bytes, memory_order_relaxed) + bytes;

    if (limit > 0 && bytes > 0 && reserved > limit) {
        atomic_fetch_sub_explicit(&budget->reserved, bytes, memory_order_relaxed);
        return false;
    }
    note_maximum(budget, reserved);
    return true;
}

void budget_share_init(struct budget_share *share, struct budget *budget)
{
    share->budget = budget;
    share->reserved = 0;
    share->helps = true;
    share->is_held = false;
    share->is_full = false;
    share->blocks = (struct blocks){ .depot = &budget->depot };
    atomic_init(&share->used, 0);
}

void budget_share_deinit(struct budget_share *share)
{
    blocks_release(&share->blocks);
}

int64_t budget_share_used(const struct budget_share *share)
{
    return atomic_load_explicit(&share->used, memory_order_relaxed);
}

static bool is_full(const struct budget *budget)
{
    int64_t limit = budget_limit_bytes(budget);

    return limit > 0 &&
            atomic_load_explicit(&budget->reserved, memory_order_relaxed) >
            limit - limit / BUDGET_SPARE;
}

static void look(struct budget_share *share)
{
    share->is_held = share->helps && budget_is_short(share->budget);
    share->is_full = is_full(share->budget);
}

void budget_share_hold(struct budget_share *share, bool helps)
{
    share->helps = helps;
    look(share);
}

static int64_t whole_blocks(int64_t bytes)
{
    return (bytes + BUDGET_BLOCK - 1) / BUDGET_BLOCK * BUDGET_BLOCK;
}

/* Sets what the owner's share uses. False, with nothing changed, when the budget has no more. */
static bool share_set(struct budget_share *share, int64_t used)
{
    if (used > share->reserved) {
        int64_t more = whole_blocks(used - share->reserved);

        if (!reserve(share->budget, more))
            return false;
        share->reserved += more;
        look(share);
    } else if (share->reserved - used >= 3 * BUDGET_BLOCK) {
        /* One block stays, so that a size that swings around an edge comes here seldom. */
        int64_t less = share->reserved - used - BUDGET_BLOCK;

        reserve(share->budget, -less);
        share->reserved -= less;
    }
    atomic_store_explicit(&share->used, used, memory_order_relaxed);
    return true;
}

bool budget_share_charge(struct budget_share *share, int64_t bytes)
{
    return share_set(share, budget_share_used(share) + bytes);
}

static void *share_take(void *context, size_t size)
{
    struct budget_share *share = context;
    int64_t before = budget_share_used(share);
    void *block;

    if (size > INT64_MAX / 2 || !share_set(share, before + (int64_t)size))
        return NULL;
    block = blocks_take(&share->blocks, size);
    if (!block)
        share_set(share, before);
    return block;
}

static void share_give(void *context, void *block, size_t size)
{
    struct budget_share *share = context;

    blocks_give(&share->blocks, block, size);
    share_set(share, budget_share_used(share) - (int64_t)size);
}

struct memory budget_share_memory(struct budget_share *share)
{
    return (struct memory){ .take = share_take, .give = share_give, .context = share };
}

static void *shared_take(void *context, size_t size)
{
    struct budget_share *share = context;
    void *block;

    if (size > INT64_MAX / 2 || !reserve(share->budget, (int64_t)size))
        return NULL;
    block = blocks_new(size);
    if (block)
        atomic_fetch_add_explicit(&share->used, (int64_t)size, memory_order_relaxed);
    else
        reserve(share->budget, -(int64_t)size);
    return block;
}

static void shared_give(void *context, void *block, size_t size)
{
    struct budget_share *share = context;

    free(block);
    reserve(share->budget, -(int64_t)size);
    atomic_fetch_sub_explicit(&share->used, (int64_t)size, memory_order_relaxed);
}

struct memory budget_shared_memory(struct budget_share *share)
{
    return (struct memory){ .take = shared_take, .give = shared_give, .context = share };
}
