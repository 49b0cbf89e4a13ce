/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the files of a store without changing any, broken ones, too: for who wants to know what
 * is there, or what is still there. While a server uses them, what it is writing just then may look
 * unfinished.
 */
#ifndef STORE_INSPECT_H
#define STORE_INSPECT_H

#include "store/store.h"

enum { INSPECT_KEY_MAX = 64, INSPECT_KEY_SIZE = 3 + 2 * INSPECT_KEY_MAX + 1 };

struct inspect_finding {
    char file[FILES_NAME_MAX + 1];
    uint64_t offset;
    const char *text;           /* what is wrong there; a lasting phrase */
    char key[INSPECT_KEY_SIZE]; /* of a value in the archive: table, and key in hexadecimal digits;
                                   else "" */
    bool loss;                  /* something durable is gone; else a power cut explains it */
    uint64_t missing;           /* records that are known to be gone with it */
};

/* What is told. Each function may be NULL; where one returns other than 0, all ends with that. */
struct inspect_visitor {
    int (*finding)(void *context, const struct inspect_finding *finding);
    /* Each record of the log that is needed, where it lies; after the archive. */
    int (*record)(void *context, const char *file, uint64_t offset, uint64_t position,
            const struct record *record);
    const struct store_visitor *archive; /* what is in the archive; it has its own context */
    void *context;
};

struct inspect_summary {
    bool in_use;           /* by a server */
    bool has_archive;      /* that can be opened */
    uint64_t checkpointed; /* position: the log is needed from there on */
    uint64_t segments;
    uint64_t log_bytes; /* of frames */
    uint64_t records;   /* in the log, those that are not needed included */
    uint64_t needed;    /* records */
    uint64_t next;      /* no record has this position, or a later one */
    uint64_t entries;   /* in the archive, as are the next two */
    uint64_t items;
    uint64_t queues;
    uint64_t findings;
    uint64_t losses; /* among them */
};

/**
 * Reads all of it, and tells.
 *
 * Returns 0, whatever was found; -ENOENT: there is no store; what a visitor returned; or -errno.
 */
int inspect_store(
        const char *folder, const struct inspect_visitor *visitor, struct inspect_summary *out);

struct salvage_summary {
    struct inspect_summary found;
    uint64_t entries; /* that are in the new store */
    uint64_t messages;
};

/**
 * Copies what can be read to a new store, in a folder that is there and empty; `seed` is chance.
 * Messages have new ids there, greater than all old ones and in the same order in each queue.
 * `finding` may be NULL.
 *
 * Returns 0; -ENOTEMPTY: the new folder is not empty; or as inspect_store().
 */
int salvage_store(const char *from, const char *to, uint64_t seed,
        int (*finding)(void *context, const struct inspect_finding *finding), void *context,
        struct salvage_summary *out);

#endif
