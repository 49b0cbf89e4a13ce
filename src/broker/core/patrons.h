/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many sessions each user has, on all shards together; kept while there is a limit on that,
 * sessions_per_user_max. Clients and users are known by keyed hashes of their ids and names, and
 * nothing of it lies in the sessions, which are to cost little where there is no limit.
 */
#ifndef BROKER_CORE_PATRONS_H
#define BROKER_CORE_PATRONS_H

#include "base/memory.h"
#include "broker/core/locks.h"

#include <stdint.h>

struct patrons;

/* NULL when memory is short. */
struct patrons *patrons_new(const struct memory *memory, const struct locks *locks);

/* NULL is fine. */
void patrons_free(struct patrons *patrons);

enum patrons_entry {
    PATRONS_ENTERED,
    PATRONS_FULL,      /* the user has `max` others already */
    PATRONS_NO_MEMORY, /* memory is short */
};

/*
 * The session of that client counts for that user from now on, and for no other one any more; where
 * it does not, nothing has changed. From any shard, as is the next.
 */
enum patrons_entry patrons_enter(
        struct patrons *patrons, uint64_t client, uint64_t user, uint32_t max);

/* The session of that client counts for nobody any more. */
void patrons_leave(struct patrons *patrons, uint64_t client);

#endif
