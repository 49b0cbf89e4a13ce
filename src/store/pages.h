/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the pages of an archive on disk are in order. LMDB trusts them: a broken one ends the
 * process, or keeps it going for ever. So they are looked at before, without LMDB; and where one is
 * broken, all others are read so, too.
 *
 * Its file is as LMDB 0.9 has it on a 64-bit machine with little-endian numbers: pages of one size,
 * two heads, and trees of pages that name each other.
 */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "base/bytes.h"

/* Opens the file of the archive in that folder, for reading. Returns it, or -errno. */
int pages_open(const char *folder);

/**
 * Reads the pages of the trees of the archive in that folder; those of the large tables of messages
 * only in a file of at most all_max bytes. No process may write the file meanwhile.
 *
 * Returns 0, also for what is no LMDB file of this kind at all, which LMDB says itself; -EBADMSG:
 * the page at *offset is broken; -ENOENT: there is none; or -errno.
 */
int pages_check(const char *folder, uint64_t all_max, uint64_t *offset);

/* What is told of a file. Where either returns other than 0, all ends with that. */
struct pages_visitor {
    int (*broken)(void *context, uint64_t offset); /* a page */
    /* A value, with the name of its table; they borrow from the file. What is broken may look
     * sound: no order is to be relied on, and a key may come twice. */
    int (*value)(void *context, struct bytes table, struct bytes key, struct bytes value);
    void *context;
};

/**
 * Tells all that is on pages of tables that can be gone through. It takes what it finds: keys that
 * are not in order, or a tree that has less than it says, are for pages_check().
 *
 * Returns 0, or what a visitor returned.
 */
int pages_read(struct bytes content, const struct pages_visitor *visitor);

#endif
