/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files watched for a change of what stands at their paths: rewritten, replaced by a rename, or
 * reached by a symbolic link that now leads elsewhere.
 *
 * It is folders that are watched, so whoever hears of something looks whether it was about him.
 */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include <stdbool.h>

enum {
    WATCH_LINKS_MAX = 40, /* symbolic links on the way to a file; Linux follows no more either */
};

/* Returns a descriptor that can be read once something has happened, or -errno. */
int watch_open(void);

void watch_close(int fd);

/**
 * Watches a path as it leads now: the folder of the file, that of each symbolic link on the way,
 * and of what is a folder itself also what lies in it. Of a path that leads nowhere the last folder
 * that is there is watched. Links that have changed lead to other folders: open a new descriptor
 * then, and add all paths again.
 *
 * Returns 0, or -errno: -EACCES for a folder that this process may not read, -ENOSPC where the
 * system's limit of watches is met, -ELOOP.
 */
int watch_add(int fd, const char *path);

/* Has something happened since the last call? */
bool watch_take(int fd);

#endif
