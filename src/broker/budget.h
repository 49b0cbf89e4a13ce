/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory the server may take, and how much it has taken.
 *
 * A budget is one for the process; each thread that allocates has a share of it. A share reserves
 * from the budget in blocks, so that taking and giving memory touches nothing that other threads
 * write. A block may be given back to another share than the one it was taken from: a share's own
 * sum may fall below zero, only the sum over all shares means something.
 */
#ifndef BROKER_BUDGET_H
#define BROKER_BUDGET_H

#include "base/memory.h"

#include <stdatomic.h>
#include <stdint.h>

enum { BUDGET_BLOCK = 64 * 1024 }; /* what a share reserves at once */

struct budget {
    _Atomic int64_t limit;        /* 0: none */
    _Atomic int64_t reserved;     /* by all shares, at least what is in use */
    _Atomic int64_t reserved_max; /* the most it ever was */
};

struct budget_share {
    _Alignas(64) struct budget *budget; /* on a cache line of its own: others read only `used` */
    int64_t reserved;
    _Atomic int64_t used; /* one thread writes, any may read */
};

/* limit_bytes 0: no limit. */
void budget_init(struct budget *budget, int64_t limit_bytes);

/* Holds from the next reservation on; what is in use already stays. Any thread. */
void budget_limit(struct budget *budget, int64_t limit_bytes);

void budget_share_init(struct budget_share *share, struct budget *budget);

/* malloc() and free() within the budget, for the one thread that owns the share. */
struct memory budget_share_memory(struct budget_share *share);

/* The same for any thread, at the cost of an atomic addition; for what is seldom allocated. */
struct memory budget_shared_memory(struct budget_share *share);

/* Bytes taken less bytes given back by this share. Any thread. */
int64_t budget_share_used(const struct budget_share *share);

/* The most that was ever reserved by all shares together. Any thread. */
int64_t budget_maximum(const struct budget *budget);

#endif
