/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/revival.h"

#include "broker/shard.h"
#include "loop/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Something about some queues, in order of queue. */
struct tally {
    uint64_t queue;
    uint64_t count;
    uint64_t bytes;
};
struct tallies {
    struct tally *rows;
    size_t count;
    size_t room;
    size_t at; /* how far one who goes through queues in order has come */
};

struct walk {
    struct restoring *restoring;
    struct revival *revival;
    struct tallies flights; /* messages that have a packet id */
    struct tallies wanted;  /* queues of which each message is to be told */
};

/* ---- Tallies ---- */

/* The row of this queue, which is not before the last one; NULL when memory is short. */
static struct tally *tallies_add(struct tallies *tallies, uint64_t queue)
{
    struct tally *rows = tallies->rows;
    size_t room = tallies->room > 0 ? tallies->room * 2 : 64;

    if (tallies->count > 0 && rows[tallies->count - 1].queue == queue)
        return &rows[tallies->count - 1];
    if (tallies->count == tallies->room) {
        rows = realloc(rows, room * sizeof(*rows));
        if (!rows)
            return NULL;
        tallies->rows = rows;
        tallies->room = room;
    }
    rows[tallies->count] = (struct tally){ .queue = queue };
    return &rows[tallies->count++];
}

/* The row of this queue, which is not before the one that was looked for last; or NULL. */
static const struct tally *tallies_find(struct tallies *tallies, uint64_t queue)
{
    while (tallies->at < tallies->count && tallies->rows[tallies->at].queue < queue)
        tallies->at++;
    return tallies->at < tallies->count && tallies->rows[tallies->at].queue == queue
            ? &tallies->rows[tallies->at]
            : NULL;
}

/* ---- What the store tells ---- */

/* Goes on, or ends the walk and says what was broken. */
static int result_of(struct walk *walk, enum restored restored, const char *what)
{
    switch (restored) {
    case RESTORED:
    case RESTORED_NOTHING:
    case RESTORE_EACH:
        break;
    case RESTORE_BROKEN:
        walk->revival->broken = what;
        return -EBADMSG;
    case RESTORE_NO_MEMORY:
        return -ENOMEM;
    }
    return 0;
}

static int revive_entry(void *context, unsigned table, struct bytes key, struct bytes value)
{
    static const char *const names[] = {
        [STORED_SESSIONS] = "a session cannot be read",
        [STORED_SUBSCRIPTIONS] = "a subscription cannot be read",
        [STORED_INCOMING] = "a packet id that was received cannot be read",
        [STORED_RELEASES] = "a packet id that was released cannot be read",
        [STORED_GROUPS] = "a shared group cannot be read",
        [STORED_RETAINED] = "a retained message cannot be read",
        [STORED_WILLS] = "a will cannot be read",
    };
    struct walk *walk = context;
    const char *name = table < sizeof(names) / sizeof(names[0]) ? names[table] : NULL;

    return result_of(walk, restore_entry(walk->restoring, table, key, value),
            name ? name : "there is a table that this version does not know");
}

static struct restore_item restore_item_of(const struct store_item *item)
{
    return (struct restore_item){
        .queue = item->queue,
        .id = item->id,
        .tag = item->tag,
        .note = item->note,
        .body = item->body,
    };
}

static int revive_flight(void *context, const struct store_item *item)
{
    struct restore_item flight = restore_item_of(item);
    struct walk *walk = context;
    struct tally *tally = tallies_add(&walk->flights, item->queue);

    if (!tally)
        return -ENOMEM;
    tally->count++;
    tally->bytes += item->body.size;
    return result_of(
            walk, restore_flight(walk->restoring, &flight), "a message in flight cannot be read");
}

static int revive_queue(void *context, uint64_t queue, uint64_t count, uint64_t bytes,
        uint64_t first, uint64_t last)
{
    struct walk *walk = context;
    const struct tally *flights = tallies_find(&walk->flights, queue);
    enum restored restored;

    if (flights && flights->count >= count)
        return 0;
    if (flights) {
        count -= flights->count;
        bytes = bytes > flights->bytes ? bytes - flights->bytes : 0;
    }
    restored = restore_queue(walk->restoring, queue, count, bytes, first - 1, last + 1);
    if (restored == RESTORE_EACH && !tallies_add(&walk->wanted, queue))
        return -ENOMEM;
    return result_of(walk, restored, "a queue cannot be read");
}

static int revive_waiting(void *context, const struct store_item *item)
{
    struct restore_item waiting = restore_item_of(item);
    struct walk *walk = context;

    if (item->note.size > 0 || !tallies_find(&walk->wanted, item->queue))
        return 0;
    return result_of(walk, restore_waiting(walk->restoring, &waiting),
            "a message that waits cannot be read");
}

/* ---- The whole ---- */

static struct restoring *begin(const struct store *store, struct shard_group *group)
{
    const struct store_past past = store_past(store);
    const struct doubts doubts = { .present = past.broken_off, .absent = past.before };
    struct core *cores[SHARDS_MAX];

    for (unsigned i = 0; i < group->count; i++)
        cores[i] = group->shards[i].core;
    return restore_begin(cores, group->count, clock_now_ms(), clock_wall_ms(), doubts);
}

static int run(struct walk *walk, struct store *store)
{
    const struct store_visitor visitor = {
        .entry = revive_entry,
        .noted = revive_flight,
        .queue = revive_queue,
        .context = walk,
    };
    const struct store_visitor second = { .item = revive_waiting, .context = walk };
    int result = store_walk(store, &visitor);

    if (result == 0 && walk->wanted.count > 0)
        result = store_walk(store, &second);
    return result;
}

int revival_run(struct revival *revival, struct store *store, struct shard_group *group)
{
    struct walk walk = { .restoring = begin(store, group), .revival = revival };
    int result;

    *revival = (struct revival){ .broken = NULL };
    if (!walk.restoring)
        return -ENOMEM;
    result = run(&walk, store);
    if (result == 0)
        restore_end(walk.restoring, store_next(store), &revival->counts);
    else
        restore_give_up(walk.restoring);
    free(walk.flights.rows);
    free(walk.wanted.rows);
    return result;
}
