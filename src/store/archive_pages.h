/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive on disk with a page that is broken, which LMDB would not survive: what is on its
 * sound pages, as an archive that can be looked at and not be changed.
 *
 * All keys are found once, when it is opened, and what they lie under takes memory: about 40 bytes
 * for each value. Their bytes stay in the file.
 */
#ifndef STORE_ARCHIVE_PAGES_H
#define STORE_ARCHIVE_PAGES_H

#include "store/archive_lmdb.h"

struct archive_pages;

/* Who is told what is broken; where either returns other than 0, opening ends with that. */
struct archive_pages_findings {
    int (*page)(void *context, uint64_t offset);
    archive_tell_broken value; /* whose sum is wrong; it is left out */
    void *context;
};

/**
 * Opens what is sound of the archive of a folder. No process may write the file until it is closed.
 *
 * Returns 0; -ENOENT: there is no archive; what *findings returned; or -errno.
 */
int archive_pages_open(struct archive_pages **out, struct archive *archive, const char *folder,
        const struct archive_pages_findings *findings);

/* NULL is fine. No view may be left. */
void archive_pages_close(struct archive_pages *archive);

#endif
