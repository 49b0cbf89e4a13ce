/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and all that belongs to them, as a store has them, made again when the server starts:
 * after the cores of all shards are made, before any of them runs, on one thread.
 *
 * First all entries, table after table as enum storage_table has them; then what is in flight; then
 * what waits in queues; then the end. Each client's session comes to its home shard of this run,
 * whatever number of shards there was before. One that has expired meanwhile is there until the
 * end, which ends it as any other. What is RESTORED_NOTHING is taken out of the
 * store by the first turn of the first shard.
 */
#ifndef BROKER_CORE_RESTORE_H
#define BROKER_CORE_RESTORE_H

#include "base/map.h"
#include "broker/core/core.h"
#include "broker/core/storage.h"

enum restored {
    RESTORED,
    RESTORED_NOTHING, /* it belongs to a session that has ended: it is forgotten */
    RESTORE_BROKEN,   /* it cannot be read */
    RESTORE_NO_MEMORY,
    RESTORE_EACH, /* of restore_queue(): each message is to be told by restore_waiting() */
};

struct restoring;

/*
 * Starts with the cores of all shards; wall_ms is the time of the wall clock at now_ms. What waits
 * for a session and was stored before such a position may have been sent to its client by a server
 * that was killed: it goes out with DUP (struct doubts). NULL when memory is short.
 */
struct restoring *restore_begin(struct core *const cores[], unsigned count, int64_t now_ms,
        int64_t wall_ms, struct doubts doubts);

enum restored restore_entry(
        struct restoring *restoring, unsigned table, struct bytes key, struct bytes value);

/* A message that has a packet id, in order of queue and id. */
struct restore_item {
    uint64_t queue;
    uint64_t id;
    struct bytes tag;
    struct bytes note;
    struct bytes body;
};
enum restored restore_flight(struct restoring *restoring, const struct restore_item *item);

/* A message that waits, in order of queue and id; those in flight are known already. */
enum restored restore_waiting(struct restoring *restoring, const struct restore_item *item);

/* How much waits in a queue without a packet id, in the place of restore_waiting(): its messages,
 * with ids after `after` and before `before`, are fetched when somebody takes them (backlog.h).
 * Where the store cannot fetch: RESTORE_EACH. */
enum restored restore_queue(struct restoring *restoring, uint64_t queue, uint64_t count,
        uint64_t bytes, uint64_t after, uint64_t before);

/* What was restored. */
struct restore_counts {
    uint64_t sessions;
    uint64_t subscriptions;
    uint64_t retained;
    uint64_t messages; /* places in queues */
    uint64_t expired;  /* sessions whose time has passed meanwhile */
    uint64_t orphans;  /* places, entries of no session any more */
};

/*
 * All has been told: sessions are absent from now on, timers run, wills that are due will be
 * published, groups have their members. `queue_next`: from where new queues are numbered, or
 * from the highest number that was told; the store's next position serves, as each queue that is
 * made takes a record at least. What has ended
 * meanwhile is taken out of the store by the shards' first turns. Frees `restoring`.
 */
void restore_end(struct restoring *restoring, uint64_t queue_next, struct restore_counts *out);

/* Instead of it: something was broken; the cores are to be freed. */
void restore_give_up(struct restoring *restoring);

#endif
