/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/budget.h"

#include <stdbool.h>
#include <stdlib.h>

/* All atomics here are relaxed: they are sums, and no other memory is ordered by them. */

void budget_init(struct budget *budget, int64_t limit_bytes)
{
    atomic_init(&budget->limit, limit_bytes);
    atomic_init(&budget->reserved, 0);
    atomic_init(&budget->reserved_max, 0);
}

void budget_limit(struct budget *budget, int64_t limit_bytes)
{
    atomic_store_explicit(&budget->limit, limit_bytes, memory_order_relaxed);
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
    atomic_init(&share->used, 0);
}

int64_t budget_share_used(const struct budget_share *share)
{
    return atomic_load_explicit(&share->used, memory_order_relaxed);
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
    } else if (share->reserved - used >= 3 * BUDGET_BLOCK) {
        /* One block stays, so that a size that swings around an edge comes here seldom. */
        int64_t less = share->reserved - used - BUDGET_BLOCK;

        reserve(share->budget, -less);
        share->reserved -= less;
    }
    atomic_store_explicit(&share->used, used, memory_order_relaxed);
    return true;
}

static void *share_take(void *context, size_t size)
{
    struct budget_share *share = context;
    int64_t before = budget_share_used(share);
    void *block;

    if (size > INT64_MAX / 2 || !share_set(share, before + (int64_t)size))
        return NULL;
    block = malloc(size);
    if (!block)
        share_set(share, before);
    return block;
}

static void share_give(void *context, void *block, size_t size)
{
    struct budget_share *share = context;

    free(block);
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
    block = malloc(size);
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
