/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data directory that an import fills. It is made beside its place, under another name, and
 * moved there when it is whole: what is found in its place is a whole one or nothing.
 */
#ifndef CLI_IMPORT_TARGET_H
#define CLI_IMPORT_TARGET_H

#include "store/batch.h"

#include <stdbool.h>
#include <sys/types.h>

struct import_target;

/* To whom it is to be given. */
struct import_heir {
    uid_t user;
    gid_t group;
    bool yields; /* to another owner than root that the empty directory has */
};

/*
 * Begins one. The path may name an empty directory, whose rights it gets, or nothing. It is given
 * to the heir; without one (NULL) to the empty directory's owner.
 *
 * Returns 0; -ENOTEMPTY: something is there; or another -errno.
 */
int import_target_open(
        struct import_target **out, const char *path, const struct import_heir *heir);

/* Takes a batch, which is empty afterwards. Returns 0, or -errno. */
int import_target_push(void *target, struct record_batch *batch);

/* All is there: makes it durable, and moves it to its place. Frees the target in each case; after a
 * failure nothing is left of it. Returns 0, or -errno. */
int import_target_finish(struct import_target *target);

/* Instead of it: removes all. */
void import_target_abandon(struct import_target *target);

#endif
