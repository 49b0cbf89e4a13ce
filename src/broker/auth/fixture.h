/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of rules out of a test's own text, and what reading them has told.
 */
#ifndef BROKER_AUTH_FIXTURE_H
#define BROKER_AUTH_FIXTURE_H

#include "broker/config/report.h"
#include "broker/config/source.h"

#include <stdbool.h>

enum { FIXTURE_FILES_MAX = 8, FIXTURE_TOLD_MAX = 4096 };

struct fixture {
    const char *paths[FIXTURE_FILES_MAX];
    const char *texts[FIXTURE_FILES_MAX];
    size_t count;
    unsigned reads;
    struct source source;
    struct report report;
    char told[FIXTURE_TOLD_MAX + 1]; /* lines of "error: ...", "warning: ..." or "notice: ..." */
};

/* Starts anew, without files. The fixture must stay where it is. */
void fixture_start(struct fixture *fixture);

/* Adds a file; path and text are borrowed. */
void fixture_add(struct fixture *fixture, const char *path, const char *text);

/* Is there a line told that has this in it? */
bool fixture_told(const struct fixture *fixture, const char *text);

#endif
