/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where configuration files come from: the one place of this folder that calls the system. Tests
 * and the fuzzer put files of their own in its place.
 */
#ifndef BROKER_CONFIG_SOURCE_H
#define BROKER_CONFIG_SOURCE_H

#include "base/bytes.h"
#include "broker/config/report.h"

enum {
    SOURCE_FILE_BYTES_MAX = 16 << 20, /* of one file */
    SOURCE_NAMES_MAX = 255,           /* files of one directory */
    SOURCE_PATH_MAX = 4095,           /* bytes of a path */
};

/* Paths, each one and the array from malloc. */
struct source_names {
    char **paths;
    size_t count;
};

struct source {
    /*
     * Reads a whole file. *out gets a block from malloc (data may be NULL where size is 0), which
     * is the caller's to free. Returns 0 or -errno; -EISDIR for a directory, -EFBIG for a file
     * over SOURCE_FILE_BYTES_MAX.
     */
    int (*read)(void *context, const char *path, struct bytes *out);
    /*
     * Finds the files of a directory whose names end in ".conf", in no order. *out is the caller's
     * to free with source_names_free(). Returns 0 or -errno; -E2BIG for more than SOURCE_NAMES_MAX.
     */
    int (*list)(void *context, const char *directory, struct source_names *out);
    /* A variable of the environment, lasting; NULL: it is not set. */
    const char *(*variable)(void *context, const char *name);
    void *context;
    /* The line that names what is read, to be told where it cannot be; nowhere: none is known. */
    struct report_origin named;
};

/* The file system and the process's environment. */
struct source source_system(void);

/**
 * Reads a whole file, as above; why it cannot be read is told to the report, with
 * the line that names it.
 *
 * Returns 0, -EINVAL once it is told, or -ENOMEM.
 */
int source_read_told(
        const struct source *source, const char *path, struct bytes *out, struct report *report);

/* Tells the report when this process, after giving up privileges, could not open the file again. */
void source_check_access(const char *path, struct report *report);

/*
 * Puts names into Mosquitto's order: letter by letter, capitals before small ones of the same
 * letter, so that 00 01 A a B b stay in this order.
 */
void source_names_sort(struct source_names *names);

void source_names_free(struct source_names *names);

#endif
