/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies behind the log: sorted tables of bytes with transactions, as a small table of
 * functions. archive_lmdb.h has the one on disk, simulated_archive.h one in memory for tests.
 *
 * Keys have 1 to ARCHIVE_KEY_MAX bytes and are in order as memcmp() has it. One thread at a time
 * writes; any number read what was committed last. Every function returns 0, or -errno; of those
 * that write, -EAGAIN says that the transaction has to be abandoned and can be begun anew at once:
 * there will be more room then.
 */
#ifndef STORE_ARCHIVE_H
#define STORE_ARCHIVE_H

#include "base/bytes.h"

enum { ARCHIVE_TABLES = 24, ARCHIVE_KEY_MAX = 511 };

struct archive_view; /* what a reader or the writer sees */

struct archive {
    /* A transaction that writes; it sees what it has written. */
    int (*begin)(void *context, struct archive_view **out);
    /* What was written outlives a power cut when this has returned 0; else nothing has changed. The
     * view is gone in both cases. */
    int (*commit)(void *context, struct archive_view *view);
    void (*abandon)(void *context, struct archive_view *view);

    /* What was committed last, for reading: not for long, as it keeps old pages from being used
     * again. Given back by abandon(). */
    int (*look)(void *context, struct archive_view **out);

    /* Neither the key nor the value may lie in the archive. */
    int (*put)(void *context, struct archive_view *view, unsigned table, struct bytes key,
            struct bytes value);
    /* The same, with the value to be filled in before the next call. */
    int (*put_room)(void *context, struct archive_view *view, unsigned table, struct bytes key,
            size_t value_size, uint8_t **out);
    /* -ENOENT: there was none. */
    int (*remove)(void *context, struct archive_view *view, unsigned table, struct bytes key);
    /* -ENOENT: there is none. The value is good until the view changes or ends, as below. */
    int (*get)(void *context, struct archive_view *view, unsigned table, struct bytes key,
            struct bytes *value);
    /* The first key not less than this one; an empty one: the first of all. -ENOENT: none. */
    int (*seek)(void *context, struct archive_view *view, unsigned table, struct bytes from,
            struct bytes *key, struct bytes *value);

    uint64_t (*size)(void *context); /* bytes in use */
    /* By who writes, before a transaction: room on the disk for so many bytes more than are in use,
     * so that it does not find the disk full. Returns 0, also where the file system cannot say;
     * -ENOSPC: there is less; or -errno. */
    int (*reserve)(void *context, uint64_t bytes);
    void *context;
};

#endif
