/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of files in memory for tests, in which every operation can fail and the power can be cut
 * at any: then what was not flushed is lost, or some of it is.
 */
#ifndef STORE_SIMULATED_DISK_H
#define STORE_SIMULATED_DISK_H

#include "base/random.h"
#include "store/files.h"

#include <pthread.h>

enum { DISK_FILES_MAX = 256, DISK_PENDING_MAX = 4096, SECTOR_SIZE = 512 };

/* What of the writes that were not flushed is there after a power cut. */
enum disk_survival { SURVIVE_NONE, SURVIVE_PAGES, SURVIVE_SECTORS, SURVIVE_ALL, SURVIVALS };

struct disk_write {
    uint64_t offset;
    size_t size;
    uint8_t *data;
};

struct disk_file {
    uint8_t *now;
    size_t size;
    uint8_t *flushed;
    size_t flushed_size;
    struct disk_write *writes; /* since the last flush */
    size_t write_count;
};

struct disk_entry {
    char name[FILES_NAME_MAX + 1];
    int file;
};

/* A change of the folder that is not flushed. */
struct disk_change {
    char name[FILES_NAME_MAX + 1]; /* of an entry that goes; "": none */
    struct disk_entry entry;       /* that comes; file -1: none */
};

struct disk_folder {
    struct disk_entry entries[DISK_FILES_MAX];
    size_t count;
};

struct simulated_disk {
    struct files files; /* from any thread */
    pthread_mutex_t lock;
    struct disk_file stored[DISK_FILES_MAX];
    int stored_count;
    struct disk_folder now;
    struct disk_folder flushed;
    struct disk_change changes[DISK_PENDING_MAX];
    size_t change_count;
    uint64_t operations; /* that change something, so far */
    uint64_t flushes;    /* among them: writes, and those of the folder */
    uint64_t cut_at;     /* the power goes at this one, from 1; 0: it stays */
    uint64_t fail_at;    /* this one fails with `error`, and later ones until fail_until */
    uint64_t fail_until;
    int error;
    size_t fail_part;   /* bytes of a write that are there though it fails */
    bool flush_failed;  /* one that is no write, at some time */
    bool lies;          /* nothing is flushed: a control, which must lose something */
    bool forgets_names; /* nothing of the folder is: another one */
    bool dark;          /* the power is gone: nothing works */
    size_t room_max;    /* bytes of all files together; 0: no limit */
};

/* Starts empty. The disk must stay where it is. */
void simulated_disk_init(struct simulated_disk *disk);
void simulated_disk_deinit(struct simulated_disk *disk);

/* The power comes back after a cut, or is cut now: what had been flushed is there, and of the rest
 * what chance and `survival` leave. */
void simulated_disk_restart(
        struct simulated_disk *disk, struct random *random, enum disk_survival survival);

/* Works again after a cut as if only the process had ended: what was not flushed is read, and a
 * later cut may still take it. */
void simulated_disk_revive(struct simulated_disk *disk);

/* Another operation that changes something: of what shares the disk's fate. Returns 0, or how it
 * fails. */
int simulated_disk_operate(struct simulated_disk *disk);

/* Changes a byte of a file that is there, as a failing disk does. False when it has none there. */
bool simulated_disk_damage(struct simulated_disk *disk, const char *name, uint64_t offset);

#endif
