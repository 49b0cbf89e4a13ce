/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a log consists of; only record_log.c, segments.c, recovery.c and reading.c look
 * inside.
 */
#ifndef STORE_RECORD_LOG_STATE_H
#define STORE_RECORD_LOG_STATE_H

#include "base/list.h"
#include "store/record_log.h"

#include <pthread.h>
#include <stdatomic.h>

/* A file that is in use. */
struct segment {
    uint64_t number;
    uint64_t position; /* of its first record */
    uint64_t used;     /* bytes; the next frame goes there */
    uint64_t size;     /* bytes reserved */
    int file;
    bool lazy;        /* SEGMENT_LAZY */
    bool named;       /* its name is on disk */
    uint32_t *places; /* for each of its records: its offset / RECORD_ALIGNMENT */
    size_t count;     /* of those */
    size_t room;
};

/* A batch that waits for its commit; or a buffer that waits for its use. */
struct waiting {
    struct list link;
    struct record_batch batch;
};

/*
 * Locks: files_lock is taken before segments_lock; neither together with queue_lock.
 */
struct record_log {
    const struct files *files;
    uint64_t seed;
    uint64_t segment_size;
    size_t waiting_max;
    bool keeps_reserve;
    enum log_flush flush;
    unsigned interval_ms;
    int (*expect)(void *context, const struct record_frame *frame);
    int (*written)(void *context, const struct record_frame *frame);
    void (*changed)(void *context);
    void *context;

    pthread_mutex_t queue_lock; /* of the next eight */
    pthread_cond_t news;
    struct list queue;
    struct list buffers; /* to be given to who pushes */
    unsigned buffer_count;
    pthread_cond_t preparer_news;
    uint64_t wanted; /* number of a segment that is to be prepared; 0: none */
    bool stopping;
    /* Set under queue_lock. Relaxed: who has pushed nothing can know no more. */
    _Atomic uint64_t next; /* position */

    atomic_size_t waiting_size; /* relaxed: a gauge */
    /* Released by the committer after the flush, acquired by whoever tells a client. */
    _Atomic uint64_t durable;
    atomic_int trouble; /* as `durable` */
    atomic_bool scarce; /* the same; set under files_lock */

    /* Relaxed: each is a figure by itself. */
    _Atomic uint64_t commits;
    _Atomic uint64_t written_bytes;
    _Atomic int64_t commit_ns_max;

    pthread_mutex_t files_lock; /* of files that are not in use, and of all names */
    uint64_t *spares;           /* numbers of files that are free- */
    size_t spare_count;
    size_t spare_room;
    uint64_t made;            /* number of the last segment that has a file with that name */
    struct segment *prepared; /* a file in the name of the next segment; NULL: none */
    int prepare_error;        /* of a flush that has failed in the preparer */

    pthread_mutex_t segments_lock; /* of the next three */
    struct segment **segments;     /* by number */
    size_t segment_count;
    size_t segment_room;

    /* The committer's own. */
    struct segment *last; /* of the segments, which is written to; NULL: there is none yet */
    uint64_t chain;       /* of the last frame */
    bool given_up;        /* a frame whose write has failed may lie at last->used */
    int64_t flush_at_ms;  /* INT64_MAX: all is flushed, or nothing is */
    pthread_t thread;
    pthread_t preparer;
    bool running;
};

/* The name of a segment's file, in use or free. */
void segment_name(char out[FILES_NAME_MAX + 1], const char *kind, uint64_t number);

/* The number in a name of that kind; false for another file's name. */
bool segment_number(const char *name, const char *kind, uint64_t *out);

/* The segment in which a position lies or would lie. NULL: before the first one. */
const struct segment *segments_find(const struct record_log *log, uint64_t position);

/* A segment without a file; NULL when memory is short. */
struct segment *segment_new(uint64_t number);

/* Closes its file. NULL is fine. */
void segment_free(struct record_log *log, struct segment *segment);

/* Puts a segment behind the others. False when memory is short or SEGMENTS_MAX are there. Under
 * segments_lock, as is the next. */
bool segments_add(struct record_log *log, struct segment *segment);

/* Takes the last one away again, and frees it. */
void segments_drop_last(struct record_log *log);

/* False when memory is short. Under files_lock. */
bool spares_add(struct record_log *log, uint64_t number);

/*
 * A segment of that number with a file in its name, of at least `bytes`, but without a head: the
 * one that was prepared, or made now. Returns 0, or -errno; nothing is left behind then.
 */
int segment_make(struct record_log *log, uint64_t number, uint64_t bytes, struct segment **out);

/* As record_log_reserve(). */
int segment_reserve(struct record_log *log);

/* Its file was not begun, and is removed. */
void segment_unmake(struct record_log *log, struct segment *segment);

/* Prepares the one of that number, in a thread of its own. */
void segment_prepare(struct record_log *log, uint64_t number);

/* Makes the file of the reserve where it is missing. False: there is no room for it now. */
bool reserve_restock(struct record_log *log);

/* Gives back what is prepared. */
void segments_deinit(struct record_log *log);

/* Room to note that many more records. False when memory is short. */
bool segment_make_room(struct segment *segment, uint32_t count);

/* Gives back the room that is left when no more records come. */
void segment_trim(struct segment *segment);

/* Notes where the records of a body lie, of which the first byte is at `offset`. */
void segment_note(struct segment *segment, uint64_t offset, struct bytes body);

#endif
