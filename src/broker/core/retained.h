/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The retained messages of the whole server, shared by its shards.
 *
 * The store is split into stripes by the first two levels of the topic, each behind a lock of its
 * own, which is never held together with any other. So a filter that begins with two plain levels
 * reads one stripe, and any other one reads them all.
 *
 * The promise to subscribers. Every change takes the next number of one counter, the revision,
 * while it holds the stripe's lock, and writes it into its message. Then:
 *
 *   - who publishes a retained message first sets (or clears) it here, then matches it with its
 *     revision in the index, never from a cache of matches;
 *   - who subscribes takes start = retained_revision() inside the index's write section, as the
 *     retained_from of the new subscription, and after the section reads here up to `start`.
 *
 * A revision up to `start` was set before the section's end, so the read finds it (or what has
 * replaced it), and the match leaves this subscription out. A later one was set after `start` was
 * taken, so its match comes after the section, finds the subscription and goes out live, and the
 * read leaves it out. Nothing is missed and nothing comes twice. An older subscription of the same
 * session matches by its own retained_from, so it loses nothing to a new one beside it.
 */
#ifndef BROKER_CORE_RETAINED_H
#define BROKER_CORE_RETAINED_H

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "broker/core/locks.h"
#include "broker/core/message.h"
#include "broker/core/storage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RETAINED_STRIPES = 64,
    RETAINED_SLICE_MAX = 256,    /* messages given in one call */
    RETAINED_EXAMINED_MAX = 512, /* entries looked at under a lock at once */
};

struct retained;

struct retained_setup {
    struct memory memory; /* used by all shards' threads */
    struct locks locks;
    struct hash_key key;
    uint64_t entries_max; /* 0: no limit */
    /* Takes a reference that the store no longer needs. Called under no lock, on any thread. */
    void (*unref)(void *context, struct message *message);
    void *context;
};

/* An empty store; NULL when memory is short. */
struct retained *retained_new(const struct retained_setup *setup);

/* Lets go of all messages; no shard may use it any more. NULL is fine. */
void retained_free(struct retained *retained);

enum retained_result {
    RETAINED_DONE,
    RETAINED_NONE,      /* there was none to be removed */
    RETAINED_FULL,      /* entries_max is reached and the topic has none; nothing changed */
    RETAINED_NO_MEMORY, /* nothing changed */
};

/*
 * What outlives the process of a change: its records go to the store under the stripe's lock, so
 * that it hears of a topic's changes in their order. NULL in its place: nothing does.
 */
struct retained_change {
    const struct storage *storage;
    struct record_batch batch; /* without records: nothing is told; reset by the caller */
    uint64_t end;              /* set: the position behind them; 0: nothing was told */
};

/*
 * Makes the message its topic's retained one, with a reference of its own, and writes
 * message->revision; so no other shard may hold the message yet. It is given until expires_ms
 * (INT64_MAX: for ever), which may be earlier than message->expires_ms.
 * Source: [MQTT5-3.3.1-5]
 */
enum retained_result retained_set(struct retained *retained, struct message *message,
        int64_t expires_ms, struct retained_change *change);

/*
 * Removes the retained message of this (empty) message's topic and writes message->revision, as
 * above; also where there was none.
 * Source: [MQTT5-3.3.1-6], [MQTT5-3.3.1-7]
 */
enum retained_result retained_clear(
        struct retained *retained, struct message *message, struct retained_change *change);

/*
 * What recovery found, in any order: the message counts if its revision is higher than that of its
 * topic's entry, and the counter goes on after the highest one seen. For a recorded clearing, give
 * a message of that topic with expires_ms INT64_MIN: it keeps older ones out, is given to nobody,
 * and the next sweep takes it away. Obeys no limit. False when memory is short.
 */
bool retained_restore(struct retained *retained, struct message *message, int64_t expires_ms);

/* The revision of the newest change; 0 before the first. */
uint64_t retained_revision(const struct retained *retained);

/* How many are held, those not yet swept included. */
uint64_t retained_count(const struct retained *retained);

/* How many of them have reserved topics: the server's own, which it never takes back. */
uint64_t retained_own_count(const struct retained *retained);

struct retained_query {
    struct bytes filter;   /* valid, without "$share/name/" */
    uint64_t revision_max; /* the reader's `start`; later ones are left out */
    int64_t now_ms;
    const struct storage *storage; /* is told of expired ones that go; NULL: nobody is */
};

/* How far a read has come. All zero, it stands at the start. Between two calls the store may change
 * in any way: what is there all the time is given exactly once. */
struct retained_cursor {
    uint16_t stripe;
    bool begun;
    bool done;
    struct message *last; /* the one last looked at; a reference */
};

/*
 * Writes the next matching messages to `out`, RETAINED_SLICE_MAX at most, each with a reference for
 * the caller, and returns how many. There may be more, also after 0, until cursor->done. The query
 * must stay the same but for now_ms. Entries that are found expired go away.
 * Source: [MQTT5-3.3.1-9], [MQTT5-4.7.2-1]
 */
size_t retained_read(struct retained *retained, const struct retained_query *query,
        struct retained_cursor *cursor, struct message **out);

/* Ends a read early, and makes the cursor stand at the start again; fine for any cursor. */
void retained_cursor_reset(struct retained *retained, struct retained_cursor *cursor);

/*
 * Goes on looking for expired entries in one stripe, `limit` entries at most, and lets go of them;
 * returns how many. Does nothing before retained_expiry_ms(). Shard s of n sweeps the stripes
 * s, s + n, s + 2n, ... `storage` as in a query.
 */
size_t retained_sweep(struct retained *retained, unsigned stripe, int64_t now_ms, size_t limit,
        const struct storage *storage);

/* Nothing in this stripe expires earlier; INT64_MAX when nothing does at all. */
int64_t retained_expiry_ms(struct retained *retained, unsigned stripe);

#endif
