/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive on disk: an LMDB environment in the folder of the log, which its lock is for too.
 *
 * Its file is as large as what was in it at most; room that becomes free is used again. Its map is
 * made larger before less than a fifth of it is free, so that what removes always finds room.
 *
 * One that is made has another name until something is to be written in it, so that nobody waits
 * for the disk before: then what there is of it is flushed, and it gets its own name. So a file of
 * that name is never one whose making was interrupted.
 *
 * Each value has a sum, also over its key. One whose sum is wrong is -EBADMSG for who reads it. An
 * archive that was made by a version without sums has none, and goes on without.
 */
#ifndef STORE_ARCHIVE_LMDB_H
#define STORE_ARCHIVE_LMDB_H

#include "store/archive.h"

#include <stdint.h>

#define ARCHIVE_FILE "archive.mdb"
#define ARCHIVE_NEW_FILE "archive.new"
#define ARCHIVE_LOCK_SUFFIX "-lock" /* LMDB's, behind the name of either */

struct archive_lmdb;

enum archive_access {
    ARCHIVE_WRITES,
    ARCHIVE_READS,
    ARCHIVE_SALVAGES, /* reads, and passes over what is not what was written */
};

/**
 * Opens or makes the archive of a folder; one that was made and never written in is made anew.
 * ARCHIVE_READS: one that is there, of which nothing is written; a server may be using it.
 * `map_size`: bytes of address space to begin with; 0: as many as there can be, up to
 * MAP_SIZE_DEFAULT.
 *
 * Returns 0; -EBADMSG: what is there is no archive, or broken; -EPROTO: another version of LMDB has
 * written it; or -errno.
 */
int archive_lmdb_open(struct archive_lmdb **out, struct archive *archive, const char *folder,
        enum archive_access access, uint64_t map_size);

/* Tells each value whose sum is wrong, by table and key. Ends with what `tell` returns, where that
 * is not 0. Returns 0; -EBADMSG: a table cannot be gone through; or -errno. */
typedef int (*archive_tell_broken)(void *context, unsigned table, struct bytes key);
int archive_lmdb_verify(struct archive_lmdb *archive, archive_tell_broken tell, void *context);

/* No view may be left. */
void archive_lmdb_close(struct archive_lmdb *archive);

#endif
