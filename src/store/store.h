/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what outlives the process, be it killed or the power cut.
 *
 * What is pushed goes to the log (record_log.h), which makes it durable in groups. Behind it lies
 * the archive, where a checkpoint moves what is still needed of the log's oldest segments, in one
 * transaction, before they are used again. So a message that is done with soon is written once, and
 * one that waits long is written twice; the log never grows beyond its window, nor does what the
 * store keeps in memory: some bytes for each record of the log, nothing for what is in the archive.
 *
 * Opening replays the log into the archive, which takes a time that is bounded by the window, not
 * by what waits.
 *
 * On a disk that has become full there is a reserve, of the log a segment, of the archive some
 * pages: for what was pushed by then, and for what makes room, as words that messages are done
 * with.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/list.h"
#include "store/archive.h"
#include "store/record_log.h"
#include "store/records.h"

struct store;

enum store_flush {
    FLUSH_EACH, /* each commit is durable: durability group and always */
    /* Every so often; what is pushed counts as durable at once: a killed process may take what was
     * pushed last, a power cut all since the last flush. */
    FLUSH_INTERVAL,
    FLUSH_NEVER, /* before a checkpoint alone; the same otherwise */
};

struct store_setup {
    const struct files *files;     /* of the log's segments; borrowed */
    const struct archive *archive; /* borrowed */
    uint64_t seed;                 /* chance, for a store that is new */
    uint64_t first; /* position of the first record of a store that is new; 0 but for salvage */
    uint64_t segment_size; /* bytes; 0: SEGMENT_SIZE_DEFAULT */
    unsigned window;       /* segments before the oldest is checkpointed; 0: the default */
    size_t changes_max;    /* in one transaction of the archive; 0: the default */
    enum store_flush flush;
    unsigned interval_ms;           /* for FLUSH_INTERVAL */
    void (*changed)(void *context); /* on a thread of the store: store_durable() or
                                         store_condition() has changed; NULL: nobody asks */
    void *context;
};

/* What opening has found, for a person: as that of the log, and what the archive says. */
struct store_finding {
    struct record_log_finding log;
    const char *archive; /* what is wrong with it; NULL: nothing */
    uint64_t replayed;   /* records */
};

/**
 * Opens the store, or begins one. Whatever of the log is durable is in the archive when this
 * returns, or, where the disk has no room for that, stays in the log until there is some. Of one
 * that is begun there is room on the disk then, but nothing durable before the first commit.
 *
 * Returns 0; -EBADMSG: it is broken where the finding says, and nothing has been changed; -EPROTO:
 * another version has written it; or -errno.
 */
int store_open(struct store **out, const struct store_setup *setup, struct store_finding *finding);

/* Starts its threads: one commits, one checkpoints, one fetches. Returns 0, or -errno. */
int store_start(struct store *store);

/* Ends them, once all that was pushed is durable, or cannot be, and what can is in the archive. */
void store_stop(struct store *store);

/* After store_stop(), or without store_start(). */
void store_close(struct store *store);

/* ---- What is there: between opening and the first push ---- */

/* A message's place in a queue. */
struct store_item {
    uint64_t queue;
    uint64_t id;
    struct bytes tag;
    struct bytes note; /* empty: none */
    struct bytes body;
};

/* Each returns 0 to go on; whatever else ends the walk, which returns it. */
struct store_visitor {
    /* Every entry, table after table from 0, in each in order of key (as memcmp() has it); but
     * keys that have their first 495 bytes in common come in any order among themselves. */
    int (*entry)(void *context, unsigned table, struct bytes key, struct bytes value);
    /* Every item that has a note, in order of queue, then of id. */
    int (*noted)(void *context, const struct store_item *item);
    /* How much waits in a queue, noted ones included, in order of queue; ids lie in first..last. */
    int (*queue)(void *context, uint64_t queue, uint64_t count, uint64_t bytes, uint64_t first,
            uint64_t last);
    /* NULL: not told. Every item, in order of queue, then of id. */
    int (*item)(void *context, const struct store_item *item);
    void *context;
    bool skips; /* an item that cannot be read is passed over, and the walk ends with -EBADMSG */
};
int store_walk(struct store *store, const struct store_visitor *visitor);

/*
 * How the runs before ended. One that store_stop() did not end, or not with all on disk, was broken
 * off: what somebody did last may not be known.
 */
struct store_past {
    uint64_t broken_off; /* what was pushed before this position was, when the last run that was
                            broken off ended; 0: none was */
    uint64_t before;     /* the same for the runs before the last one */
};
struct store_past store_past(const struct store *store);

/* ---- Writing; any thread ---- */

/**
 * Takes a batch of at least one record, which is empty afterwards, with another buffer in it for
 * what comes next: record_batch_reset() at the very end. All of it becomes durable at once.
 *
 * Returns the position of its first record; the others follow. UINT64_MAX: no memory, or as much
 * waits as may (LOG_WAITING_MAX); the batch is left as it was.
 */
uint64_t store_push(struct store *store, struct record_batch *batch);

/* The first position that is not durable. */
uint64_t store_durable(const struct store *store);

/* The position that the next record gets. */
uint64_t store_next(const struct store *store);

/* 0; -ENOSPC: commits wait for room on the disk; another -errno: there are no more. */
int store_trouble(const struct store *store);

/* The same, but STORE_SCARCE instead of 0 where the disk is full and the store lives on its
 * reserve: commits go on, and what takes more room than it gives is not to be pushed until there is
 * room again. */
enum { STORE_SCARCE = 1 };
int store_condition(const struct store *store);

/* ---- Reading messages again ---- */

enum { FETCH_ITEMS_MAX = 256, FETCH_BYTES_MAX = 1 << 20 };

/*
 * Asks for messages of a queue: for those of a list of ids, or for the next ones of a range. The
 * caller keeps it in place until `done` is called, on a thread of the store, where it may only hand
 * it on.
 */
struct store_fetch {
    struct list link; /* the store's */
    uint64_t queue;
    const uint64_t *ids; /* NULL: a range */
    uint32_t id_count;   /* at most FETCH_ITEMS_MAX */
    uint64_t after;      /* of a range: ids greater than this... */
    uint64_t before;     /* ...and less than this one, which is durable */
    uint32_t count_max;  /* at most FETCH_ITEMS_MAX; 0: that */
    void (*done)(struct store_fetch *fetch);

    /* The answer. */
    int result;               /* 0, or -errno: there are no items */
    struct store_item *items; /* in order of id; what is done with meanwhile is not among them */
    uint32_t item_count;
    bool complete; /* there are no more in the list or range; else go on after the last one */
};

/* Any thread. Ids that are not durable yet are waited for. */
void store_fetch(struct store *store, struct store_fetch *fetch);

/* Gives back what the answer holds. */
void store_fetch_release(struct store_fetch *fetch);

/* ---- Looking after it; any thread ---- */

/* Moves all that is durable by now to the archive, soon. */
void store_checkpoint(struct store *store);

struct store_figures {
    uint64_t pushed;        /* position of the next record */
    uint64_t durable;       /* position */
    uint64_t waiting_bytes; /* pushed, not durable */
    uint64_t log_bytes;     /* of the segments in use */
    uint64_t log_live;      /* messages in the log that somebody still waits for */
    uint64_t archived;      /* messages in the archive */
    uint64_t archive_bytes; /* of its file that are in use */
    uint64_t checkpoints;
    uint64_t commits;
    uint64_t written_bytes; /* by commits */
    int64_t commit_ns_max;  /* of the commits since the figures were taken last */
};
void store_figures(struct store *store, struct store_figures *out);

#endif
