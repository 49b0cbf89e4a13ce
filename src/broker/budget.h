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
#include "broker/blocks.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    BUDGET_BLOCK = 64 * 1024, /* what a share reserves at once */
    BUDGET_SPARE = 32,        /* the part of the limit that is left when a share is full */
};

struct budget {
    _Atomic int64_t limit;        /* 0: none */
    _Atomic int64_t reserved;     /* by all shares, at least what is in use */
    _Atomic int64_t reserved_max; /* the most it ever was */
    _Atomic bool is_short;        /* see budget_is_short() */
    struct depot depot;           /* of all shares; what it keeps is not in use */
};

struct budget_share {
    _Alignas(64) struct budget *budget; /* on a cache line of its own: others read only `used` */
    int64_t reserved;
    _Atomic int64_t used; /* one thread writes, any may read */
    bool helps;           /* see budget_share_hold(); these three are the owner's */
    bool is_held;         /* it is to take nothing more that can wait, */
    bool is_full;         /* and nothing that can be refused: what is left is for answers */
    struct blocks blocks; /* the owner's; what they keep is not in use */
};

/* The bytes that memory_limit stands for, 0 for no limit. `setting` is what the configuration has:
 * OPTION_BYTES_AUTO is three quarters of what there is, and no limit where that is not known. */
int64_t budget_of_setting(uint64_t setting);

/* limit_bytes 0: no limit. */
void budget_init(struct budget *budget, int64_t limit_bytes);

/* After all of its shares. */
void budget_deinit(struct budget *budget);

/* Holds from the next reservation on; what is in use already stays. Any thread. */
void budget_limit(struct budget *budget, int64_t limit_bytes);

void budget_share_init(struct budget_share *share, struct budget *budget);

/* Frees what the share keeps for later; what is in use may be given back afterwards. */
void budget_share_deinit(struct budget_share *share);

/* malloc() and free() within the budget, for the one thread that owns the share. */
struct memory budget_share_memory(struct budget_share *share);

/*
 * Counts bytes that somebody else has allocated, as OpenSSL, or with a number below zero no longer.
 * For the one thread that owns the share. False, with nothing counted, when the budget has no more.
 */
bool budget_share_charge(struct budget_share *share, int64_t bytes);

/* malloc() and free() for any thread, at the cost of an atomic addition; for what is seldom
 * allocated. */
struct memory budget_shared_memory(struct budget_share *share);

/* Bytes taken less bytes given back by this share. Any thread. */
int64_t budget_share_used(const struct budget_share *share);

/*
 * Whether memory is nearly used up: from 9 tenths of the limit on, until 8 tenths are left again.
 * Any thread.
 */
bool budget_is_short(struct budget *budget);

/*
 * For the owner, in each turn: `is_held` tells from now on whether memory is short, and `is_full`
 * whether the last of it is left, as this call and each growth of the share find it. Unless waiting
 * does not `help`, as nothing gives way: then is_held stays false.
 */
void budget_share_hold(struct budget_share *share, bool helps);

/* The limit that holds now; 0: none. Any thread. */
int64_t budget_limit_bytes(const struct budget *budget);

/* The most that was ever reserved by all shares together. Any thread. */
int64_t budget_maximum(const struct budget *budget);

#endif
