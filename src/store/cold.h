/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How entries and messages lie in the archive, and what the records of a log make of them.
 *
 * The archive knows how far it has come in the log: that is written with what it has become, in one
 * transaction. docs/store-format.md has the layout.
 */
#ifndef STORE_COLD_H
#define STORE_COLD_H

#include "base/hash.h"
#include "store/archive.h"
#include "store/pairs.h"
#include "store/records.h"

enum {
    ARCHIVE_VERSION = 1,
    COLD_KEY_MAX = 495,         /* bytes of a key as it is; of a longer one, those at its start */
    COLD_CHANGES_MAX = 8192,    /* about, in one transaction: each may keep a page in memory */
    COLD_REMOVED_MAX = 4096,    /* messages or keys in one go */
    COLD_DROPPED_AT_ONCE = 256, /* messages; the rest of a dropped queue is taken out later */
};

/* The archive's tables of messages, in which nearly all of it lies. */
enum { COLD_MESSAGES_FIRST = STORE_TABLES_MAX + 1, COLD_MESSAGES_LAST = COLD_MESSAGES_FIRST + 2 };

/* What the archive is, as a whole. */
struct cold_state {
    uint64_t seed;         /* of the log it belongs to */
    uint64_t checkpointed; /* position: the records before it are in here */
    uint64_t messages;
    uint64_t drops; /* queues from which what was dropped is not taken out yet */
};

/* What waits in a queue. */
struct cold_queue {
    uint64_t queue;
    uint64_t count;
    uint64_t bytes; /* of bodies and tags */
    uint64_t first; /* no id is less */
    uint64_t last;
    uint64_t noted; /* no more than that have a note */
};

/* A view of the archive, and what has been changed in it. */
struct cold {
    const struct archive *archive;
    struct archive_view *view; /* NULL: none */
    struct cold_state state;
    struct cold_state before;  /* the transaction */
    size_t changes_max;        /* COLD_CHANGES_MAX, or less for tests */
    size_t weight;             /* of what the transaction has changed, about bytes */
    uint64_t last_queue;       /* that it has changed something in */
    struct pairs places;       /* (queue, 0): its place in `queues`, + 1 */
    struct cold_queue *queues; /* that have changed */
    size_t queue_count;
    size_t queue_room;
};

/* Starts from what the archive says of itself; where it is new, from `seed`. Returns 0; -EPROTO:
 * another version has written it; -EBADMSG; or -errno. `changes_max` 0: COLD_CHANGES_MAX. */
int cold_open(struct cold *cold, const struct archive *archive, uint64_t seed, size_t changes_max);
void cold_close(struct cold *cold);

/* ---- Changing: each returns 0 or -errno; after an error, only cold_abandon() ---- */

int cold_begin(struct cold *cold);

/* It is time to commit. */
bool cold_is_full(const struct cold *cold);

/* All records before `checkpointed` have been applied. After an error it is as before. */
int cold_commit(struct cold *cold, uint64_t checkpointed);

/* The same, but that the view stays, in which all of it is then: for a look at it, before
 * cold_abandon(). */
int cold_complete(struct cold *cold, uint64_t checkpointed);
void cold_abandon(struct cold *cold);

int cold_set(struct cold *cold, unsigned table, struct bytes key, struct bytes value);
int cold_remove(struct cold *cold, unsigned table, struct bytes key);

/* Returns 1 when there is more to be removed: then it is to be called again, in another
 * transaction. */
int cold_remove_all(struct cold *cold, unsigned table, struct bytes prefix);

/* A message that waits in these queues. */
int cold_message(struct cold *cold, uint64_t id, const struct record_place places[], size_t count,
        struct bytes body);

int cold_done(struct cold *cold, uint64_t queue, uint64_t id);
int cold_note(struct cold *cold, uint64_t queue, uint64_t id, struct bytes note);

/* Messages with ids less than `position`. */
int cold_drop(struct cold *cold, uint64_t queue, uint64_t position);

/* Takes some of what was dropped out of the archive. */
int cold_sweep(struct cold *cold);

/* ---- Looking ---- */

/* A message's place in a queue; what it holds borrows from the view. */
struct cold_item {
    uint64_t queue;
    uint64_t id;
    struct bytes tag;
    struct bytes note;
    struct bytes body;
};

/* Opens a view of what was committed last, beside the transaction. */
int cold_look(const struct archive *archive, struct archive_view **out);

/* Returns 0; -ENOENT: it does not wait there; or -errno. */
int cold_find(const struct archive *archive, struct archive_view *view, uint64_t queue, uint64_t id,
        struct cold_item *out);

/* The first of a queue whose id is not less than this one. -ENOENT: none. */
int cold_next(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out);

/* The same over all queues, from (*queue, from) on. */
int cold_next_of_all(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out);

/* The first of those that have a note. */
int cold_next_noted(const struct archive *archive, struct archive_view *view, uint64_t queue,
        uint64_t from, struct cold_item *out);

/* The first queue from that one on in which something waits. */
int cold_next_queue(const struct archive *archive, struct archive_view *view, uint64_t from,
        struct cold_queue *out);

/*
 * The next entry of a table; -ENOENT: there are no more. Starts as { 0 }. Entries are in order
 * of key, but those that have their first COLD_KEY_MAX bytes in common: they come one after the
 * other, in any order.
 */
struct cold_entry {
    struct bytes key;
    struct bytes value;
    uint8_t place[ARCHIVE_KEY_MAX]; /* where it was */
    size_t place_size;
};
int cold_next_entry(const struct archive *archive, struct archive_view *view, unsigned table,
        struct cold_entry *entry);

#endif
