/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive in memory for tests, which shares its fate with a simulated disk: each commit counts
 * among the disk's operations, can fail as they do, and is there or not, as a whole, when the power
 * goes in it.
 */
#ifndef STORE_SIMULATED_ARCHIVE_H
#define STORE_SIMULATED_ARCHIVE_H

#include "store/archive.h"
#include "store/simulated_disk.h"

struct archive_row {
    uint8_t *key;
    size_t key_size;
    uint8_t *value;
    size_t value_size;
};

struct archive_rows {
    struct archive_row *rows; /* in order of key */
    size_t count;
    size_t room;
};

struct simulated_archive {
    struct archive archive;
    struct simulated_disk *disk;
    struct random random;
    struct archive_rows tables[ARCHIVE_TABLES]; /* what was committed */
    uint64_t commits;
    size_t room_max; /* bytes of keys and values that may become more; 0: no limit */
    bool lies;       /* a power cut takes the last commits: a control, which must lose something */
    struct archive_rows
            before[ARCHIVE_TABLES]; /* of one that lies: what was there some commits ago */
};

/* Starts empty. It must stay where it is; the disk is borrowed. */
void simulated_archive_init(
        struct simulated_archive *archive, struct simulated_disk *disk, uint64_t seed);
/* The power comes back, as it does for the disk. */
void simulated_archive_restart(struct simulated_archive *archive);

void simulated_archive_deinit(struct simulated_archive *archive);

#endif
