/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: records of any bytes, in one order for the whole process, that outlive its end.
 *
 * Any thread pushes batches of records; a push fixes their positions. One committer writes all that
 * has come meanwhile as one frame and flushes it, so that a commit costs the same for one record as
 * for thousands. Records before record_log_durable() are safe from kill -9 and power cuts.
 *
 * The log lies in segments: files of the folder that are named log- and a number. What is not
 * needed any more is forgotten by whole segments, whose files are used again.
 *
 * A disk that is full delays commits until there is room, but not before a file is used up that may
 * be kept for that. Any other failure ends them for good, as nobody knows then what is on the disk:
 * nothing more becomes durable, and what was stays so.
 */
#ifndef STORE_RECORD_LOG_H
#define STORE_RECORD_LOG_H

#include "base/bytes.h"
#include "store/batch.h"
#include "store/files.h"
#include "store/frame.h"

enum {
    SEGMENTS_MAX = 4096,
    SPARES_MAX = 8,              /* files that are kept to be used again */
    BUFFERS_MAX = 64,            /* of batches that are kept to be used again */
    BUFFER_KEPT_MAX = 256 << 10, /* bytes of such a buffer */
    SEGMENT_SIZE_DEFAULT = 16 << 20,
    SEGMENT_SIZE_MIN = 64 << 10,
    FULL_RETRY_MS = 1000,        /* between two tries on a full disk */
    LOG_WAITING_MAX = 256 << 20, /* bytes that are pushed and not durable; more are not taken */
};

struct record_log;

/* ---- Opening ---- */

/* What one commit writes. */
struct record_frame {
    uint64_t position; /* of its first record */
    uint32_t count;    /* of records */
    size_t size;       /* bytes of the records */
    const struct iovec *bodies;
    size_t body_count;
};

enum log_flush {
    LOG_FLUSH_EACH, /* each commit, before it counts as durable */
    LOG_FLUSH_LAZY, /* once in a while: what counts as durable is safe from kill -9 alone */
};

struct record_log_setup {
    const struct files *files; /* borrowed */
    uint64_t seed;             /* chance, for a log that is new */
    uint64_t first;            /* position of the first record of a log that is new */
    uint64_t segment_size;     /* bytes of new segments; a longer frame gets a longer one */
    size_t waiting_max;        /* bytes; 0: LOG_WAITING_MAX */
    bool keeps_reserve; /* a file is kept for a disk that is full; it is made by the threads of
                           record_log_start(), or was a segment */
    enum log_flush flush;
    unsigned interval_ms; /* between flushes; 0: only by record_log_flush() */
    /* By the committer, or NULL: `expect` before a frame is written, which other than 0 fails as a
     * write does; `written` when it is durable, and before record_log_durable() tells so. */
    int (*expect)(void *context, const struct record_frame *frame);
    int (*written)(void *context, const struct record_frame *frame);
    void (*changed)(void *context); /* by any thread, under no lock: record_log_durable(),
                                         record_log_trouble() or record_log_is_scarce() has
                                         changed; NULL: nobody asks */
    void *context;
};

/* What opening has found, for a person. */
struct record_log_finding {
    char file[FILES_NAME_MAX + 1]; /* "": nothing to tell */
    uint64_t offset;
    uint64_t cut;     /* bytes of a frame that was not written to its end, and is left out */
    const char *text; /* what is wrong there; a lasting phrase */
};

/* Takes a record while the log is opened. Returns 0 to go on, or -errno to give up. */
typedef int (*record_reader)(void *context, uint64_t position, struct bytes record);

/**
 * Opens the log of a folder, or begins one, and gives each record from `from` on to `read`, in
 * order. A frame at the end that was being written when the power went is cut off: nothing in it
 * was ever durable. All that has been given is durable once this has returned.
 *
 * `from` is where the records begin that the caller needs: not after the log's end, and nothing
 * from it on was forgotten.
 *
 * Returns 0 and a log; -EBADMSG: the log is broken where the finding says, or does not have what is
 * needed, and nothing has been changed; -EPROTO: another version has written it; or -errno.
 */
int record_log_open(struct record_log **out, const struct record_log_setup *setup, uint64_t from,
        record_reader read, void *context, struct record_log_finding *finding);

/**
 * Takes the room for the first segment of a log that is empty, so that a disk on which there is
 * none is found out before anything waits for it. Before the first commit.
 *
 * Returns 0, or -errno.
 */
int record_log_reserve(struct record_log *log);

/* What waits is not written any more. The committer must not run. */
void record_log_close(struct record_log *log);

/* ---- Writing ---- */

/**
 * Pushes a batch of at least one record, which is empty afterwards, with another buffer in it for
 * what comes next: record_batch_reset() at the very end. Its records become durable all at once.
 * Any thread.
 *
 * Returns the position of its first record; the others follow. UINT64_MAX: no memory, or as much
 * waits as may; the batch is left as it was.
 */
uint64_t record_log_push(struct record_log *log, struct record_batch *batch);

/* Any thread: the position of the first record that is not durable yet. */
uint64_t record_log_durable(const struct record_log *log);

/* Any thread: the position that the next record gets. */
uint64_t record_log_next(const struct record_log *log);

/* Any thread: bytes that have been pushed and are not durable yet. */
size_t record_log_waiting(const struct record_log *log);

/* Any thread: the chance that the log's sums are made of. */
uint64_t record_log_seed(const struct record_log *log);

/* Any thread: 0; -ENOSPC: commits wait for room on the disk; another -errno: there are no more. */
int record_log_trouble(const struct record_log *log);

/* Any thread: true from when the reserve is a segment until there is another one. */
bool record_log_is_scarce(const struct record_log *log);

/* ---- Committing ---- */

/**
 * Commits some of what waits, for tests and for who has no thread to spare. One caller at a time.
 *
 * Returns 1 when something has become durable, 0 when nothing waited, or -errno as above.
 */
int record_log_commit(struct record_log *log);

/* Runs a thread that does it whenever something waits, and one that makes files ready. Returns 0,
 * or -errno. */
int record_log_start(struct record_log *log);

/* Flushes what LOG_FLUSH_LAZY has not yet; nothing otherwise. Any thread. Returns 0, or -errno:
 * then there are no more commits. */
int record_log_flush(struct record_log *log);

/* Ends the thread once all that waits is durable, or cannot be. */
void record_log_stop(struct record_log *log);

/* ---- Reading and forgetting ---- */

/**
 * Reads a durable record again; any thread. `out` has `size` bytes.
 *
 * Returns the record's size, which may be more than fits: then nothing is written; -ENOENT when it
 * is not there (any more); -EBADMSG: it is not what was written; or -errno.
 */
int64_t record_log_read(struct record_log *log, uint64_t position, void *out, size_t size);

/**
 * Reads durable records again, from `from` up to the one before `to`, in order; any thread.
 *
 * Returns 0; what `read` returned, when it was not 0; or as record_log_read().
 */
int record_log_scan(
        struct record_log *log, uint64_t from, uint64_t to, record_reader read, void *context);

/**
 * Records before `position` are not needed any more. Files that hold no others are used again. Any
 * thread; nobody may read those records at the same time.
 *
 * Returns 0, or -errno.
 */
int record_log_forget(struct record_log *log, uint64_t position);

/* Gives the room of a free file back to the disk, but not of the last one where a reserve is kept.
 * Any thread. False: there is none. */
bool record_log_give_room(struct record_log *log);

/* The position of the first record of the last segment: what is before it can be forgotten with its
 * files. Any thread. */
uint64_t record_log_last_start(struct record_log *log);

/* Bytes of the segments that are in use. */
uint64_t record_log_size(struct record_log *log);

/* What commits have done so far; any thread. */
struct record_log_figures {
    uint64_t commits;
    uint64_t written_bytes;
    int64_t commit_ns_max; /* of those since the figures were taken last */
};
void record_log_figures(struct record_log *log, struct record_log_figures *out);

#endif
