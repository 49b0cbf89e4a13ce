/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a store to the cores: whatever is in it is given to the shards' cores, before one runs.
 */
#ifndef BROKER_REVIVAL_H
#define BROKER_REVIVAL_H

#include "broker/core/restore.h"
#include "store/store.h"

struct shard_group;

/* What has come of it. */
struct revival {
    struct restore_counts counts;
    const char *broken; /* what could not be read, where -EBADMSG was returned; a lasting phrase */
};

/**
 * Returns 0; -EBADMSG: something in the store is none of ours; -ENOMEM; or -errno of reading. After
 * a failure the cores are to be freed.
 */
int revival_run(struct revival *revival, struct store *store, struct shard_group *group);

#endif
