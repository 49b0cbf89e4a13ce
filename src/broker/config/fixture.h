/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: configurations read from texts in memory, and all that was told about them.
 */
#ifndef BROKER_CONFIG_FIXTURE_H
#define BROKER_CONFIG_FIXTURE_H

#include "broker/config/config.h"

enum {
    FIXTURE_FILES_MAX = 8,
    FIXTURE_TOLD_MAX = 65535,
};

struct fixture_file {
    const char *path;
    struct bytes text;
};

/* Starts as { 0 }. */
struct fixture {
    struct config_request request; /* file and source are filled in */
    struct fixture_file files[FIXTURE_FILES_MAX];
    size_t file_count;
    struct fixture_file variables[FIXTURE_FILES_MAX]; /* of the environment, by name */
    size_t variable_count;
    struct config *config; /* NULL while nothing was loaded */
    struct report report;
    char told[FIXTURE_TOLD_MAX + 1]; /* lines of "error: ...", "warning: ..." or "notice: ..." */
};

/* Adds a file that others may include; its text is borrowed. */
void fixture_add(struct fixture *fixture, const char *path, const char *text);

/* Sets a variable of the environment; its text is borrowed. */
void fixture_set(struct fixture *fixture, const char *name, const char *text);

/* Loads `text` as the file "conf", or no file for NULL; gives config_load()'s result. */
int fixture_load(struct fixture *fixture, const char *text);
int fixture_load_bytes(struct fixture *fixture, struct bytes text);

/* Is there a line told that has this in it? */
bool fixture_told(const struct fixture *fixture, const char *text);

/* Frees and empties it. */
void fixture_end(struct fixture *fixture);

#endif
